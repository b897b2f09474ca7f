"""All alerts, the pressing ones first, filtered and paged by the server."""

from dataclasses import replace

from fastapi import Request
from nicegui import ui

from alerts.model import STATUSES, Alert, Status
from api.console.frame import Frame, address, link
from api.console.pages.listing import Listing
from api.console.pages.parts import SEVERITIES, chip, choice, field, title
from api.console.words import known, say


@ui.page("/alerts")
async def page(request: Request) -> None:
    frame = Frame(request, "alerts")
    with frame.body:
        Alerts(frame)


class Alerts:
    def __init__(self, frame: Frame) -> None:
        self._visitor = visitor = frame.visitor
        language = visitor.language
        title(say(language, "alerts"))
        with ui.element("div").classes("fm-row fm-filters"):
            self._status = choice(visitor, "state", STATUSES, "filter-status", self._again)
            self._severity = choice(visitor, "severity", SEVERITIES, "filter-severity", self._again)
            self._name = field(say(language, "name"), "filter-name", most=255)
            self._namespace = field(say(language, "namespace"), "filter-namespace", most=253)
        for one in (self._name, self._namespace):
            one.props("debounce=400 clearable").on_value_change(self._again)
        self._listing: Listing[Alert] = Listing(visitor, self._read, self._row, "nothing_found", _lasting)

    async def _again(self) -> None:
        await self._listing.restart()

    async def _read(self, limit: int, offset: int) -> tuple[list[Alert], int]:
        chosen: Status | None = self._status.value or None
        return await self._visitor.house.desk.list(
            status=chosen,
            severity=self._severity.value or None,
            name=(self._name.value or "").strip() or None,
            namespace=(self._namespace.value or "").strip() or None,
            limit=limit,
            offset=offset,
        )

    def _row(self, alert: Alert) -> None:
        language = self._visitor.language
        kind = alert.severity if alert.severity in SEVERITIES else "other"
        with ui.element("div").classes(f"fm-item {kind} {alert.state}").props("data-testid=row"):
            with ui.element("div").classes("fm-row"):
                link(alert.name, address("alerts", alert.fingerprint), "fm-link fm-item-name")
                chip(known(language, alert.severity), alert.severity)
                chip(say(language, alert.status), alert.state)
                if alert.acknowledged_by:
                    ui.label(say(language, "acknowledged", name=alert.acknowledged_by)).classes("fm-dim good")
                if alert.assignee:
                    ui.label(say(language, "assigned_to", name=alert.assignee)).classes("fm-dim")
                over = alert.resolved_at if alert.state == "resolved" else None
                self._listing.ages.label(over or alert.starts_at)
            ui.label(alert.annotation("summary", language)).classes("fm-dim")


def _lasting(alert: Alert) -> Alert:
    return replace(alert, value=0.0)
