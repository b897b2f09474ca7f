"""Whether two pages that an answer stands on disagree: the same said with another number, or with a negation that the other lacks.

Only sentences that are nearly the same are compared, because two pages may well give two numbers for two things. Which page is right is not
decided; the younger one is named, and the reader is told to ask.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.claims import numbers_in
from agent.envelope import clip
from agent.grounding import Units, pieces
from agent.orders import gives_orders
from agent.passages import Passage
from agent.polarity import negates
from core.language import Language, Text

ALIKE = 0.7
LEAST = 3
MOST = 2
MAX_SAID = 160
MAX_SENTENCE = 400
_BLANK = re.compile(r"`[^`]*<[^`]*`")
_SAID = Text(
    "The pages disagree: “{one}” [{first}], but “{other}” [{second}].{newer} Ask before you act on either.",
    "文档之间说法不一致：“{one}”[{first}]，而“{other}”[{second}]。{newer}照做之前请先确认。",
)
_NEWER = Text(" “{title}” was changed last ({at}).", "《{title}》更新较晚（{at}）。")


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    terms: frozenset[str]
    numbers: frozenset[str]
    negates: bool


def disagreements(passages: Sequence[Passage], units: Units, language: Language) -> list[str]:
    """A line for each place where two pages contradict each other, at most a few."""
    if len({one.page for one in passages}) < 2:
        return []
    said = [(one, _sentences(one, units)) for one in passages]
    found = [
        _line(one, mine, other, yours, language)
        for place, (one, ours) in enumerate(said)
        for other, theirs in said[place + 1 :]
        if one.page != other.page and one.language == other.language
        for mine in ours
        for yours in theirs
        if _contradict(mine, yours)
    ]
    return list(dict.fromkeys(found))[:MOST]


def _sentences(passage: Passage, units: Units) -> list[_Sentence]:
    body = "\n".join(line for line in passage.text.splitlines() if not gives_orders(line))
    return [one for piece in pieces(body) if len(piece) <= MAX_SENTENCE and (one := _sentence(piece, units))]


def _sentence(text: str, units: Units) -> _Sentence | None:
    plain = _BLANK.sub(" ", text)
    terms = frozenset(unit.terms[0] for unit in units(plain) if unit.kind != "everyday" and not unit.terms[0].isdigit())
    if len(terms) < LEAST:
        return None
    return _Sentence(text, terms, frozenset(numbers_in(plain)), negates(plain))


def _contradict(one: _Sentence, other: _Sentence) -> bool:
    alike = len(one.terms & other.terms) / len(one.terms | other.terms)
    if alike < ALIKE:
        return False
    other_number = bool(one.numbers and other.numbers) and not one.numbers & other.numbers
    return other_number or one.negates != other.negates


def _line(one: Passage, mine: _Sentence, other: Passage, yours: _Sentence, language: Language) -> str:
    return _SAID(
        language,
        one=clip(mine.text, MAX_SAID),
        first=one.number,
        other=clip(yours.text, MAX_SAID),
        second=other.number,
        newer="".join(_newer(one, other, language)),
    )


def _newer(one: Passage, other: Passage, language: Language) -> Iterator[str]:
    if one.updated_at and other.updated_at and one.updated_at[:10] != other.updated_at[:10]:
        newer = max(one, other, key=lambda each: each.updated_at)
        yield _NEWER(language, title=newer.title, at=newer.updated_at[:10])
