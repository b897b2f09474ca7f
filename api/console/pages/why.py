"""Why it was told, and why it was not: for every receiver the decisions with their reasons, and what came of the messages."""

from collections.abc import Sequence

from nicegui import ui

from alerts.model import Alert
from alerts.notify.pipeline import REASONS
from alerts.notify.records import Decision, Delivery
from api.console.frame import address, link
from api.console.pages.parts import chip, section, stamp
from api.console.visitor import Visitor
from api.console.words import known, say

MAX_EACH = 12


def why(visitor: Visitor, alert: Alert, decisions: Sequence[Decision], deliveries: Sequence[Delivery]) -> None:
    language = visitor.language
    with section(say(language, "why_sent"), "why"):
        receivers = visitor.house.alerts.board.leads_to(alert.labels)
        ui.label(say(language, "leads_to", names=", ".join(receivers))).classes("fm-dim").props("data-testid=leads-to")
        asked = list(dict.fromkeys([decision.receiver for decision in reversed(decisions)]))
        for receiver in asked:
            about = [decision for decision in decisions if decision.receiver == receiver]
            sent = [delivery for delivery in deliveries if delivery.receiver == receiver]
            _receiver(visitor, alert, receiver, about, sent)
        if not asked:
            ui.label(say(language, "not_decided" if alert.fired_at else "never_fired")).classes("fm-dim").props(
                "data-testid=undecided"
            )


def _receiver(
    visitor: Visitor, alert: Alert, receiver: str, decisions: Sequence[Decision], deliveries: Sequence[Delivery]
) -> None:
    with ui.element("div").classes("fm-told").props("data-testid=told"):
        ui.label(receiver).classes("fm-told-name")
        for decision in list(reversed(decisions))[:MAX_EACH]:
            _decision(visitor, alert, decision)
        for delivery in list(reversed(deliveries))[:MAX_EACH]:
            _delivery(visitor, delivery)


def _decision(visitor: Visitor, alert: Alert, decision: Decision) -> None:
    language = visitor.language
    reason, by = reason_of(decision, alert.fingerprint)
    told = decision.told and alert.fingerprint not in decision.kept_back
    with ui.element("div").classes("fm-move").props("data-testid=decision"):
        chip(say(language, "told" if told else "not_told"), "good" if told else "")
        ui.label(REASONS[reason](language) if reason in REASONS else reason)
        if by and reason == "inhibited":
            link(by, address("alerts", by))
        elif by and reason == "silenced":
            link(say(language, "silences"), f"{address('silences')}?id={by.split(', ')[0]}")
        elif by:
            ui.label(by).classes("fm-dim")
        if decision.times > 1:
            ui.label(say(language, "times", count=decision.times)).classes("fm-dim")
        ui.label(stamp(decision.last_at)).classes("fm-age")


def reason_of(decision: Decision, fingerprint: str) -> tuple[str, str]:
    """This alert's own reason, which may be another than its group's, and what keeps it back."""
    kept = decision.kept_back.get(fingerprint, "")
    reason, _, by = kept.partition(":")
    return (reason, by.strip()) if kept else (decision.reason, "")


def _delivery(visitor: Visitor, delivery: Delivery) -> None:
    language = visitor.language
    kind = {"sent": "good", "failed": "bad"}.get(delivery.status, "")
    with ui.element("div").classes("fm-move").props("data-testid=delivery"):
        chip(known(language, delivery.status), kind)
        ui.label(delivery.said or say(language, "attempts", count=delivery.attempts)).classes("fm-dim")
        ui.label(stamp(delivery.finished_at or delivery.created_at)).classes("fm-age")
