// Asks for a bearer token where the service wants one, and keeps it as long as the tab is open.
"use strict";

window.knockon = (() => {
  const KEPT = "knockon.token";
  const form = document.getElementById("token");
  const field = form.elements.namedItem("token");
  const said = form.querySelector("output");

  function authorization() {
    const token = sessionStorage.getItem(KEPT);
    return token ? { Authorization: `Bearer ${token}` } : {};
  }

  /** Ask the service something; whoever it does not know is asked for a token. */
  async function ask(address, options = {}) {
    const headers = { ...authorization(), ...options.headers };
    const answer = await fetch(address, { ...options, headers });
    form.hidden = answer.ok || ![401, 403].includes(answer.status);
    if (!form.hidden) {
      said.value = sessionStorage.getItem(KEPT) ? (await answer.clone().json()).detail : "";
      field.focus();
    }
    return answer;
  }

  /** Give what `probe` is answered, once the service answers it. */
  async function entered(probe) {
    for (;;) {
      const answer = await probe();
      if (form.hidden) return answer;
      await new Promise((given) => form.addEventListener("submit", given, { once: true }));
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEPT, field.value.trim());
    field.value = "";
    form.hidden = true;
  });

  return { ask, entered, token: () => sessionStorage.getItem(KEPT) };
})();
