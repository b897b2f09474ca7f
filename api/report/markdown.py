"""A diagnosis as Markdown, for a ticket or a chat. What comes from the cluster is quoted as code, so that none of it is read as markup."""

from collections.abc import Iterator, Sequence

from api.report.outline import AGAINST, EFFECTS, EVIDENCE, Branch, Outline, Proof, sections
from core.language import Language

_MARKUP = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|!~"})


def markdown(read: Outline, language: Language) -> str:
    return "\n".join(_lines(read, language)).rstrip() + "\n"


def _lines(read: Outline, language: Language) -> Iterator[str]:
    yield f"# {_plain(read.subject)}"
    yield ""
    yield f"{read.window}"
    yield ""
    if not read.branches:
        yield f"**{_plain(read.verdict)}**"
        yield ""
    for branch in read.branches:
        yield from _branch(branch, language)
    for heading, lines in sections(read, language):
        yield f"## {heading}"
        yield ""
        yield from (f"- {_plain(line)}" for line in lines)
        yield ""


def _branch(branch: Branch, language: Language) -> Iterator[str]:
    yield f"## {branch.title}"
    yield ""
    yield " · ".join(_plain(part) for part in (branch.component, branch.fault, branch.sure, branch.since) if part)
    yield ""
    yield _plain(branch.statement)
    yield ""
    yield from _proofs(EVIDENCE(language), branch.proofs)
    yield from _proofs(AGAINST(language), branch.against)
    if branch.effects:
        yield f"**{EFFECTS(language)}**"
        yield ""
        yield from (f"- {_plain(effect)}" for effect in branch.effects)
        yield ""


def _proofs(heading: str, proofs: Sequence[Proof]) -> Iterator[str]:
    if not proofs:
        return
    yield f"**{heading}**"
    yield ""
    for proof in proofs:
        yield f"- {_code(proof.text)} {proof.spark} ({_code(proof.ref)})".replace("  ", " ")
    yield ""


def _plain(text: str) -> str:
    return " ".join(text.split()).translate(_MARKUP)


def _code(text: str) -> str:
    """As code, with a fence longer than any run of back-quotes inside."""
    text = " ".join(text.split())
    fence = "`"
    while fence in text:
        fence += "`"
    return f"{fence} {text} {fence}" if len(fence) > 1 else f"`{text}`"
