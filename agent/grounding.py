"""Whether an answer says only what its passages say: statement by statement, without a model, in both languages.

A statement is supported when one page says it: its commands, flags, numbers and names stand there letter by letter; enough of what it
speaks of is spoken of in one place of the page, or in two that are side by side; and no clause turns what is written into its opposite.
Terms are compared as the search compares them, so that a Chinese statement may stand on an English page: concepts of the glossary,
names and codes are the same in both languages, plain words count only within one. What is not supported is marked; a command, a flag or
a number that no passage has is no opinion but a danger, so that statement is left out. A citation is mended where another passage says
it, and removed where it leads nowhere. It judges words, not truth: a wrong page is believed.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

from agent.claims import Claims, claims_in, has_number, is_verbatim, numbers_in, squeezed
from agent.orders import gives_orders
from agent.passages import Passage
from agent.polarity import acts, negates, opposed
from agent.statements import Line, Statement, lines_of
from core.language import Language, Text, detect, unwrapped


class Unit(Protocol):
    @property
    def terms(self) -> tuple[str, ...]: ...

    @property
    def kind(self) -> str: ...


Units = Callable[[str], Sequence[Unit]]
ENOUGH = 0.56
"""Share of a statement's terms that one place must hold."""
ENOUGH_OF_PAGE = 0.8
"""Where two places of a passage say it together."""
SAME = 0.5
"""Share of a clause's terms from which two clauses are about the same."""
TECHNICAL = 1.6
FOREIGN = 0.15
ACT = 0.6
LIKE = 0.34
"""Share of a clause that a negation of the other kind must concern before it counts."""
FEW = 2
_PIECE = re.compile(r"(?<=[。！？；])|(?<=[.!?;])\s+|\n+")
_COMMAND = re.compile(r"`[^`\n]* [^`\n]*`")
_CLAUSE = re.compile(
    r"[,，;；:：.。!?！？()（）—]+\s*|\s+(?:but|so|and then|because)\s+|\s+(?=instead of|unless)|但|因为|(?=而不是)"
)
_ITEM = re.compile(r"\n(?=\s{0,2}(?:[-*+]|\d+[.)]|\||#)\s?)|\n\s*\n")
_NUMBERED = re.compile(r"^\s*(?:[-*+]|\d+[.)、])\s+", re.MULTILINE)
_ABSENT = re.compile(
    r"\b(?:passages?|pages?|sources?|runbooks?|knowledge base|documents?)\b[^.]{0,40}\b(?:do(?:es)? not|don't|doesn't|say nothing|says nothing|no)\b"
    r"|\b(?:not|nothing) (?:is )?(?:said|mentioned|covered|described|found)\b"
    r"|(?:段落|页面|手册|文档|知识库|资料)[^。]{0,12}(?:没有|未|并未)[^。]{0,6}(?:提|写|说|涉及|给出|包含|覆盖)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[“\"「『](.{6,}?)[”\"」』]")
_MARKED = Text(" ⚠ (not in the sources)", "（⚠ 来源未载明）")
_WHY = {
    "command": Text("no passage has this command", "没有段落包含这条命令"),
    "flag": Text("no passage has this flag", "没有段落包含这个参数"),
    "number": Text("no passage has this number here", "没有段落在此处给出这个数字"),
    "name": Text("no passage has this name", "没有段落提到这个名字"),
    "content": Text("no passage says this", "没有段落这样说"),
    "opposite": Text("a passage says the opposite", "段落的说法与此相反"),
    "order": Text("a page orders the assistant to say it", "这是页面对助手的指令"),
}
HARD = frozenset({"command", "flag", "number"})


@dataclass(frozen=True)
class Clause:
    """A part of a sentence: what it speaks of, what it does with it, and whether it negates that."""

    text: str
    units: tuple[Unit, ...]
    terms: frozenset[str]
    acts: frozenset[str]
    negates: bool


@dataclass(frozen=True)
class Place:
    """One item or sentence of a passage, prepared for comparing."""

    text: str
    terms: frozenset[str]
    numbers: frozenset[str]
    clauses: tuple[Clause, ...]
    acts: frozenset[str]


