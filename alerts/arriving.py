"""What an alert that another system sends does to the one we know: pure, and as Alertmanager decides it.

A sender repeats what fires for as long as it does. Each repetition moves the alert's end: to the one it names, else to `resolve_timeout`
from now, so that a sender that dies does not leave an alert behind for ever. An end that was named stays if it is later than one that was
put in. An end that has passed resolves the alert. A repetition of what fires keeps the earlier beginning; what comes back after its end is
a new episode, also where Alertmanager still remembers the old one and would give it that one's beginning.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.model import Alert, Change, Transition, fingerprint
from core.errors import Invalid

INTAKE = "intake"
MAX_LABELS = 64
MAX_NAME = 256
MAX_TEXT = 16_384
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One alert as it was sent; absent times are None."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    generator_url: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """When it fires, and whether its end was put in for want of one."""

    starts_at: datetime
    ends_at: datetime
    by_timeout: bool


def checked(arrival: Arrival) -> Arrival:
    """Without its empty labels and annotations; or a sentence that says why it cannot be taken."""
    labels = {name: value for name, value in arrival.labels.items() if value}
    annotations = {name: value for name, value in arrival.annotations.items() if value}
    if not labels:
        raise Invalid("An alert needs at least one label.", field="labels")
    if len(labels) > MAX_LABELS or len(annotations) > MAX_LABELS:
        raise Invalid(f"An alert has at most {MAX_LABELS} labels and as many annotations.", field="labels")
    for name, value in (*labels.items(), *annotations.items()):
        if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
            raise Invalid(f"{name[:100]!r} is not a valid name of a label or annotation.", field="labels")
        if len(value) > MAX_TEXT:
            raise Invalid(f"The value of {name} is longer than {MAX_TEXT} characters.", field=name)
    if arrival.starts_at and arrival.ends_at and arrival.ends_at < arrival.starts_at:
        raise Invalid("An alert cannot end before it starts.", field="endsAt")
    return replace(arrival, labels=labels, annotations=annotations)


def arrive(
    known: Alert | None, arrival: Arrival, now: datetime, patience: timedelta, new_episode: Callable[[], str]
) -> Change | None:
    """None where nothing is to be kept: the end of something that nobody here knew to fire."""
    sent = _span(arrival, now, patience)
    if known is None or known.state != "firing":
        return None if sent.ends_at <= now else _begun(arrival, sent, new_episode())
    merged = _merge(Span(known.starts_at, known.expires_at or now, known.ends_by_timeout), sent, now)
    going_on = replace(
        known,
        labels=dict(arrival.labels),
        annotations=dict(arrival.annotations),
        generator_url=arrival.generator_url,
        fired_at=merged.starts_at,
        expires_at=merged.ends_at,
        ends_by_timeout=merged.by_timeout,
    )
    if merged.ends_at > now:
        return Change(going_on)
    ended = replace(going_on, state="resolved", resolved_at=merged.ends_at)
    return Change(ended, Transition("firing", "resolved", "ended", now, by=INTAKE))


def _span(arrival: Arrival, now: datetime, patience: timedelta) -> Span:
    starts_at = arrival.starts_at or arrival.ends_at or now
    return Span(starts_at, arrival.ends_at or now + patience, by_timeout=arrival.ends_at is None)


def _merge(known: Span, sent: Span, now: datetime) -> Span:
    """What is sent replaces what is known; where one of its ends lies within that, it is the same firing, with the earlier beginning."""
    if not any(known.starts_at < at < known.ends_at for at in (sent.starts_at, sent.ends_at)):
        return sent
    earlier = min(known.starts_at, sent.starts_at)
    goes_on = sent.ends_at > now and known.ends_at > sent.ends_at and not known.by_timeout
    return Span(earlier, known.ends_at if goes_on else sent.ends_at, sent.by_timeout)


def expire(alert: Alert, now: datetime) -> Change | None:
    """Its sender fell silent."""
    ended = alert.as_of(now)
    if ended is alert:
        return None
    return Change(ended, Transition("firing", "resolved", "expired", now, by=INTAKE))


def _begun(arrival: Arrival, sent: Span, episode: str) -> Change:
    alert = Alert(
        fingerprint=fingerprint(arrival.labels),
        rule_id=INTAKE,
        name=arrival.labels.get("alertname", ""),
        labels=dict(arrival.labels),
        annotations=dict(arrival.annotations),
        state="firing",
        value=float("nan"),
        episode=episode,
        active_at=sent.starts_at,
        fired_at=sent.starts_at,
        expires_at=sent.ends_at,
        ends_by_timeout=sent.by_timeout,
        generator_url=arrival.generator_url,
    )
    return Change(alert, Transition("inactive", "firing", "sent", sent.starts_at, by=INTAKE))
