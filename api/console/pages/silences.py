"""Silences: those that hold, will hold and held, with what each keeps quiet now and, where one recurs, when it holds next."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request
from nicegui import ui

from alerts.board import Wanted
from alerts.routing.occurrences import occurrences
from alerts.routing.silence import Silence, SilenceState, hours
from api.console.frame import Frame, address, link
from api.console.pages.listing import Listing
from api.console.pages.parts import attempt, button, chip, choice, stamp, title
from api.console.pages.silencing import named, silence_anew, silence_changed
from api.console.pages.spans import span
from api.console.words import known, say

STATES: tuple[SilenceState, ...] = ("active", "pending", "expired")
MAX_NAMED = 6
NEXT = 4


@dataclass(frozen=True, slots=True)
class _Row:
    silence: Silence
    state: SilenceState
    quiet: tuple[tuple[str, str], ...]
    """What it keeps quiet now: fingerprints and names."""


@ui.page("/silences")
async def page(request: Request, id: str = "") -> None:  # noqa: A002 - the address's own word
    frame = Frame(request, "silences")
    with frame.body:
        Silenced(frame, id[:36])


class Silenced:
    def __init__(self, frame: Frame, marked: str) -> None:
        self._visitor = visitor = frame.visitor
        self._marked = marked
        language = visitor.language
        with ui.element("div").classes("fm-row"):
            title(say(language, "silences"))
            if visitor.may_act:
                button(
                    say(language, "new_silence"), "new-silence", lambda: silence_anew(visitor, self._again), "fm-solid"
                )
            else:
                ui.label(say(language, "only_look", name=visitor.caller.name)).classes("fm-dim").props(
                    "data-testid=may-not"
                )
        with ui.element("div").classes("fm-row fm-filters"):
            self._state = choice(visitor, "state", STATES, "filter-state", self._again, "" if marked else "active")
        self._listing: Listing[_Row] = Listing(visitor, self._read, self._row, "no_silence")

    async def _again(self) -> None:
        await self._listing.restart()

    async def _read(self, limit: int, offset: int) -> tuple[Sequence[_Row], int]:
        side, now = self._visitor.house.alerts, self._visitor.house.clock.now()
        chosen: SilenceState | None = self._state.value or None
        if self._marked and chosen is None:
            found, total = [await side.silences.get(self._marked)], 1
        else:
            found, total = await side.silences.page(chosen, limit, offset)
        firing = await side.board.alerts(Wanted(active=False, inhibited=False)) if found else []
        kept = [(one["fingerprint"], named(one), one["status"]["silencedBy"]) for one in firing]
        return [
            _Row(each, each.state(now), tuple((key, name) for key, name, by in kept if each.id in by)) for each in found
        ], total

    def _row(self, row: _Row) -> None:
        silence, language = row.silence, self._visitor.language
        with ui.element("div").classes("fm-item").props("data-testid=row"):
            with ui.element("div").classes("fm-row"):
                chip(known(language, row.state), row.state, "silence-state")
                ui.label(", ".join(map(str, silence.matchers))).classes("fm-mono").props("data-testid=covers")
            ui.label(silence.comment).classes("fm-item-text")
            said = say(
                language,
                "by_until",
                name=silence.created_by,
                start=stamp(silence.starts_at),
                end=stamp(silence.ends_at),
            )
            ui.label(said).classes("fm-dim")
            self._next(silence)
            self._quiet(row)
            if self._visitor.may_act:
                self._buttons(row)

    def _next(self, silence: Silence) -> None:
        if silence.recurs is None:
            return
        language, interval = self._visitor.language, hours(silence.recurs)
        zone = str(silence.recurs.get("location") or "UTC")
        coming = occurrences(interval, max(self._visitor.house.clock.now(), silence.starts_at), silence.ends_at, NEXT)
        with ui.element("div").classes("fm-preview").props("data-testid=next-times"):
            ui.label(say(language, "next_times", zone=zone) if coming else say(language, "no_next", zone=zone))
            for begins, ends in coming:
                ui.label(span(begins.astimezone(interval.zone), ends.astimezone(interval.zone), language)).classes(
                    "fm-mono"
                )

    def _quiet(self, row: _Row) -> None:
        language = self._visitor.language
        if row.state != "active":
            return
        with ui.element("div").classes("fm-row").props("data-testid=keeps-quiet"):
            ui.label(say(language, "keeps_quiet", count=len(row.quiet))).classes("fm-dim")
            for key, name in row.quiet[:MAX_NAMED]:
                link(name, address("alerts", key))
            if len(row.quiet) > MAX_NAMED:
                ui.label(say(language, "and_more", count=len(row.quiet) - MAX_NAMED)).classes("fm-dim")

    def _buttons(self, row: _Row) -> None:
        visitor, language = self._visitor, self._visitor.language
        with ui.element("div").classes("fm-actions"):
            word = "again_silence" if row.state == "expired" else "change"
            button(say(language, word), "change", lambda: silence_changed(visitor, row.silence, self._again))
            if row.state != "expired":
                button(say(language, "expire"), "expire", lambda: self._expire(row.silence.id))

    async def _expire(self, silence_id: str) -> None:
        async def work() -> None:
            await self._visitor.house.alerts.silences.expire(silence_id, by=self._visitor.acting.name)

        if await attempt(work()):
            ui.notify(say(self._visitor.language, "expired_now"), type="positive")
        await self._again()