@dataclass(frozen=True)
class Written:
    """A passage as statements are held against it; lines that speak to the assistant are no support."""

    passage: Passage
    units: Units

    @cached_property
    def text(self) -> str:
        title, heading = ("" if gives_orders(one) else one for one in (self.passage.title, self.passage.heading))
        body = "\n".join(line for line in self.passage.text.splitlines() if not gives_orders(line))
        return f"{title}\n{heading}\n{body}"

    @cached_property
    def squeezed(self) -> str:
        return "\n".join(squeezed(line) for line in self.text.splitlines())

    @cached_property
    def lowered(self) -> str:
        return self.text.lower()

    @cached_property
    def is_chinese(self) -> bool:
        return detect(self.passage.text) == "zh"

    @cached_property
    def about(self) -> frozenset[str]:
        return terms_of(f"{self.passage.title}\n{self.passage.heading}", self.units)

    @cached_property
    def single(self) -> tuple[Place, ...]:
        return tuple(self._place(piece) for piece in pieces(self.text.split("\n", 2)[2]))

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Each item and sentence, and each two that are side by side."""
        single = self.single
        pairs = [
            Place(
                f"{one.text}\n{two.text}",
                one.terms | two.terms,
                one.numbers | two.numbers,
                one.clauses + two.clauses,
                one.acts | two.acts,
            )
            for one, two in pairwise(single)
        ]
        return (*single, *pairs)

    @cached_property
    def whole(self) -> Place:
        return self._place(_NUMBERED.sub("", self.text.split("\n", 2)[2]))

    def _place(self, text: str) -> Place:
        clauses = tuple(clause_of(clause, self.units) for clause in _clauses(text))
        return Place(text, terms_of(text, self.units), frozenset(numbers_in(text)), clauses, acts(text))


@dataclass(slots=True)
class Finding:
    """What was found of one statement; `why` is empty for a supported one."""

    statement: Statement
    numbers: list[int] = field(default_factory=list)
    why: str = ""
    claims: tuple[str, ...] = ()

    @property
    def dropped(self) -> bool:
        return self.why in HARD or self.why == "order"


class Grounds:
    """The passages of one answer."""

    def __init__(self, passages: Sequence[Passage], units: Units, question: str = "") -> None:
        self._written = {one.number: Written(one, units) for one in passages}
        self._units = units
        self._question = question

    def check(self, statement: Statement) -> Finding:
        """Held against the passages it cites, then against the others: a wrong number is mended before a statement is doubted."""
        if order := self._obeys(statement):
            return order
        if is_frame(statement, self._units):
            return Finding(statement, [mark for mark in statement.marks if mark in self._written])
        cited = [self._written[mark] for mark in dict.fromkeys(statement.marks) if mark in self._written]
        verdicts = [(one.passage.number, self._against(statement, [one])) for one in cited]
        if any(why == "opposite" for _, why in verdicts):
            return Finding(statement, [], "opposite", self._claims(statement).all)
        supporting = [number for number, why in verdicts if not why]
        if supporting:
            return Finding(statement, [number for number, why in verdicts if not why or statement.own])
        if len(cited) > 1 and not self._against(statement, cited):
            return Finding(statement, [one.passage.number for one in cited])
        others = [one for one in self._written.values() if one not in cited]
        mended = [one.passage.number for one in others if not self._against(statement, [one])][:1]
        if mended:
            return Finding(statement, mended)
        return self._unsupported(statement, cited or others)

    def _unsupported(self, statement: Statement, tried: Sequence[Written]) -> Finding:
        claims = self._claims(statement)
        reasons = [self._against(statement, [one]) for one in tried] or ["content"]
        # The nearest passage's reason is told: the one that came furthest.
        order = ("opposite", "content", "name", "number", "flag", "command")
        why = min(reasons, key=order.index)
        nowhere = self._nowhere(claims)
        if nowhere:
            return Finding(statement, [], nowhere[0], nowhere[1])
        return Finding(statement, [], why if why not in HARD else _soft(why), claims.all)

    def _nowhere(self, claims: Claims) -> tuple[str, tuple[str, ...]] | None:
        """The hard claims that no passage at all has."""
        all_of = list(self._written.values())
        for why, wanted in (("command", claims.commands), ("flag", claims.flags), ("number", claims.numbers)):
            lost = tuple(claim for claim in wanted if not any(self._has(why, claim, one) for one in all_of))
            if lost:
                return why, lost
        return None

    def _has(self, kind: str, claim: str, written: Written) -> bool:
        if kind == "command":
            return is_verbatim(claim, written.squeezed, self._question)
        if kind == "flag":
            return re.search(rf"(?<![\w-]){re.escape(claim)}(?![\w-])", written.text) is not None
        if kind == "number":
            return has_number(claim, written.whole.numbers | frozenset(numbers_in(written.text.split("\n", 1)[0])))
        known = claim.lower() in written.lowered or claim.lower() in self._question.lower()
        return known or self._is_spoken_of(claim, written)

    def _is_spoken_of(self, name: str, written: Written) -> bool:
        """A name that is a concept of the glossary may stand there in the other language, or in another spelling."""
        concepts = {term for term in terms_of(name, self._units) if term.startswith("~")}
        return bool(concepts) and concepts <= (written.whole.terms | written.about)

    def _against(self, statement: Statement, written: Sequence[Written]) -> str:
        """Why these passages, of one page, do not say it; nothing where they do."""
        if len({one.passage.title for one in written}) > 1:
            return "content"
        claims = self._claims(statement)
        for why in ("command", "flag", "number", "name"):
            wanted: Sequence[str] = getattr(claims, f"{why}s")
            if not all(any(self._has(why, claim, one) for one in written) for claim in wanted):
                return why
        if statement.kind == "code":
            return ""
        return min((self._said(statement, one, claims) for one in written), key=len, default="content")

    def _said(self, statement: Statement, written: Written, claims: Claims) -> str:
        clause = self._clause(_without_code(statement.text, claims))
        if len(clause.units) < FEW:
            return ""
        is_foreign = (detect(clause.text) == "zh") != written.is_chinese
        if is_foreign and not _is_sure(clause, written, claims):
            return "content"
        rated = [(_fit(clause, place, written.about, is_foreign), place) for place in (*written.places, written.whole)]
        why = "content"
        for share, place in sorted(rated, key=lambda one: -one[0]):
            if share < (ENOUGH if place is not written.whole else ENOUGH_OF_PAGE):
                continue
            if not all(has_number(each, place.numbers) or self._in_title(each, written) for each in claims.numbers):
                why = why if why == "opposite" else "number"
            elif why != "opposite" and not self._is_turned(statement.text, place, is_foreign):
                return ""
            else:
                why = "opposite"
        return why

    def _in_title(self, number: str, written: Written) -> bool:
        return has_number(number, frozenset(numbers_in(written.text.split("\n", 1)[0])))

    def _is_turned(self, text: str, place: Place, is_foreign: bool) -> bool:
        """Whether a clause says the opposite of one that is written, and no other that is written as near to it agrees."""
        said = [self._clause(each) for each in _clauses(text)]
        return any(_contradicts(each, place.clauses, is_foreign) for each in said if each.units or each.acts)

    def _clause(self, text: str) -> Clause:
        return clause_of(text, self._units)

    def _claims(self, statement: Statement) -> Claims:
        return claims_in(statement.text, is_code=statement.kind == "code")

    def _obeys(self, statement: Statement) -> Finding | None:
        """A line of a page that speaks to the assistant may be quoted, and not be said as if it were so."""
        quoted = _QUOTED.sub(" ", statement.text)
        told = [order for one in self._written.values() for order in _orders(one.passage)]
        said = terms_of(quoted, self._units)
        for order in told:
            terms = terms_of(order, self._units)
            meant = [claim for claim in claims_in(order).commands if claim in quoted]
            if (meant and not self._elsewhere(meant)) or gives_orders(quoted):
                return Finding(statement, [], "order", tuple(meant))
            if len(said) >= FEW and len(said & terms) >= 0.8 * len(said) and not self._supports(statement):
                return Finding(statement, [], "order")
        return None

    def _elsewhere(self, commands: Sequence[str]) -> bool:
        """Whether the commands stand outside the orders, too."""
        return all(any(self._has("command", each, one) for one in self._written.values()) for each in commands)

    def _supports(self, statement: Statement) -> bool:
        return any(not self._against(statement, [one]) for one in self._written.values())


def ground(
    text: str, passages: Sequence[Passage], units: Units, language: Language, question: str = ""
) -> tuple[str, list[Finding]]:
    """The text as it may stand, and what was found of each of its statements."""
    grounds = Grounds(passages, units, question)
    findings: list[Finding] = []
    kept: list[str] = []
    for line in lines_of(text):
        told = [grounds.check(statement) for statement in line.statements]
        findings += told
        shown = _shown(line, told, language)
        if shown is not None:
            kept.append(shown)
    return _tidied(kept), findings


def reason(finding: Finding, language: Language) -> str:
    return _WHY[finding.why](language) if finding.why else ""


def told(findings: Sequence[Finding], language: Language) -> list[dict[str, Any]]:
    """What was marked or left out, for whoever reads the answer."""
    return [
        {
            "text": one.statement.text,
            "claims": list(one.claims),
            "why": reason(one, language),
            "action": "dropped" if one.dropped else "marked",
        }
        for one in findings
        if one.why
    ]


def is_frame(statement: Statement, units: Units) -> bool:
    """What says nothing about the matter: a heading, a lead-in, or that the pages say nothing."""
    claims = claims_in(statement.text, is_code=statement.kind == "code")
    if claims.all:
        return False
    if statement.kind == "frame" or (_ABSENT.search(statement.text) and not statement.marks):
        return True
    content = _content(units(statement.text))
    leads_in = statement.text.rstrip().endswith((":", "："))
    return len(content) < FEW or (leads_in and len(content) <= 5)


def terms_of(text: str, units: Units) -> frozenset[str]:
    return frozenset(term for unit in units(text) for term in unit.terms)


def _content(units: Sequence[Unit]) -> list[Unit]:
    return [unit for unit in units if unit.kind != "everyday"]


def clause_of(text: str, units: Units) -> Clause:
    found = tuple(units(text))
    terms = frozenset(term for unit in found for term in unit.terms)
    return Clause(text, tuple(_content(found)), terms, acts(text), negates(text))


def _fit(clause: Clause, place: Place, about: frozenset[str], is_foreign: bool) -> float:
    """What of it stands in this place; the page's title may add what it is about, and carries nothing by itself."""
    own = [unit for unit in clause.units if not _meets(unit, about)]
    told = _share(own, clause.acts, place, about, is_foreign) if own else 1.0
    return min(told, _share(clause.units, clause.acts, place, about, is_foreign))


