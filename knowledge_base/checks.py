"""A page's checks as data: what its first checks and its verification ask, of which tool, with what still to be filled in.

Nothing is added to the page for this: the Markdown that a person reads is the source, so the two cannot drift apart. A numbered item (or
a bullet of the verification) is one check; its title is the bold beginning, a code span that begins with a tool's name and has the form
`name key=value` is a call, a code span that begins with a program's name is a command, and the prose that is left says what an answer
means. `<ns>` and the like are placeholders. What fills them ends up in PromQL and in lines that people paste into a shell, so only
what may be the name of an object is let in.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from core.errors import Invalid

Section = Literal["check", "verification"]
MAX_CHECKS = 40
_SECTIONS: Mapping[str, Section] = {
    "first checks in order": "check",
    "first checks": "check",
    "checks": "check",
    "按顺序检查": "check",
    "检查": "check",
    "verification": "verification",
    "验证": "verification",
}
# Programs that a page may ask to be run by hand.
_PROGRAMS = re.compile(
    r"^(?:kubectl|openssl|systemctl|journalctl|crictl|ctr|dig|nslookup|getent|curl|mysql|psql|redis-cli|chronyc|timedatectl|ssh|df|du|"
    r"ip|ss|iostat|helm|argocd|istioctl|mtr|ping|conntrack|dmesg|docker|skopeo|crane|nvidia-smi) "
)
_HEADING = re.compile(r"^##\s+(.+?)\s*#*$")
_ITEM = re.compile(r"^(?:(\d+)\.|-|\*)\s+(.*)$")
_TITLE = re.compile(r"^\*\*(.+?)\*\*\s*")
_LONGEST_NAME = 100
_SPAN = re.compile(r"`([^`\n]+)`")
_CALL = re.compile(r"^(?:[a-z]+(?:_[a-z]+)+|diagnose|forecast)(?= [a-z_]+=|$)")
# Tools that are asked without arguments; any other word alone in a code span is a name and no call.
_ALONE = frozenset({"cluster_overview", "diagnose", "list_alerts", "find_anomalies"})
_ARGUMENT = re.compile(r"^([a-z_]+)=(?![=~])")
_HOLE = re.compile(r"<([a-z][a-z0-9-]*)>")
_NAME = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_BESIDE = r"(?:\s*(?:and|or|、|，|,|和|或)\s*`[^`\n]+`)*"
_LEADING = re.compile(rf"^`[^`\n]+`{_BESIDE}[;；。.,，]?\s*")
_BY_HAND = re.compile(rf"(?:;|；)?\s*kubectl[:：]\s*`[^`\n]+`{_BESIDE}")
_BLANKS = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Call:
    tool: str
    arguments: Mapping[str, str]

    def __str__(self) -> str:
        return " ".join([self.tool, *(f"{key}={value}" for key, value in self.arguments.items())])


@dataclass(frozen=True, slots=True)
class Check:
    section: Section
    number: int
    title: str
    calls: tuple[Call, ...]
    commands: tuple[str, ...]
    meaning: str

    @property
    def placeholders(self) -> tuple[str, ...]:
        """What is still to be said before this can be run, in the order of need."""
        asked = [value for call in self.calls for value in call.arguments.values()]
        return tuple(dict.fromkeys(name for text in (*asked, *self.commands) for name in _HOLE.findall(text)))

    @property
    def ready(self) -> bool:
        """Whether every call of it, and there is one, can be made as it stands."""
        return bool(self.calls) and not any(
            _HOLE.search(value) for call in self.calls for value in call.arguments.values()
        )


@lru_cache(maxsize=256)  # every search asks for those of its best page
def checks(text: str) -> tuple[Check, ...]:
    """All of a page, in its order: the first checks, then what proves that the trouble is over."""
    found = [_check(section, number, body) for section, number, body in _items(text)]
    return tuple(check for check in found if check.calls or check.commands)[:MAX_CHECKS]


def placeholders(found: Iterable[Check]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for check in found for name in check.placeholders))


def filled(check: Check, values: Mapping[str, str]) -> Check:
    """The check with these placeholders replaced; raises Invalid where a value could not be the name of an object."""
    for name, value in values.items():
        if not _NAME.fullmatch(value):
            raise Invalid(f"{value!r} cannot stand for <{name}>: it is not the name of an object.", field=name)

    def put(text: str) -> str:
        return _HOLE.sub(lambda hole: values.get(hole[1], hole[0]), text)

    calls = [Call(call.tool, {key: put(value) for key, value in call.arguments.items()}) for call in check.calls]
    return replace(check, calls=tuple(calls), commands=tuple(put(command) for command in check.commands))


def call_in(span: str) -> Call | None:
    """The tool call that a code span is, if it is one."""
    named = _CALL.match(span.strip())
    if not named or (named[0] == span.strip() and named[0] not in _ALONE):
        return None
    return Call(named[0], dict(_arguments(span.strip()[named.end() :])))


def _items(text: str) -> Iterator[tuple[Section, int, str]]:
    section: Section | None = None
    number, lines = 0, list[str]()
    for line in [*_outside_fences(text), "## "]:
        heading, item = _HEADING.match(line) or line.startswith("## "), _ITEM.match(line)
        if section and lines and (heading or item):
            yield section, number, "\n".join(lines)
            lines = []
        if heading:
            section = _SECTIONS.get(line[3:].strip(" #").casefold())
            number = 0
        elif section and item:
            number = int(item[1]) if item[1] else number + 1
            lines = [item[2]]
        elif lines and line.strip():
            lines.append(line.strip())


def _outside_fences(text: str) -> Iterator[str]:
    fenced = False
    for line in text.split("\n"):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced:
            yield line


def _check(section: Section, number: int, body: str) -> Check:
    title = _TITLE.match(body)
    prose = body[title.end() :] if title else body
    named = title[1] if title else _before_code(body) if section == "check" else ""
    spans = _SPAN.findall(body)
    return Check(
        section=section,
        number=number,
        title=named.rstrip(" .。：:"),
        calls=tuple(call for call in map(call_in, spans) if call),
        commands=tuple(span for span in spans if _PROGRAMS.match(span)),
        meaning=_meaning(prose)
        if title
        else _meaning(prose.removeprefix(named))
        if named
        else _BLANKS.sub(" ", prose.replace("\n", " ")),
    )


def _before_code(body: str) -> str:
    """What a plain item says before its call: short enough to be the check's name, or nothing."""
    head = body.partition("`")[0]
    return head if head.strip(" :：") and len(head) <= _LONGEST_NAME and "\n" not in head else ""


def _meaning(prose: str) -> str:
    first = _SPAN.match(prose)
    if first and call_in(first[1]):
        prose = _LEADING.sub("", prose)
    return _BLANKS.sub(" ", _BY_HAND.sub("", prose).replace("\n", " ")).strip()


def _arguments(text: str) -> Iterator[tuple[str, str]]:
    """`key=value` at depth zero: a selector's own equals signs are inside braces, a comparison has no name right before it."""
    key, words, depth = "", list[str](), 0
    for word in text.split(" "):
        begins = _ARGUMENT.match(word) if depth == 0 else None
        if begins:
            if key:
                yield key, " ".join(words).strip()
            key, words = begins[1], [word[begins.end() :]]
        else:
            words.append(word)
        depth = max(0, depth + sum(word.count(sign) for sign in "([{") - sum(word.count(sign) for sign in ")]}"))
    if key:
        yield key, " ".join(words).strip()
