"""All templates that may be called by name: our own for each language, the user's files over them, and texts that use both.

Files are read as Alertmanager reads them: each is a template under its own name and brings what it defines; what comes later replaces what
came before, ours included. A name that is called and not there is refused when the files are read, with file and line, not found out when
a message is due.
"""

import glob
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from alerts.fields import read_text
from alerts.templating.data import FIELDS
from alerts.templating.evaluator import Limits, Rendering
from alerts.templating.gotime import Time
from alerts.templating.parser import parse
from alerts.templating.sinks import SINKS
from alerts.templating.tree import Body, Call, Words, calls, is_blank
from alerts.templating.values import Failed, Value
from alerts.templating.vocabulary import Vocabulary, for_messages
from core.errors import Invalid, near_misses
from core.language import Language

MAX_FILES = 500
_OWN = Path(__file__).parent / "default"
_INLINE = "the text"


class Library:
    """Templates of one language, and what they may call."""

    def __init__(
        self, language: Language = "en", files: Iterable[tuple[str, str]] = (), limits: Limits | None = None
    ) -> None:
        """`files`: names and texts, in order."""
        self._limits = limits or Limits()
        self._words = for_messages(lambda: Time.of(datetime.now(UTC)))
        own = _own(language)
        theirs: dict[str, Body] = {}
        for name, text in files:
            _merge(theirs, parse(text, name, self._words))
        self._bodies = {**own, **theirs}
        self._changed = {name for name, body in theirs.items() if own.get(name) != body}
        for body in theirs.values():
            self._check(body, self._bodies)

    @property
    def names(self) -> list[str]:
        return sorted(self._bodies)

    def is_changed(self, name: str) -> bool:
        """Whether the user's files say something else than ours under this name, or under one that it calls."""
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if one in self._changed:
                return True
            if one not in seen and one in self._bodies:
                seen.add(one)
                waiting += [call.name for call in calls(self._bodies[one].nodes)]
        return False

    def text(self, written: str, where: str = _INLINE, kind: str = "text") -> "Text":
        """A text that may use all of these; refused if it cannot be read."""
        bodies = dict(self._bodies)
        inside = parse(written, where, self._words, root=FIELDS)
        main = inside.pop(where)
        _merge(bodies, inside)
        for body in (main, *inside.values()):
            self._check(body, bodies)
        is_plain = all(isinstance(node, Words) for node in main.nodes)
        return Text({**bodies, where: main}, where, self._words, kind, self._limits, is_plain)

    @staticmethod
    def _check(body: Body, bodies: Mapping[str, Body]) -> None:
        for call in calls(body.nodes):
            if call.name not in bodies:
                raise _unknown(call, body.source, bodies)


class Text:
    """One field of a channel, ready to be rendered."""

    def __init__(
        self,
        bodies: Mapping[str, Body],
        name: str,
        words: Vocabulary,
        kind: str,
        limits: Limits,
        is_plain: bool,
    ) -> None:
        self.is_plain = is_plain
        """Says the same whatever the data."""
        self._bodies = bodies
        self._name = name
        self._words = words
        self._kind = kind
        self._limits = limits

    def render(self, data: Value) -> str:
        """Raises Failed."""
        return Rendering(self._bodies, self._words, SINKS[self._kind](), self._limits).run(self._name, data)


def preview(library: Library, text: str, data: Value, kind: str = "text") -> str:
    """For whoever is writing a template: what fails is a mistake in it, and said."""
    try:
        return library.text(text, kind=kind).render(data)
    except Failed as error:
        raise Invalid(f"The template cannot be rendered: {error}.", field="text") from None


def template_files(patterns: Iterable[str], folder: Path) -> list[Path]:
    """Relative ones from the folder of the file that names them; a pattern that fits nothing is no mistake."""
    found: list[Path] = []
    for pattern in patterns:
        for path in sorted(glob.glob(str(folder / pattern))):  # noqa: PTH207 - a pattern may be absolute
            found += [Path(path)] if Path(path).is_file() else []
    if len(found) > MAX_FILES:
        raise Invalid(f"templates: there are more than {MAX_FILES} files.", field="templates")
    return found


def read_files(patterns: Iterable[str], folder: Path) -> list[tuple[str, str]]:
    return [(path.name, read_text(path, "template file")) for path in template_files(patterns, folder)]


@lru_cache(maxsize=2)
def _own(language: Language) -> Mapping[str, Body]:
    words = for_messages(lambda: Time.of(datetime.now(UTC)))
    bodies: dict[str, Body] = {}
    for name in (f"letter.{language}.tmpl", "vendors.tmpl"):
        bodies |= parse((_OWN / name).read_text(encoding="utf-8"), name, words)
    return bodies


def _merge(bodies: dict[str, Body], more: Mapping[str, Body]) -> None:
    """As in Go, what is blank does not replace what is not."""
    for name, body in more.items():
        if name not in bodies or not is_blank(body.nodes):
            bodies[name] = body


def _unknown(call: Call, source: str, bodies: Mapping[str, Body]) -> Invalid:
    near = near_misses(call.name, bodies, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return Invalid(f"{source}, line {call.line}: the template {call.name!r} is not defined.{hint}", field="templates")