def _share(units: Sequence[Unit], said: frozenset[str], place: Place, about: frozenset[str], is_foreign: bool) -> float:
    terms = place.terms | about
    strange = [unit for unit in units if unit.kind == "technical" and not _meets(unit, terms)]
    if strange and len(strange) * 4 > sum(unit.kind == "technical" for unit in units):
        return 0.0
    met = sum(_weight(unit, is_foreign) for unit in units if _meets(unit, terms)) + ACT * len(said & place.acts)
    return met / ((sum(_weight(unit, is_foreign) for unit in units) + ACT * len(said)) or 1.0)


def _is_sure(clause: Clause, written: Written, claims: Claims) -> bool:
    """Across languages, one shared term is chance; two are not."""
    terms = written.whole.terms | written.about
    shared = sum(unit.kind == "technical" and _meets(unit, terms) for unit in clause.units)
    return shared + len(clause.acts & written.whole.acts) + len(claims.all) >= FEW


def _contradicts(said: Clause, written: Sequence[Clause], is_foreign: bool) -> bool:
    near = [(_nearness(said, one, is_foreign), one) for one in written]
    same = frozenset(act for one in written for act in one.acts)
    if any(share > 0 and opposed(said.acts - same, one.acts) for share, one in near):
        return True
    against = max((share for share, one in near if said.negates != one.negates), default=0.0)
    beside = max((share for share, one in near if said.negates == one.negates), default=0.0)
    whole = sum(_weight(unit, is_foreign) for unit in said.units) + len(said.acts)
    return against >= LIKE * whole and against > 0 and against >= beside


