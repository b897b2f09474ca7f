"""`firstmate diagnose --watch`: the same question every few seconds, and what became different since the answer before.

On a terminal the newest diagnosis stands on a screen of its own below the last changes, drawn in place; elsewhere each change is one line,
and with --json each turn is one. A turn that fails is told and the next one is tried: a watch that ends at the first refused connection
is none.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text as Line

from api.live import Reading
from api.report.outline import outline, title_of
from api.report.terminal import render
from core.errors import FirstmateError, NotConfigured, Unauthenticated
from core.language import Language, Text
from tools.engines.diagnosis import Cause, Diagnosis, Symptom

KEPT = 6
SURER = 0.15
APPEARED = Text("+ {what}", "+ 出现：{what}")
GONE = Text("- gone: {what}", "- 消失：{what}")
CHANGED = Text("~ {what}: {before:.0%} → {after:.0%} sure", "~ {what}：把握 {before:.0%} → {after:.0%}")
FAILED = Text("! could not look: {why}", "! 无法读取：{why}")
CALM = Text("nothing wrong was found", "未发现异常")
TURN = Text("every {every} s · Ctrl-C ends", "每 {every} 秒一次 · Ctrl-C 结束")
NO_CHANGE = Text("no change yet", "尚无变化")


@dataclass(frozen=True, slots=True)
class Watch:
    every: float
    language: Language
    as_json: bool
    turns: int = 0
    """0: until it is interrupted."""


def changes(before: Diagnosis | None, after: Diagnosis, language: Language) -> Iterator[str]:
    """What a person would be told who saw the answer before; of the first answer, everything."""
    old, new = _causes(before), _causes(after)
    for key, cause in new.items():
        if key not in old:
            yield APPEARED(language, what=f"{_named(cause, language)} ({cause.confidence:.0%})")
        elif abs(cause.confidence - old[key].confidence) >= SURER:
            yield CHANGED(language, what=_named(cause, language), before=old[key].confidence, after=cause.confidence)
    yield from (GONE(language, what=_named(cause, language)) for key, cause in old.items() if key not in new)
    seen, sees = _symptoms(before), _symptoms(after)
    yield from (APPEARED(language, what=one.statement) for key, one in sees.items() if key not in seen)
    yield from (GONE(language, what=one.statement) for key, one in seen.items() if key not in sees)
    if not new and not sees and (before is None or old or seen):
        yield CALM(language)


def _causes(found: Diagnosis | None) -> dict[tuple[str, str], Cause]:
    return {(one.fault, str(one.component)): one for one in found.causes} if found else {}


def _symptoms(found: Diagnosis | None) -> dict[str, Symptom]:
    """By component, for a sentence about one holds numbers that move at every look. What a cause explains is told with it."""
    return {str(one.component): one for one in found.symptoms if one.caused_by is None} if found else {}


def _named(cause: Cause, language: Language) -> str:
    return f"{title_of(cause.fault, language)} · {cause.component}"


async def watch(
    reading: Reading,
    asked: Watch,
    console: Console,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    screen = _screen(asked, console)
    turn = 0
    with screen:
        while True:
            began = now()
            try:
                screen.show(Diagnosis.model_validate(found := await reading()), found, began)
            except (NotConfigured, Unauthenticated):
                raise  # the next turn would say the same
            except FirstmateError as error:
                screen.failed(error.sentence, began)
            turn += 1
            if turn == asked.turns:
                return
            await sleep(max(1.0, asked.every - (now() - began).total_seconds()))


class _Lines:
    """One line a change, for pipes and logs."""

    def __init__(self, asked: Watch, console: Console) -> None:
        self._asked = asked
        self._console = console
        self._before: Diagnosis | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, found: Diagnosis, raw: dict[str, Any], at: datetime) -> None:
        told = [_printable(one) for one in changes(self._before, found, self._asked.language)]
        self._before = found
        self.say(told, {"diagnosis": raw}, at)

    def failed(self, why: str, at: datetime) -> None:
        self.say([FAILED(self._asked.language, why=_printable(why))], {}, at)

    def say(self, told: Sequence[str], whole: dict[str, Any], at: datetime) -> None:  # noqa: ARG002 - of use where a turn is a line
        for line in told:
            sys.stdout.write(f"{at:%Y-%m-%dT%H:%M:%SZ} {line}\n")
        sys.stdout.flush()


class _Json(_Lines):
    def say(self, told: Sequence[str], whole: dict[str, Any], at: datetime) -> None:
        line = {"at": at.isoformat(), "changes": list(told), **whole}
        sys.stdout.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE).decode())
        sys.stdout.flush()


class _Screen(_Lines):
    """The alternate screen of a terminal: drawn whole in one write at each turn, and left as it was found."""

    def __init__(self, asked: Watch, console: Console) -> None:
        super().__init__(asked, console)
        self._told: deque[tuple[datetime, str]] = deque(maxlen=KEPT)
        self._live = Live(console=console, screen=True, auto_refresh=False, vertical_overflow="ellipsis")
        self._shown: Group | None = None

    def __enter__(self) -> None:
        self._live.start()
        self._live.update(Line("…"), refresh=True)

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        if self._shown:
            self._console.print(self._shown)  # what was seen last stays readable after the screen is gone

    def show(self, found: Diagnosis, raw: dict[str, Any], at: datetime) -> None:
        self._shown = render(outline(found, self._asked.language), self._asked.language)
        super().show(found, raw, at)

    def say(self, told: Sequence[str], whole: dict[str, Any], at: datetime) -> None:  # noqa: ARG002 - of use where a turn is a line
        self._told.extend((at, line) for line in told)
        turn = TURN(self._asked.language, every=f"{self._asked.every:g}")
        head = Line(f"{at:%H:%M:%S} UTC · {turn}", style="dim", no_wrap=True, overflow="ellipsis")
        lines = [Line(f"{when:%H:%M:%S} {line}", no_wrap=True, overflow="ellipsis") for when, line in self._told]
        news = lines or [Line(NO_CHANGE(self._asked.language), style="dim")]
        self._live.update(Group(head, *news, Line(""), self._shown or Line("")), refresh=True)


def _screen(asked: Watch, console: Console) -> _Lines:
    if asked.as_json:
        return _Json(asked, console)
    return _Screen(asked, console) if console.is_terminal else _Lines(asked, console)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)
