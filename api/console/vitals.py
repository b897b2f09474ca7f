"""How the parts are, as a dot that opens into sentences, and a banner over the page when the cluster cannot be watched."""

from typing import Any

from nicegui import ui

from api.console.visitor import Visitor
from api.console.words import ago, say

REFRESH_SECONDS = 3.0
WATCHED = {"prometheus": "Prometheus", "kubernetes": "Kubernetes"}


class Vitals:
    def __init__(self, visitor: Visitor, banner: "Banner") -> None:
        self._visitor = visitor
        self._banner = banner
        self._shown: dict[str, tuple[str, str]] = {}
        with ui.element("details").classes("fm-vitals").props("data-testid=health"):
            with ui.element("summary"):
                self._dot = ui.element("span").classes("fm-dot")
                self._label = ui.label("").classes("fm-tag")
            self._list = ui.element("div").classes("fm-parts")
        ui.timer(REFRESH_SECONDS, self.refresh, immediate=True)

    def refresh(self) -> None:
        parts: dict[str, dict[str, Any]] = self._visitor.house.health.report()["components"]
        state = {name: (str(part["status"]), str(part["details"])) for name, part in parts.items()}
        if state != self._shown:
            self._shown = state
            self._draw(state)
        self._banner.show(state, self._visitor.house.desk.trouble)

    def _draw(self, state: dict[str, tuple[str, str]]) -> None:
        bad = [name for name, (status, _) in state.items() if status == "unhealthy"]
        fresh = all(status == "unknown" for status, _ in state.values())
        self._dot.classes(remove="bad unknown", add="bad" if bad else "unknown" if fresh else "")
        word = "degraded" if bad else "checking" if fresh else "healthy"
        self._label.text = say(self._visitor.language, word, names=", ".join(bad))
        self._list.clear()
        with self._list:
            for name, (status, details) in state.items():
                ui.element("span").classes(f"fm-dot {_shade(status)}")
                ui.label(name)
                ui.label(details).classes("fm-dim")


class Banner:
    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        with ui.element("div").classes("fm-banner").props("role=alert data-testid=banner") as self._root:
            self._headline = ui.label("").classes("fm-banner-head")
            self._stale = ui.label("")
            self._detail = ui.label("").classes("fm-banner-more")
        self._root.set_visibility(False)

    def show(self, state: dict[str, tuple[str, str]], trouble: str) -> None:
        """`trouble` is the evaluator's own, known long before the next round of health checks."""
        down = {name: said for part, name in WATCHED.items() for status, said in [state[part]] if status == "unhealthy"}
        if trouble:
            down.setdefault(WATCHED["prometheus"], trouble)
        self._root.set_visibility(bool(down))
        if not down:
            return
        language = self._visitor.language
        self._headline.text = say(language, "unreachable", names=", ".join(down))
        as_of = self._visitor.seconds_since(self._visitor.house.desk.answered_at)
        self._stale.text = say(language, "stale", ago=ago(language, as_of)) if trouble else ""
        self._detail.text = "; ".join(down.values())


def _shade(status: str) -> str:
    return {"unhealthy": "bad", "healthy": ""}.get(status, "unknown")
