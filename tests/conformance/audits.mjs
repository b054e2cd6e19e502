// Runs the audits of graphql-http against a service: ADDRESS TOKEN. Prints [{id, name, status, reason}].
import { createRequire } from "node:module";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { auditServer } = require("graphql-http");
const [address, token] = process.argv.slice(2);

const results = await auditServer({
  url: `${address}/graphql`,
  fetchFn: (url, options = {}) =>
    fetch(url, { ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } }),
});
console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
