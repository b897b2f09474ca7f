"""An answer as statements with evidence, and the check that a model did not make something up.

The text is taken apart into sentences. The marks that a sentence carries ([e3]) name its evidence; marks at a line's end count for the
line's earlier sentences too. Then every number and every object name in the sentence must occur in what was read: in evidence, tool
results or (names only) the question. A sentence that says more goes to `unsupported` and is marked in the text, so that a reader sees which
words are the model's own. A percentage may stand for a ratio, and a number may be rounded.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agent.state import Evidence, Step
from agent.words import KINDS, NOT_NAMES
from core.language import Language, Text

_MARK = re.compile(r"\s*\[(e\d+(?:\s*,\s*e\d+)*)\]")
_SENTENCE = re.compile(r"(?<=[。！？])|(?<=[.!?])\s+(?=[A-Z\u4e00-\u9fff`\"“])")
_ORPHAN = re.compile(r"^\s*(?:\[e\d+(?:\s*,\s*e\d+)*\]\s*)+")
_BULLET = re.compile(r"^\s*(?:[-*•#>]+|\d+[.)、])\s+")
_NUMBER = re.compile(r"(?<![\w.:-])(\d+(?:\.\d+)?)(%?)(?![\w-]*-\d)")
_ANY_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NAME = re.compile(
    r"`([^`\s]{2,253})`|(?<![\w/.-])([A-Za-z][\w.]*(?:[-/_.][\w.]+)+|[A-Za-z]+\d[\w-]*|[A-Z][a-z]+(?:[A-Z][a-z]+)+)(?![\w-])"
)
_KIND_NAME = re.compile(
    rf"\b(?:{'|'.join(word for word in KINDS if word.isascii())})\s+([a-z][a-z0-9-]{{2,}})\b", re.IGNORECASE
)
_UNMARKED = Text(" ⚠ (no evidence)", "（⚠ 无证据）")


@dataclass(frozen=True)
class Read:
    """Everything that was read in a run, prepared for asking whether something occurs in it."""

    by_id: Mapping[str, str]
    question: str

    @cached_property
    def text(self) -> str:
        return "\n".join(self.by_id.values()).lower()

    @cached_property
    def numbers(self) -> frozenset[float]:
        return frozenset(float(found) for found in _ANY_NUMBER.findall(self.text))

    def has_name(self, name: str) -> bool:
        parts = [name, *name.split("/")] if "/" in name else [name]
        known = [part.lower() in self.text or part.lower() in self.question.lower() for part in parts]
        return known[0] or (len(known) > 1 and all(known[1:]))

    def has_number(self, digits: str, percent: bool) -> bool:
        value, places = float(digits), len(digits.partition(".")[2])
        if value in self.numbers or any(round(known, places) == value for known in self.numbers):
            return True
        return percent and any(round(known * 100, places) == value for known in self.numbers if known <= 1)

    def ids_with(self, claims: Iterable[str]) -> list[str]:
        wanted = [claim.lower().rstrip("%") for claim in claims]
        return [each for each, text in self.by_id.items() if any(claim in text.lower() for claim in wanted)][:3]


def everything_read(evidence: Sequence[Evidence], steps: Sequence[Step], question: str) -> Read:
    by_id = {each["id"]: f"{each['source']} {each['ref']} {each['quote']} {each['at']}" for each in evidence}
    for step in steps:
        own = step["evidence"][:1]
        if own:
            said = {key: step[key] for key in ("arguments", "summary", "data", "missing", "error", "source")}
            by_id[own[0]] = f"{by_id.get(own[0], '')} {json.dumps(said, ensure_ascii=False, default=str)}"
    return Read(by_id, question)


def check(text: str, read: Read, language: Language) -> dict[str, Any]:
    """The text with its unsupported sentences marked, and the statements it is made of."""
    lines, statements, unsupported = [], [], []
    for line in text.strip().splitlines():
        shown = []
        for sentence, marks in _sentences(line):
            words = _MARK.sub("", sentence).strip()
            claims = list(dict.fromkeys(_claims(words)))
            ids = [each for each in marks if each in read.by_id]
            wrong = [claim for claim in claims if not _supported(claim, read)]
            if wrong:
                unsupported.append({"text": words, "claims": wrong})
                sentence = f"{sentence.rstrip()}{_UNMARKED(language)}"
            elif words and (ids or claims):
                statements.append({"text": _BULLET.sub("", words), "evidence": ids or read.ids_with(claims)})
            shown.append(sentence)
        lines.append(_joined(shown))
    return {"text": "\n".join(lines), "statements": statements, "unsupported": unsupported}


def _joined(sentences: Sequence[str]) -> str:
    line = ""
    for sentence in sentences:
        gap = "" if not line or line.endswith(("。", "！", "？", "）")) else " "
        line += gap + (sentence.strip() if line else sentence.rstrip())
    return line


def sources_of(steps: Sequence[Step]) -> list[dict[str, str]]:
    seen: dict[tuple[str, str], dict[str, str]] = {}
    for step in steps:
        for source in step["source"]:
            seen.setdefault((source.get("system", ""), source.get("query", "")), source)
    return list(seen.values())


def marks_in(text: str) -> set[str]:
    return {each.strip() for group in _MARK.findall(text) for each in group.split(",")}


def _sentences(line: str) -> list[tuple[str, list[str]]]:
    """Sentences with their marks; a sentence without any takes the marks that come next on its line."""
    parts: list[str] = []
    for part in (piece for piece in _SENTENCE.split(line) if piece):
        orphan = _ORPHAN.match(part)
        if orphan and parts:
            parts[-1] += orphan.group()
            part = part[orphan.end() :]
        if part.strip() or not parts:
            parts.append(part)
    found: list[tuple[str, list[str]]] = []
    later: list[str] = []
    for part in reversed(parts):
        own = [each.strip() for group in _MARK.findall(part) for each in group.split(",")]
        later = own or later
        found.append((part, later))
    return found[::-1]


def _claims(sentence: str) -> Iterable[str]:
    plain = _BULLET.sub("", sentence)
    for number, percent in _NUMBER.findall(plain):
        yield number + percent
    for quoted, bare in _NAME.findall(plain):
        name = (quoted or bare).rstrip(".")
        if quoted or not _is_prose(name):
            yield name
    for name in _KIND_NAME.findall(plain):
        if name.lower() not in NOT_NAMES and name.lower() not in KINDS:
            yield name


def _is_prose(name: str) -> bool:
    if name.lower() in KINDS:
        return True
    humps = sum(1 for char in name if char.isupper()) > 1
    return not humps and all(part.lower() in NOT_NAMES for part in re.split(r"[-/_.]", name) if part)


def _supported(claim: str, read: Read) -> bool:
    if re.fullmatch(r"\d+(?:\.\d+)?%?", claim):
        return read.has_number(claim.rstrip("%"), claim.endswith("%"))
    return read.has_name(claim)
