// Opens the pages of a service in a browser that reaches nothing else: ADDRESS TOKEN. Prints what was seen.
import { createRequire } from "node:module";
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
// the browser comes packed in its npm package, with the libraries that a small machine may lack; unpacked once
process.env.TMPDIR = new URL("../../web/node_modules/.chromium", import.meta.url).pathname;
mkdirSync(tmpdir(), { recursive: true });
process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs24.x";
const { default: packed } = await import(require.resolve("@sparticuz/chromium"));
const { chromium } = require("playwright-core");

const [address, token] = process.argv.slice(2);
const seen = { elsewhere: [], wrong: [], graphiql: {}, docs: {} };
const executablePath = await packed.executablePath();
// its fonts are where it was unpacked, and its own settings look for them elsewhere: without any it ends where text is typed
writeFileSync(`${tmpdir()}/fonts/fonts.conf`, `<fontconfig><dir>${tmpdir()}/fonts</dir><cachedir>${tmpdir()}/fonts-cache</cachedir></fontconfig>`);
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--no-zygote", "--single-process", "--disable-gpu"],
});

async function page(context) {
  const opened = await context.newPage();
  opened.on("request", (asked) => {
    const url = asked.url();
    if (!url.startsWith(`${address}/`) && !/^(data|blob):/.test(url)) seen.elsewhere.push(url);
  });
  opened.on("pageerror", (error) => seen.wrong.push(String(error)));
  opened.on("console", (said) => {
    const meant = said.text().includes("status of 401"); // the browser tells of each answer that asks for a token
    if (["error", "warning"].includes(said.type()) && !meant) seen.wrong.push(said.text());
  });
  return opened;
}

async function enter(opened, given) {
  await opened.waitForSelector("#token:not([hidden])");
  await opened.fill("#token input", given);
  await opened.click("#token button");
}

const context = await browser.newContext();
context.setDefaultTimeout(120_000); // machines are shared

const graphiql = await page(context);
await graphiql.goto(`${address}/graphiql`);
await enter(graphiql, "not the token");
await graphiql.waitForFunction(() => document.querySelector("#token output").value);
seen.graphiql.refused = await graphiql.locator("#token output").innerText();
await enter(graphiql, token);
await graphiql.click("button[aria-label='Show Documentation Explorer']");
await graphiql.click(".graphiql-doc-explorer a:text-is('Query')");
await graphiql.waitForSelector("text=What can be asked.");
await graphiql.click("button[aria-label^='Execute query']");
await graphiql.waitForFunction(() => document.querySelector(".result-window")?.textContent.includes("blastRadius"));
seen.graphiql.result = await graphiql.locator(".result-window").innerText();
seen.graphiql.complaints = await graphiql.locator(".CodeMirror-lint-mark-error").count();
await graphiql.click("button[aria-label='Open settings dialog']");
await graphiql.waitForSelector("[role=dialog]");
await graphiql.keyboard.press("Escape");
seen.graphiql.kept = await graphiql.evaluate((it) => [JSON.stringify(localStorage).includes(it), document.cookie], token);
await graphiql.reload();
await graphiql.waitForSelector(".graphiql-container");
seen.graphiql.again = await graphiql.locator("#token").isHidden();

const docs = await page(context);
await docs.goto(`${address}/docs`);
await enter(docs, token);
await docs.waitForSelector("#operations-default-readyz");
seen.docs.operations = await docs.locator(".opblock-summary-path").allInnerTexts();
await docs.click("#operations-default-metrics .opblock-summary-control");
await docs.click("#operations-default-metrics .try-out__btn");
await docs.click("#operations-default-metrics .execute");
await docs.waitForSelector("#operations-default-metrics .live-responses-table .response-col_status");
seen.docs.status = await docs.locator("#operations-default-metrics .live-responses-table .response-col_status").last().innerText();

await browser.close();
console.log(JSON.stringify(seen));