def _nearness(said: Clause, written: Clause, is_foreign: bool) -> float:
    """How much they share, where that is most of what is written: a clause about something else contradicts nothing."""
    opposite = opposed(said.acts, written.acts)
    shared_acts = len(said.acts & written.acts)
    wrote = [unit for unit in written.units if unit.kind == "technical" or not is_foreign]
    covered = sum(_weight(unit, False) for unit in wrote if _touches(unit, said.terms)) + shared_acts
    all_of = sum(_weight(unit, False) for unit in wrote) + len(written.acts) - (1 if opposite else 0)
    if covered <= 0 or covered < SAME * all_of:
        return 0.0
    return sum(_weight(unit, is_foreign) for unit in said.units if _touches(unit, written.terms)) + shared_acts


def _weight(unit: Unit, is_foreign: bool) -> float:
    if unit.kind == "technical":
        return TECHNICAL
    return FOREIGN if is_foreign else 1.0


def _meets(unit: Unit, terms: frozenset[str]) -> bool:
    if unit.terms[0] in terms:
        return True
    # A narrow concept is met where the wider ones that it is made of stand apart, and a compound where its parts do.
    rest = unit.terms[1:]
    wider = [term for term in rest if term.startswith("~")]
    return (len(wider) > 1 and all(term in terms for term in wider)) or (
        len(rest) > 1 and all(term in terms for term in rest)
    )


