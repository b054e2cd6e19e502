"""The start page: what this is, and three things to try."""

from __future__ import annotations

import json
from html import escape

_SERVICES = """{ businessServices(first: 5) { totalCount edges { node { id name criticality
  dependsOn(first: 5) { edges { node { class name } } } } } } }"""
_BLAST_RADIUS = """{ hypervisors(first: 1) { edges { node { name blastRadius { counts { DOWN DEGRADED AT_RISK }
  services { name state criticality } survivors { name group up minUp margin } } } } } }"""
_INCIDENTS = """{ incidents(first: 5) { edges { node { name state
  affectedServices { service { name } state because } } } } }"""
_TRIES = (
    ("The first business services, and what they depend on", _SERVICES),
    ("What breaks if a hypervisor fails", _BLAST_RADIUS),
    ("Incidents, and the services that they hit", _INCIDENTS),
)


def start_page(address: str, *, token: bool, pages: bool) -> str:
    """Give the page as HTML, without scripts or anything from elsewhere; ``address`` ends with a slash."""
    sent = ' -H "Authorization: Bearer $KNOCKON_TOKEN"' if token else ""
    items = "\n".join(
        f"<li><p>{escape(said)}:</p><pre>{escape(_curl(address, query, sent))}</pre></li>" for said, query in _TRIES
    )
    more = (
        '<p>For a browser: <a href="graphiql">GraphiQL</a>, and <a href="docs">the HTTP API</a>.</p>' if pages else ""
    )
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>knockon</title></head>
<body>
<h1>knockon</h1>
<p>A configuration management database that answers <em>what happens if</em>. This is its GraphQL API, at
<code>/graphql</code>. Three things to try in a terminal:</p>
<ol>
{items}
</ol>
{more}
<p><code>/healthz</code> and <code>/readyz</code> tell whether the service lives and whether it can reach its store.</p>
</body>
</html>
"""


def _curl(address: str, query: str, sent: str) -> str:
    body = json.dumps({"query": " ".join(query.split())})
    return f"curl -s {address}graphql{sent} -H 'Content-Type: application/json' -d '{body}'"
