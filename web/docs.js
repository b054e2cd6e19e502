"use strict";

window.knockon
  .entered(() => window.knockon.ask("openapi.json"))
  .then((answer) => answer.json())
  .then((spec) => {
    const ui = window.SwaggerUIBundle({
      spec,
      dom_id: "#page",
      validatorUrl: null,
      onComplete: () => {
        if (window.knockon.token()) ui.preauthorizeApiKey("token", window.knockon.token());
      },
    });
  });
