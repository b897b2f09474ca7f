"""Routes: the tree in force, where an alert with these labels would go, who can be told and whether that worked, who is on duty.

What is drawn is the routing as the notifier uses it now, so a file that was changed and could not be read is not what is seen here.
"""

from fastapi import Request
from nicegui import ui

from alerts.durations import show_duration
from alerts.routing.tree import Route
from api.console.frame import Frame
from api.console.pages.labels import read_labels
from api.console.pages.live import Live
from api.console.pages.parts import chip, field, section, title
from api.console.pages.receivers import Duty, Receivers
from api.console.visitor import Visitor
from api.console.words import say
from core.errors import FirstmateError

MAX_ROUTES = 400
EXAMPLE = 'alertname="KubePodNotReady", severity="critical"'


@ui.page("/routes")
async def page(request: Request) -> None:
    frame = Frame(request, "routes")
    with frame.body:
        Routes(frame.visitor)


class Routes:
    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._shown: object = None
        self._taken: set[int] = set()
        language = visitor.language
        title(say(language, "routes"))
        with ui.element("div").classes("fm-two fm-routes"):
            with ui.element("div").classes("fm-column"):
                with section(say(language, "where_to"), "tester"):
                    self._labels = field(say(language, "labels_of_alert"), "route-labels", value="", long=True)
                    self._labels.classes("fm-mono").props("debounce=400").on_value_change(self._ask)
                    self._labels.props["hint"] = EXAMPLE
                    self._answer = ui.element("div").classes("fm-column").props("data-testid=answer aria-live=polite")
                with section(say(language, "tree"), "tree"):
                    self._tree = ui.element("div").classes("fm-tree").props("role=tree")
            with ui.element("div").classes("fm-column"):
                self._duty = Duty(visitor)
                self._receivers = Receivers(visitor)
        self._live = Live(visitor, self.refresh)

    async def refresh(self) -> None:
        config = self._visitor.house.alerts.routing.config
        if config is not self._shown:
            self._shown = config
            self._draw(config.route)
        self._duty.refresh()
        await self._receivers.refresh()

    def _draw(self, root: Route) -> None:
        self._tree.clear()
        left = [MAX_ROUTES]
        with self._tree:
            self._node(root, left, root=True)

    def _node(self, route: Route, left: list[int], *, root: bool = False) -> None:
        left[0] -= 1
        if left[0] < 0:
            return
        language = self._visitor.language
        taken = "taken" if route.number in self._taken else ""
        with ui.element("div").classes(f"fm-node {taken}").props("role=treeitem data-testid=node"):
            with ui.element("div").classes("fm-row"):
                ui.label(", ".join(map(str, route.matchers)) or say(language, "everything" if root else "any")).classes(
                    "fm-mono"
                )
                ui.label(f"→ {route.receiver}").classes("fm-told-name")
                if route.goes_on:
                    chip(say(language, "goes_on"))
            ui.label(self._about(route)).classes("fm-dim")
            with ui.element("div").classes("fm-branches"):
                for child in route.children:
                    self._node(child, left)

    def _about(self, route: Route) -> str:
        times = [show_duration(each) for each in (route.group_wait, route.group_interval, route.repeat_interval)]
        said = [say(self._visitor.language, "waits", wait=times[0], interval=times[1], repeat=times[2])]
        if route.group_by:
            said.insert(0, say(self._visitor.language, "grouped_by", labels=", ".join(route.group_by)))
        for word, names in (("muted_in", route.mute_time_intervals), ("active_in", route.active_time_intervals)):
            said += [say(self._visitor.language, word, names=", ".join(names))] if names else []
        return " · ".join(said)

    async def _ask(self) -> None:
        self._answer.clear()
        text = (self._labels.value or "").strip()
        try:
            labels = read_labels(text) if text else {}
        except FirstmateError as error:
            with self._answer:
                ui.label(error.sentence).classes("fm-note warn")
            return
        side, now = self._visitor.house.alerts, self._visitor.house.clock.now()
        ends = side.routing.config.route.matching(labels) if labels else ()
        self._taken = {route.number for route in ends}
        self._draw(side.routing.config.route)
        if not labels:
            return
        language = self._visitor.language
        silenced = [one for one in await side.silences.in_force(now) if one.silences(labels, now)]
        quiet = {name for route in ends if (name := side.routing.config.is_quiet_time(route, now))}
        with self._answer:
            names = ", ".join(side.board.leads_to(labels))
            ui.label(say(language, "would_go", names=names)).classes("fm-verdict").props("data-testid=would-go")
            if silenced:
                ui.label(say(language, "but_silenced", count=len(silenced))).classes("fm-note warn")
            if quiet:
                ui.label(say(language, "but_quiet", names=", ".join(sorted(quiet)))).classes("fm-note warn")
