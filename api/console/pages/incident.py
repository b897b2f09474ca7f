"""One incident: its alerts along one line of time, its name, and the two ways to put right what was put together wrongly."""

from collections.abc import Sequence
from datetime import datetime

from fastapi import Request
from nicegui import ui

from alerts.incidents.arrangements import MAX_NOTE, Arrangement
from alerts.incidents.book import MAX_TITLE
from alerts.incidents.incident import Incident, why
from alerts.incidents.member import Member
from api.console.frame import Frame, address, go, link
from api.console.pages import arranged, before
from api.console.pages.before import Before
from api.console.pages.live import Live
from api.console.pages.parts import SEVERITIES, Ages, Form, button, chip, facts, field, section, stamp, title
from api.console.pages.timeline import bar
from api.console.visitor import Visitor
from api.console.words import known, say
from core.errors import FirstmateError

MAX_SHOWN = 200
_Read = tuple[Incident, tuple[Member, ...], tuple[Arrangement, ...], Before]


@ui.page("/incidents/{incident}")
async def page(request: Request, incident: str) -> None:
    frame = Frame(request, "incidents")
    with frame.body:
        IncidentPage(frame.visitor, incident[:64])


class IncidentPage:
    def __init__(self, visitor: Visitor, incident: str) -> None:
        self._visitor = visitor
        self._id = incident
        self._ages = Ages(visitor)
        self._chosen: set[str] = set()
        self._shown: _Read | None = None
        self._root = ui.element("div").classes("fm-column")
        self._live = Live(visitor, self.refresh)

    async def refresh(self) -> None:
        try:
            found, members = await self._visitor.house.desk.incidents.get(self._id)
            by_hand = await arranged.read(self._visitor, self._id)
            read = found, tuple(members), by_hand, await before.read(self._visitor, self._id)
        except FirstmateError as error:
            self._root.clear()
            self._shown = None
            with self._root:
                ui.label(error.sentence).classes("fm-note bad").props("data-testid=problem")
            return
        if self._shown != read:
            self._shown = read
            self._chosen &= {member.fingerprint for member in members}
            self._draw(*read)
        self._ages.refresh()

    def _draw(
        self, incident: Incident, members: Sequence[Member], by_hand: Sequence[Arrangement], past: Before
    ) -> None:
        self._root.clear()
        self._ages.clear()
        with self._root:
            self._headline(incident)
            before.seen_before(self._visitor, past)
            with section(say(self._visitor.language, "timeline"), "timeline"):
                self._timeline(incident, members)
            arranged.arranged(self._visitor, incident.id, by_hand, self._live.now)

    def _headline(self, incident: Incident) -> None:
        language = self._visitor.language
        kind = incident.severity if incident.severity in SEVERITIES else "other"
        with ui.element("section").classes(f"fm-card fm-alert-head {kind}").props("data-testid=headline"):
            with ui.element("div").classes("fm-row"):
                title(incident.title(language))
                chip(known(language, incident.severity), incident.severity)
                chip(known(language, f"incident_{incident.state}"), incident.state, "state")
                self._ages.label(incident.first_at)
            ui.label(say(language, "of_alerts", count=incident.size, firing=incident.firing)).classes("fm-dim")
            facts(
                [
                    (say(language, "began"), stamp(incident.first_at)),
                    (say(language, "ended"), stamp(incident.resolved_at) or "–"),
                ]
            )
            if incident.arranged_by:
                ui.label(say(language, "arranged_by", name=incident.arranged_by)).classes("fm-dim")
            if incident.merged_into:
                link(say(language, "merged_into"), address("incidents", incident.merged_into))
            elif self._visitor.may_act:
                self._buttons(incident)
            else:
                ui.label(say(language, "only_look", name=self._visitor.caller.name)).classes("fm-dim").props(
                    "data-testid=may-not"
                )

    def _buttons(self, incident: Incident) -> None:
        language = self._visitor.language
        with ui.element("div").classes("fm-actions"):
            button(say(language, "rename"), "rename", lambda: self._rename(incident))
            self._split_button = button(say(language, "split", count=0), "split", self._split)
            self._tell_choice()

    def _timeline(self, incident: Incident, members: Sequence[Member]) -> None:
        end = incident.resolved_at or self._visitor.house.clock.now()
        for member in members[:MAX_SHOWN]:
            self._member(incident, member, end)
        if len(members) > MAX_SHOWN:
            ui.label(say(self._visitor.language, "and_more", count=len(members) - MAX_SHOWN)).classes("fm-dim")

    def _member(self, incident: Incident, member: Member, end: datetime) -> None:
        language = self._visitor.language
        kind = member.severity if member.severity in SEVERITIES else "other"
        with ui.element("div").classes("fm-member").props("data-testid=member"):
            with ui.element("div").classes("fm-row"):
                if self._visitor.may_act and incident.state != "merged" and incident.size > 1:
                    box = ui.checkbox(value=member.fingerprint in self._chosen).props("dense data-testid=choose")
                    box.props["aria-label"] = f"{say(language, 'choose')}: {member.name}"
                    box.on_value_change(lambda event, one=member: self._choose(one.fingerprint, on=bool(event.value)))
                link(member.name, address("alerts", member.fingerprint), "fm-link fm-item-name")
                ui.label(member.place).classes("fm-dim")
                ui.label(f"· {why(member, language)}").classes("fm-dim").props("data-testid=reason")
                chip(
                    say(language, "resolved" if member.ends_at else "firing"),
                    "resolved" if member.ends_at else "firing",
                )
                ui.label(stamp(member.starts_at)).classes("fm-age")
            bar(incident.first_at, end, member.starts_at, member.ends_at or end, kind)

    def _choose(self, fingerprint: str, *, on: bool) -> None:
        (self._chosen.add if on else self._chosen.discard)(fingerprint)
        self._tell_choice()

    def _tell_choice(self) -> None:
        self._split_button.text = say(self._visitor.language, "split", count=len(self._chosen))
        self._split_button.set_enabled(bool(self._chosen))

    def _split(self) -> None:
        visitor, chosen = self._visitor, sorted(self._chosen)

        async def act() -> None:
            made = await visitor.house.desk.incidents.split(self._id, chosen, visitor.acting.name, note.value or "")
            self._chosen.clear()
            go("incidents", made.id)

        form = Form(visitor, say(visitor.language, "split", count=len(chosen)), "do_split", act)
        with form.fields:
            note = field(say(visitor.language, "note"), "note", long=True, most=MAX_NOTE)
        form.open()

    def _rename(self, incident: Incident) -> None:
        language = self._visitor.language

        async def act() -> None:
            by = self._visitor.acting.name
            await self._visitor.house.desk.incidents.entitle(incident.id, name.value or None, by)
            await self._live.now()

        form = Form(self._visitor, say(language, "rename"), "rename", act)
        with form.fields:
            name = field(say(language, "title_field"), "title", value=incident.named or "", most=MAX_TITLE)
        form.open()
