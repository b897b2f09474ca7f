"""Incidents: alerts that are one trouble, listed and filtered by the server; several of them can be made one."""

from collections.abc import Sequence

from fastapi import Request
from nicegui import ui

from alerts.incidents.arrangements import MAX_NOTE
from alerts.incidents.incident import STATES, Incident, State
from alerts.incidents.records import Filter
from api.console.frame import Frame, address, link
from api.console.pages.listing import Listing
from api.console.pages.parts import SEVERITIES, Form, button, chip, choice, field, title
from api.console.words import known, say


@ui.page("/incidents")
async def page(request: Request) -> None:
    frame = Frame(request, "incidents")
    with frame.body:
        Incidents(frame)


class Incidents:
    def __init__(self, frame: Frame) -> None:
        self._visitor = visitor = frame.visitor
        self._chosen: dict[str, Incident] = {}
        language = visitor.language
        with ui.element("div").classes("fm-row"):
            title(say(language, "incidents"))
            self._merge = button(say(language, "merge"), "merge", self._make_one, "fm-solid")
        self._tell_choice()
        with ui.element("div").classes("fm-row fm-filters"):
            self._state = choice(visitor, "state", STATES, "filter-state", self._again)
            self._severity = choice(visitor, "severity", SEVERITIES, "filter-severity", self._again)
            self._namespace = field(say(language, "namespace"), "filter-namespace", most=253)
        self._namespace.props("debounce=400 clearable").on_value_change(self._again)
        self._listing: Listing[Incident] = Listing(visitor, self._read, self._row, "no_incident")

    async def _again(self) -> None:
        self._chosen.clear()
        self._tell_choice()
        await self._listing.restart()

    async def _read(self, limit: int, offset: int) -> tuple[Sequence[Incident], int]:
        state: State | None = self._state.value or None
        namespace = (self._namespace.value or "").strip() or None
        wanted = Filter(state, self._severity.value or None, namespace)
        return await self._visitor.house.desk.incidents.list(wanted, limit, offset)

    def _row(self, incident: Incident) -> None:
        language = self._visitor.language
        kind = incident.severity if incident.severity in SEVERITIES else "other"
        with ui.element("div").classes(f"fm-item {kind} {incident.state}").props("data-testid=row"):
            with ui.element("div").classes("fm-row"):
                if self._visitor.may_act and incident.state != "merged":
                    box = ui.checkbox(value=incident.id in self._chosen).props("dense data-testid=choose")
                    box.props["aria-label"] = f"{say(language, 'choose')}: {incident.title(language)}"
                    box.on_value_change(lambda event, one=incident: self._choose(one, on=bool(event.value)))
                link(incident.title(language), address("incidents", incident.id), "fm-link fm-item-name")
                chip(known(language, incident.severity), incident.severity)
                chip(known(language, f"incident_{incident.state}"), incident.state)
                self._listing.ages.label(incident.first_at)
            ui.label(say(language, "of_alerts", count=incident.size, firing=incident.firing)).classes("fm-dim")

    def _choose(self, incident: Incident, *, on: bool) -> None:
        self._chosen.pop(incident.id, None)
        if on:
            self._chosen[incident.id] = incident
        self._tell_choice()

    def _tell_choice(self) -> None:
        self._merge.text = say(self._visitor.language, "merge", count=len(self._chosen))
        self._merge.set_visibility(len(self._chosen) > 1)

    def _make_one(self) -> None:
        """The oldest is the one that the others flow into."""
        visitor = self._visitor
        into, *others = sorted(self._chosen.values(), key=lambda each: (each.first_at, each.id))

        async def act() -> None:
            gone = [each.id for each in others]
            await visitor.house.desk.incidents.merge(into.id, gone, visitor.acting.name, note.value or "")
            await self._again()

        form = Form(visitor, say(visitor.language, "merge_into", title=into.title(visitor.language)), "do_merge", act)
        with form.fields:
            note = field(say(visitor.language, "note"), "note", long=True, most=MAX_NOTE)
        form.open()
