"""One case: what was seen, what it was, what helped and how that is known; put right, confirmed, judged or rejected by people here."""

from collections.abc import Sequence
from urllib.parse import quote

from fastapi import Request
from nicegui import ui

from api.console.frame import Frame, address, go, link
from api.console.pages.live import Live
from api.console.pages.parts import Form, attempt, button, chip, facts, field, label_chips, section, stamp, title
from api.console.visitor import Visitor
from api.console.words import say
from core.errors import FirstmateError
from knowledge_base.cases.book import MAX_TEXT, MAX_TITLE, Edit
from knowledge_base.cases.case import MACHINE, MOST_STARS, Case, Version

MAX_VERSIONS = 20
_TEXTS = ("symptom", "cause", "fix", "proof")
_Read = tuple[Case, tuple[Version, ...], int | None, bool]


@ui.page("/cases/{case}")
async def page(request: Request, case: str) -> None:
    frame = Frame(request, "cases")
    with frame.body:
        CasePage(frame.visitor, case[:64])


class CasePage:
    def __init__(self, visitor: Visitor, case: str) -> None:
        self._visitor = visitor
        self._id = case
        self._shown: _Read | None = None
        self._root = ui.element("div")
        self._live = Live(visitor, self.refresh)

    async def refresh(self) -> None:
        try:
            read = await self._read()
        except FirstmateError as error:
            self._shown = None
            self._root.clear()
            with self._root:
                ui.label(error.sentence).classes("fm-note bad").props("data-testid=problem")
            return
        if self._shown != read:
            self._shown = read
            self._root.clear()
            with self._root, ui.element("div").classes("fm-two"):
                self._draw(*read)

    async def _read(self) -> _Read:
        book, visitor = self._visitor.house.cases, self._visitor
        case = await book.get(self._id)
        versions, _ = await book.versions(self._id, MAX_VERSIONS)
        mine = await book.rating(self._id, visitor.caller.name)
        return case, tuple(versions), mine, await self._incident_is_there(case)

    async def _incident_is_there(self, case: Case) -> bool:
        """It outlives its incident."""
        try:
            return bool(case.incident and await self._visitor.house.desk.incidents.get(case.incident))
        except FirstmateError:
            return False

    def _draw(self, case: Case, versions: Sequence[Version], mine: int | None, has_incident: bool) -> None:
        language = self._visitor.language
        with ui.element("div").classes("fm-column"):
            self._head(case, has_incident=has_incident)
            for name in _TEXTS:
                with section(say(language, name), name):
                    ui.label(getattr(case.body, name)(language) or say(language, "nothing_said")).classes("fm-said")
            self._evidence(case)
        with ui.element("div").classes("fm-column"):
            self._rating(case, mine)
            self._times(case)
            self._alerts(case)
            self._versions(versions)

    def _head(self, case: Case, *, has_incident: bool) -> None:
        language = self._visitor.language
        with ui.element("section").classes("fm-card").props("data-testid=headline"):
            with ui.element("div").classes("fm-row"):
                title(case.body.title(language))
                word = "case_confirmed" if case.state == "confirmed" else "draft"
                chip(say(language, word), "", "state").classes(case.state)
            ui.label(self._standing(case)).classes("fm-dim").props("data-testid=standing")
            with ui.element("div").classes("fm-tags"):
                for tag in case.body.tags:
                    link(tag, f"{address('cases')}?tag={quote(tag)}", "fm-link fm-label-chip")
            if has_incident and case.incident:
                link(say(language, "open_incident"), address("incidents", case.incident))
            self._buttons(case)

    def _standing(self, case: Case) -> str:
        language = self._visitor.language
        if case.state == "confirmed":
            return say(language, "confirmed_by_hint", name=case.confirmed_by, at=stamp(case.confirmed_at))
        if case.made_by != MACHINE:
            return say(language, "told_hint", name=case.made_by)
        return say(language, "draft_hint")

    def _buttons(self, case: Case) -> None:
        visitor, language = self._visitor, self._visitor.language
        if not visitor.may_act:
            told = say(language, "only_look", name=visitor.caller.name)
            ui.label(told).classes("fm-dim").props("data-testid=may-not")
            return
        with ui.element("div").classes("fm-actions"):
            if case.state != "confirmed":
                button(say(language, "confirm_case"), "confirm", self._confirm, "fm-solid")
            button(say(language, "edit_case"), "edit", lambda: self._edit(case))
            button(say(language, "reject_case"), "reject", self._reject).classes("fm-danger")

    async def _confirm(self) -> None:
        async def work() -> None:
            await self._visitor.house.cases.confirm(self._id, self._visitor.acting.name)

        await attempt(work())
        await self._live.now()

    def _edit(self, case: Case) -> None:
        visitor, language = self._visitor, self._visitor.language

        async def act() -> None:
            given = {name: each.value or "" for name, each in fields.items()}
            words = given.pop("tags").replace("，", ",").split(",")
            edit = Edit(**given, tags=[tag.strip() for tag in words if tag.strip()])
            await visitor.house.cases.edit(case.id, edit, visitor.acting.name, version=case.version)
            await self._live.now()

        form = Form(visitor, say(language, "edit_case"), "save", act)
        with form.fields:
            fields = {"title": field(say(language, "name"), "title", value=case.body.title(language), most=MAX_TITLE)}
            for name in _TEXTS:
                value = getattr(case.body, name)(language)
                fields[name] = field(say(language, name), f"edit-{name}", value=value, long=True, most=MAX_TEXT)
            fields["tags"] = field(
                say(language, "tags_field"), "edit-tags", value=", ".join(case.body.tags), most=1_000
            )
        form.open()

    def _reject(self) -> None:
        visitor = self._visitor

        async def act() -> None:
            await visitor.house.cases.reject(self._id, visitor.acting.name)
            go("cases")

        form = Form(visitor, say(visitor.language, "reject_case"), "reject_case", act)
        with form.fields:
            ui.label(say(visitor.language, "reject_sure"))
        form.open()

    def _rating(self, case: Case, mine: int | None) -> None:
        language = self._visitor.language
        with section(say(language, "rate"), "rating"):
            if self._visitor.may_act:
                with ui.element("div").classes("fm-stars").props("role=group") as group:
                    group.props["aria-label"] = say(language, "rate")
                    for stars in range(1, MOST_STARS + 1):
                        self._star(stars, mine)
            told = say(language, "not_rated")
            if case.stars is not None:
                told = say(language, "rated", stars=f"{case.stars:g}", count=case.ratings)
            ui.label(told).classes("fm-dim").props("data-testid=rated")

    def _star(self, stars: int, mine: int | None) -> None:
        is_on = mine is not None and stars <= mine
        made = button("★" if is_on else "☆", f"star-{stars}", lambda: self._rate(stars))
        made.classes("on" if is_on else "")
        made.props["aria-label"] = made.props["title"] = say(self._visitor.language, "rate_stars", count=stars)
        made.props["aria-pressed"] = "true" if mine == stars else "false"

    async def _rate(self, stars: int) -> None:
        async def work() -> None:
            await self._visitor.house.cases.rate(self._id, stars, self._visitor.acting.name)

        await attempt(work())
        await self._live.now()

    def _times(self, case: Case) -> None:
        language, known = self._visitor.language, case.facts
        times, minutes = known.times, known.times.seconds
        told = {
            "component": str(known.component),
            "of_faults": known.fault,
            "began": stamp(times.began),
            "detected": stamp(times.detected),
            "taken_at": stamp(times.acknowledged),
            "repaired": stamp(times.repaired),
            "ended": stamp(times.closed),
            "took": say(language, "minutes", count=max(1, round(minutes / 60))) if minutes is not None else "",
            "people": ", ".join(known.people),
        }
        with section(say(language, "case_times"), "times"):
            facts([(say(language, name), value) for name, value in told.items() if value])

    def _alerts(self, case: Case) -> None:
        if not case.facts.alerts:
            return
        with section(say(self._visitor.language, "case_alerts"), "alerts"):
            for one in case.facts.alerts:
                ui.label(one.name).classes("fm-item-name")
                label_chips({name: value for name, value in one.labels.items() if name != "alertname"})

    def _evidence(self, case: Case) -> None:
        language, known = self._visitor.language, case.facts
        if known.quotes:
            with section(say(language, "case_quotes"), "quotes"):
                for one in known.quotes:
                    ui.label(one.ref).classes("fm-dim")
                    ui.label(one.quote).classes("fm-quote")
        if known.logs:
            with section(say(language, "case_logs"), "logs"):
                for line in known.logs:
                    ui.label(line).classes("fm-label-chip")

    def _versions(self, versions: Sequence[Version]) -> None:
        language = self._visitor.language
        with section(say(language, "versions"), "versions"):
            for one in versions:
                with ui.element("div").classes("fm-move").props("data-testid=version"):
                    ui.label(f"{say(language, 'version_of', number=one.version)}: {say(language, f'what_{one.what}')}")
                    ui.label(one.by).classes("fm-dim")
                    ui.label(stamp(one.at)).classes("fm-age")
