"use strict";

const FIRST = `# Questions about the estate, in GraphQL. Ctrl-Space completes; the book on the left has the schema.
# This one asks what breaks if a hypervisor fails.
{
  hypervisors(first: 1) {
    edges { node { name blastRadius { counts { DOWN DEGRADED AT_RISK } services { name state criticality } } } }
  }
}
`;

async function fetcher(question, { headers } = {}) {
  const answer = await window.knockon.ask("graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json", ...headers },
    body: JSON.stringify(question),
  });
  return answer.json();
}

window.knockon
  .entered(() => window.knockon.ask("graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query: "{ __typename }" }),
  }))
  .then(() => {
    const { React, ReactDOM, GraphiQL } = window;
    ReactDOM.createRoot(document.getElementById("page")).render(
      React.createElement(GraphiQL, { fetcher, defaultQuery: FIRST, shouldPersistHeaders: false }),
    );
  });
