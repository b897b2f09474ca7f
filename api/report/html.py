"""A diagnosis as one HTML page that can be mailed: no script, no image, no address outside, styles inline where mail readers want them.

Every piece of text is escaped, because a log line is written by whoever can make a program log.
"""

from collections.abc import Iterator, Sequence
from html import escape

from api.report.outline import AGAINST, EFFECTS, EVIDENCE, Branch, Outline, Proof, sections
from core.language import Language

_PAGE = "margin:0;padding:24px;font:15px/1.5 system-ui,sans-serif;color:#1b1f24;background:#ffffff;max-width:860px"
_FAINT = "color:#59636e;font-size:13px"
_CARD = "border:1px solid #d1d9e0;border-left:4px solid #b42318;border-radius:6px;padding:12px 16px;margin:16px 0"
_CODE = (
    "font:13px/1.5 ui-monospace,monospace;background:#f3f5f7;padding:1px 4px;border-radius:3px;word-break:break-word"
)


def html(read: Outline, language: Language) -> str:
    return "\n".join(_lines(read, language)) + "\n"


def _lines(read: Outline, language: Language) -> Iterator[str]:
    yield f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light">'
    yield f'<title>{escape(read.subject)}</title></head><body style="{_PAGE}">'
    yield f"<h1>{escape(read.subject)}</h1>"
    yield f'<p style="{_FAINT}">{escape(read.window)}</p>'
    if not read.branches:
        yield f"<p><strong>{escape(read.verdict)}</strong></p>"
    for branch in read.branches:
        yield from _branch(branch, language)
    for heading, lines in sections(read, language):
        yield f"<h2>{escape(heading)}</h2>"
        yield from _list(lines)
    yield "</body></html>"


def _branch(branch: Branch, language: Language) -> Iterator[str]:
    facts = " · ".join(escape(part) for part in (branch.component, branch.fault, branch.sure, branch.since) if part)
    yield f'<section style="{_CARD}"><h2>{escape(branch.title)}</h2><p style="{_FAINT}">{facts}</p>'
    yield f"<p>{escape(branch.statement)}</p>"
    yield from _proofs(EVIDENCE(language), branch.proofs)
    yield from _proofs(AGAINST(language), branch.against)
    if branch.effects:
        yield f"<h3>{escape(EFFECTS(language))}</h3>"
        yield from _list(branch.effects)
    yield "</section>"


def _proofs(heading: str, proofs: Sequence[Proof]) -> Iterator[str]:
    if not proofs:
        return
    yield f"<h3>{escape(heading)}</h3><ul>"
    for proof in proofs:
        course = f" {escape(proof.spark)}" if proof.spark else ""
        yield f'<li><code style="{_CODE}">{escape(proof.text)}</code>{course}<br>'
        yield f'<span style="{_FAINT}">{escape(proof.ref)}</span></li>'
    yield "</ul>"


def _list(lines: Sequence[str]) -> Iterator[str]:
    yield "<ul>"
    yield from (f"<li>{escape(line)}</li>" for line in lines)
    yield "</ul>"
