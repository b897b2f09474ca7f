"""A diagnosis as one HTML page that can be mailed: no script, no image, no address outside.

Styles stand inline where mail readers want them; the one sheet only turns them dark where the reader's screen is, makes room on a narrow
one and keeps a cause together on paper. Every piece of text is escaped, because a log line is written by whoever can make a program log.
"""

from collections.abc import Iterator, Sequence
from html import escape

from api.report.outline import AGAINST, EFFECTS, EVIDENCE, Branch, Outline, Proof, sections
from core.language import Language

_PAGE = "margin:0;padding:24px;font:15px/1.5 system-ui,sans-serif;color:#1b1f24;background:#ffffff;max-width:860px"
_FAINT = "color:#59636e;font-size:13px"
_CARD = "border:1px solid #d1d9e0;border-left:4px solid #b42318;border-radius:6px;padding:12px 16px;margin:16px 0;overflow-wrap:anywhere"
_CODE = (
    "font:13px/1.5 ui-monospace,monospace;background:#f3f5f7;padding:1px 4px;border-radius:3px;word-break:break-word"
)

_H2, _H3 = "margin:0 0 4px;font-size:19px;line-height:1.3", "margin:14px 0 4px;font-size:14px"
_TITLE, _LISTED = "margin:0 0 4px;font-size:26px;line-height:1.25", "margin:4px 0;padding-left:20px"
_SHEET = """
@media (prefers-color-scheme: dark) {
  body { color: #d7dde3 !important; background: #14181d !important; }
  section { border-color: #39424c !important; border-left-color: #f2685c !important; }
  .faint { color: #98a3ae !important; }
  code { background: #222a32 !important; color: #d7dde3 !important; }
}
@media (max-width: 520px) { body { padding: 12px !important; } section { padding: 10px 12px !important; } }
@media print { section { break-inside: avoid; } }
"""


def html(read: Outline, language: Language) -> str:
    return "\n".join(_lines(read, language)) + "\n"


def _lines(read: Outline, language: Language) -> Iterator[str]:
    yield f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
    yield f'<title>{escape(read.subject)}</title><style>{_SHEET}</style></head><body style="{_PAGE}">'
    yield f'<h1 style="{_TITLE}">{escape(read.subject)}</h1>'
    yield f'<p class="faint" style="{_FAINT}">{escape(read.window)}</p>'
    if not read.branches:
        yield f"<p><strong>{escape(read.verdict)}</strong></p>"
    for branch in read.branches:
        yield from _branch(branch, language)
    for heading, lines in sections(read, language):
        yield f'<h2 style="{_H2}">{escape(heading)}</h2>'
        yield from _list(lines)
    yield "</body></html>"


def _branch(branch: Branch, language: Language) -> Iterator[str]:
    facts = " · ".join(escape(part) for part in (branch.component, branch.fault, branch.sure, branch.since) if part)
    yield f'<section style="{_CARD}"><h2 style="{_H2}">{escape(branch.title)}</h2><p class="faint" style="{_FAINT}">{facts}</p>'
    yield f"<p>{escape(branch.statement)}</p>"
    yield from _proofs(EVIDENCE(language), branch.proofs)
    yield from _proofs(AGAINST(language), branch.against)
    if branch.effects:
        yield f'<h3 style="{_H3}">{escape(EFFECTS(language))}</h3>'
        yield from _list(branch.effects)
    yield "</section>"


def _proofs(heading: str, proofs: Sequence[Proof]) -> Iterator[str]:
    if not proofs:
        return
    yield f'<h3 style="{_H3}">{escape(heading)}</h3><ul style="{_LISTED}">'
    for proof in proofs:
        course = f" {escape(proof.spark)}" if proof.spark else ""
        yield f'<li><code style="{_CODE}">{escape(proof.text)}</code>{course}<br>'
        yield f'<span class="faint" style="{_FAINT}">{escape(proof.ref)}</span></li>'
    yield "</ul>"


def _list(lines: Sequence[str]) -> Iterator[str]:
    yield f'<ul style="{_LISTED}">'
    yield from (f"<li>{escape(line)}</li>" for line in lines)
    yield "</ul>"
