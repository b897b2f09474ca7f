"""The API's page at /docs: our own, because the usual one is fetched from other people's servers.

It reads /openapi.json from this server and lists every path with its parameters, body and answers. Everything is put in as text, never as
HTML, and the page's policy lets it speak to nobody but the server it came from.
"""

import secrets
from string import Template

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Firstmate API</title>
<style nonce="$nonce">
:root { color-scheme: light dark; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 900px; margin: 0 auto; padding: 24px; }
details { border: 1px solid var(--line); border-radius: 8px; margin: 6px 0; padding: 6px 12px; }
summary { cursor: pointer; } code, pre { font: 13px ui-monospace, monospace; } pre { overflow-x: auto; }
b { display: inline-block; min-width: 58px; } h2 { margin-top: 28px; font-size: 17px; } .dim { opacity: .7; }
</style></head><body>
<h1>⚓ Firstmate API</h1>
<p>Send <code>Authorization: Bearer &lt;token&gt;</code>. Every answer is
<code>{"code", "message", "data", "request_id"}</code>; the machine-readable form is <a href="/openapi.json">/openapi.json</a>.</p>
<main id="list">…</main>
<script nonce="$nonce">
const make = (tag, text, into) => { const e = document.createElement(tag); if (text) e.textContent = text; into.append(e); return e; };
const named = (api, s) => s && s.$$ref ? api.components.schemas[s.$$ref.split("/").pop()] : s;
const show = (title, value, into) => { make("p", title, into); make("pre", JSON.stringify(value, null, 2), into); };
function operation(api, path, method, op, into) {
  const box = make("details", "", into), head = make("summary", "", box);
  make("b", method.toUpperCase(), head); make("code", path, head);
  if (op.description || op.summary) make("p", op.description || op.summary, box).className = "dim";
  for (const p of op.parameters || []) make("div", p.in + ": " + p.name + (p.required ? " (required)" : ""), box);
  const body = op.requestBody && Object.values(op.requestBody.content)[0];
  if (body) show("body", named(api, body.schema), box);
}
fetch("/openapi.json").then(r => r.json()).then(api => {
  const list = document.getElementById("list"), tags = {}; list.textContent = "";
  for (const [path, methods] of Object.entries(api.paths))
    for (const [method, op] of Object.entries(methods)) (tags[(op.tags || ["other"])[0]] ||= []).push([path, method, op]);
  for (const [tag, ops] of Object.entries(tags)) { make("h2", tag, list); for (const o of ops) operation(api, ...o, list); }
});
</script></body></html>""")


def install(app: FastAPI) -> None:
    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        nonce = secrets.token_urlsafe(16)
        policy = f"default-src 'none'; connect-src 'self'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; frame-ancestors 'none'"
        return HTMLResponse(_PAGE.substitute(nonce=nonce), headers={"Content-Security-Policy": policy})
