"""The page before the console: one form, in both languages, light and dark, with nothing fetched.

A link's code is sent on by a script of this page alone (its nonce is in the page's policy); without scripts the button does the same.
"""

from string import Template

PAGE = Template("""<!doctype html>
<html lang="$language">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
  :root { color-scheme: light dark; --ink: #14213a; --dim: #5d6b85; --paper: #eef2f8;
          --card: #fff; --line: #cfd8e6; --bad: #b3202c; --accent: #0b7377; }
  @media (prefers-color-scheme: dark) {
    :root { --ink: #e4eaf4; --dim: #93a2bd; --paper: #0b1220;
            --card: #152034; --line: #31415f; --bad: #ff8a90; --accent: #128d92; }
  }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
         font: 15px/1.5 system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif; }
  form { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 30px 32px;
         width: min(340px, calc(100vw - 96px)); }
  h1 { font-size: 20px; margin: 0 0 6px; } p { margin: 0 0 18px; color: var(--dim); } p.bad { color: var(--bad); font-weight: 550; }
  input, button { width: 100%; box-sizing: border-box; font: inherit; padding: 10px 12px; border-radius: 8px; }
  input { border: 1px solid var(--line); background: transparent; color: inherit; }
  button { margin-top: 12px; border: 0; background: var(--accent); color: #fff; font-weight: 600; cursor: pointer; }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
</style>
<form method="post" action="/login">
  <h1>⚓ $title</h1>
  <p>$hint</p>
  $complaint
  <input name="token" type="password" aria-label="$token" placeholder="$token" autocomplete="off" autofocus maxlength="4096">
  <input name="code" type="hidden" value="$code">
  <input name="to" type="hidden" value="$to">
  <button>$login</button>
</form>
<script nonce="$nonce">
  const form = document.querySelector("form");
  if (form.elements.code.value) { form.hidden = true; form.submit(); }
</script>
</html>
""")
