"""The form of a silence: what it covers, for how long, why, and what of that which fires now it would keep quiet, shown beforehand."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from nicegui import ui

from alerts.board import Wanted
from alerts.durations import show_duration
from alerts.routing.silence import Silence
from api.console.frame import address, link
from api.console.pages.acts import Done
from api.console.pages.draft import WEEKDAYS, Draft, Hours, exactly, hours_of, read_matchers
from api.console.pages.parts import Form, field
from api.console.visitor import Visitor
from api.console.words import say
from core.errors import Invalid

LENGTHS = ("30m", "1h", "2h", "4h", "8h", "1d", "3d", "1w", "30d")
MAX_COMMENT = 1_000
_MINUTE = timedelta(minutes=1)
MAX_NAMED = 8


def silence_alert(visitor: Visitor, labels: Mapping[str, str], done: Done) -> None:
    SilenceForm(visitor, Draft(exactly(labels), "2h"), done)


def silence_anew(visitor: Visitor, done: Done) -> None:
    SilenceForm(visitor, Draft("", "2h"), done)


def silence_changed(visitor: Visitor, silence: Silence, done: Done) -> None:
    left = silence.ends_at - max(visitor.house.clock.now(), silence.starts_at)
    lasts = show_duration(left - (left % _MINUTE)) if left > _MINUTE else "1h"
    matchers = "\n".join(map(str, silence.matchers))
    SilenceForm(visitor, Draft(matchers, lasts, silence.comment, hours_of(silence.recurs), silence), done)


class SilenceForm:
    def __init__(self, visitor: Visitor, draft: Draft, done: Done) -> None:
        self._visitor, self._draft, self._done = visitor, draft, done
        language = visitor.language
        form = Form(visitor, say(language, "change_silence" if draft.of else "new_silence"), "silence_it", self._act)
        with form.fields:
            self._matchers = field(say(language, "matchers"), "matchers", value=draft.matchers, long=True)
            self._matchers.classes("fm-mono").props("debounce=400").on_value_change(self._preview)
            self._shown = ui.element("div").classes("fm-preview").props("data-testid=preview aria-live=polite")
            self._lasts = field(say(language, "lasts"), "lasts", value=draft.lasts, most=40)
            with ui.element("div").classes("fm-row fm-tries"):
                for length in LENGTHS:
                    press = ui.element("button").classes("fm-try fm-small").props("type=button")
                    with press.on("click", lambda _, text=length: self._lasts.set_value(text)):
                        ui.label(length)
            self._comment = field(say(language, "comment"), "comment", value=draft.comment, long=True, most=MAX_COMMENT)
            self._hours()
        form.open()
        ui.timer(0.05, self._preview, once=True)

    def _hours(self) -> None:
        language, hours = self._visitor.language, self._draft.hours or Hours()
        if self._draft.of and self._draft.of.recurs is not None and self._draft.hours is None:
            ui.label(say(language, "hours_kept")).classes("fm-dim")
        self._recurs = ui.checkbox(say(language, "recurs"), value=self._draft.hours is not None)
        self._recurs.props("dense data-testid=recurs")
        with ui.element("div").classes("fm-fields").bind_visibility_from(self._recurs, "value"):
            days = {day: say(language, day) for day in WEEKDAYS}
            self._days: Any = ui.select(
                days, multiple=True, value=list(hours.weekdays), label=say(language, "weekdays")
            )
            self._days.classes("fm-field").props("outlined dense use-chips options-dense data-testid=weekdays")
            with ui.element("div").classes("fm-pair"):
                self._begins = field(say(language, "from_hour"), "begins", value=hours.begins or "02:00", most=5)
                self._ends = field(say(language, "to_hour"), "ends", value=hours.ends or "04:00", most=5)
            self._zone = field(say(language, "zone"), "zone", value=hours.zone or "UTC", most=64)

    def _read(self) -> Draft:
        hours = None
        if self._recurs.value:
            hours = Hours(tuple(self._days.value or ()), self._begins.value, self._ends.value, self._zone.value)
        return replace(
            self._draft,
            matchers=self._matchers.value or "",
            lasts=self._lasts.value or "",
            comment=self._comment.value or "",
            hours=hours,
        )

    async def _act(self) -> None:
        caller, house = self._visitor.acting, self._visitor.house
        draft = self._read()
        wanted = draft.silence(house.clock.now(), caller.name)
        if draft.of and draft.of.recurs is not None and self._draft.hours is None and draft.hours is None:
            wanted = replace(wanted, recurs=draft.of.recurs)  # hours that this form cannot show stay as they are
        await house.alerts.silences.save(wanted, by=caller.name)
        await self._done()

    async def _preview(self) -> None:
        language = self._visitor.language
        try:
            matchers = read_matchers(self._matchers.value or "")
        except Invalid as error:
            self._shown.clear()
            with self._shown:
                ui.label(error.sentence).classes("fm-dim")
            return
        found = await self._visitor.house.alerts.board.alerts(Wanted(matchers))
        self._shown.clear()
        with self._shown:
            ui.label(say(language, "would_silence", count=len(found)))
            for alert in found[:MAX_NAMED]:
                link(named(alert), address("alerts", alert["fingerprint"])).props("target=_blank")
            if len(found) > MAX_NAMED:
                ui.label(say(language, "and_more", count=len(found) - MAX_NAMED)).classes("fm-dim")


def named(alert: Mapping[str, Any]) -> str:
    labels = alert["labels"]
    places = [labels[name] for name in ("namespace", "pod", "service", "node", "instance") if labels.get(name)]
    return f"{labels.get('alertname', '?')} · {'/'.join(places)}" if places else labels.get("alertname", "?")