def _touches(unit: Unit, terms: frozenset[str]) -> bool:
    """Or one of the wider concepts that it is made of: the limit of a memory limit."""
    return _meets(unit, terms) or any(term in terms for term in unit.terms if term.startswith("~"))


def _without_code(text: str, claims: Claims) -> str:
    """What is said around the commands: these are checked letter by letter."""
    for command in claims.commands:
        text = text.replace(f"`{command}`", " ").replace(command, " ")
    return text


def pieces(body: str) -> Iterator[str]:
    for listed in _ITEM.split(body):
        item = _NUMBERED.sub("", listed)
        whole = unwrapped(item)
        if not whole:
            continue
        yield whole
        sentences = [piece.strip() for piece in _PIECE.split(item) if piece and piece.strip()]
        if len(sentences) > 1:
            yield from (unwrapped(sentence) for sentence in sentences)


def _clauses(text: str) -> list[str]:
    plain = _COMMAND.sub(" ", text)
    return [clause for clause in _CLAUSE.split(plain) if clause and clause.strip()]


def _orders(passage: Passage) -> list[str]:
    return [line for line in (passage.title, passage.heading, *passage.text.splitlines()) if gives_orders(line)]


def _soft(why: str) -> str:
    """A hard claim that some passage has, but not the one that the statement is about, is doubted and not left out."""
    return "content" if why in ("command", "flag") else why


def _shown(line: Line, told_of: Sequence[Finding], language: Language) -> str | None:
    if not line.statements:
        return line.prefix
    parts = [_part(one, language) for one in told_of if not one.dropped]
    return line.prefix + "".join(parts).lstrip() if parts else None


def _part(finding: Finding, language: Language) -> str:
    statement = finding.statement
    if statement.kind == "code":
        return statement.raw
    space = statement.raw[: len(statement.raw) - len(statement.raw.lstrip())]
    if statement.kind == "frame":
        return statement.raw
    marks = "".join(f"[{number}]" for number in dict.fromkeys(finding.numbers))
    said = f"{space}{statement.text}"
    if finding.why:
        return said + _MARKED(language)
    return f"{said} {marks}" if marks else said


def _tidied(lines: Sequence[str]) -> str:
    """Without code blocks and headings that nothing is left of, and without gaps of several lines."""
    text = "\n".join(lines)
    text = re.sub(r"```[^\n]*\n(?:\s*#[^\n]*\n)*\s*```\n?", "", text)
    text = re.sub(r"\n{3,}", "\n\n", text)
    return text.strip()
