"""What a program complains of since a moment and did not complain of before: the harm that a change did to one that goes on running.

Of a pod that started after the moment everything counts, of an older one, if it could read the change, what it said after it. A complaint
that speaks of a setting which the change touched is tied to the change; without that it only follows it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tools.engines.diagnosis import Evidence
from tools.engines.finding import evidence
from tools.engines.logs.digest import LogDigest
from tools.engines.logs.patterns import Pattern
from tools.engines.objects import Object, dig, name_of, statuses, when
from tools.engines.program import Program
from tools.engines.settings import Link, governs, quoted
from tools.engines.snapshot import LogKey, Snapshot

SLACK = timedelta(minutes=1)
OFTEN = 2
MANY_LINES = 20


@dataclass(frozen=True, slots=True)
class Complaint:
    key: LogKey
    pattern: Pattern
    link: Link | None

    def proof(self) -> Iterator[Evidence]:
        weight = 0.3 if self.link is None else 0.65 if self.link.is_quoted else 0.5
        about = f" (about {self.link.setting})" if self.link else ""
        one = self.pattern
        said, at = (one.example, one.first) if one.first else (one.latest or one.example, one.last)
        yield evidence("log", str(self.key), f"{one.count}x{about} {said}", at, weight=weight)


def is_read_anew(program: Program, at: datetime) -> bool:
    """Whether a pod of it started after the moment."""
    return any(_started_after(pod, at) for pod in program.pods)


def complaint_since(
    snapshot: Snapshot, program: Program, at: datetime, settings: Mapping[str, str], *, is_live: bool = False
) -> Complaint | None:
    """The one that speaks of a setting, if any does; else the loudest. Only what is read while a program runs reaches its older pods."""
    young = {name_of(pod) for pod in program.pods if _started_after(pod, at)}
    logs = [(key, log) for key, log in snapshot.logs_of(program) if not key.previous]
    old = [one for key, log in logs if key.pod not in young for one in errors(log)]
    before = {one.template for one in old if not is_live or _is_before(one, at)}
    found = [
        Complaint(key, one, _link(log, one, settings))
        for key, log in logs
        if is_live or key.pod in young
        for one in _lately(log, at, before, is_young=key.pod in young)
    ]
    return max(found, key=lambda one: (_strength(one.link), one.pattern.count), default=None)


def errors(log: LogDigest) -> list[Pattern]:
    return [one for one in log.patterns if one.level in {"error", "fatal", "critical"}]


def _lately(log: LogDigest, at: datetime, before: set[str], *, is_young: bool) -> list[Pattern]:
    """The errors of a log that began after the moment; none where they are so few that every log has them."""
    new = [
        one
        for one in errors(log)
        if one.template not in before and (is_young or (one.first is not None and one.first >= at - SLACK))
    ]
    return new if sum(one.count for one in new) >= max(OFTEN, log.lines // MANY_LINES) else []


def _is_before(pattern: Pattern, at: datetime) -> bool:
    return pattern.first is None or pattern.first < at - SLACK


def _link(log: LogDigest, pattern: Pattern, settings: Mapping[str, str]) -> Link | None:
    text = f"{pattern.example}\n{pattern.latest}"
    if link := quoted(settings, text):
        return link
    said = (one.meaning for one in log.saids if (one.quote and one.quote in text) or one.text[:200] in text)
    return next((link for meaning in said if (link := governs(settings, meaning))), None)


def _strength(link: Link | None) -> int:
    return 0 if link is None else 1 + link.is_quoted


def _started_after(pod: Object, at: datetime) -> bool:
    born = when(dig(pod, "metadata", "creationTimestamp"))
    if born and born >= at - SLACK:
        return True
    started = [when(dig(status, "state", "running", "startedAt")) for status in statuses(pod)]
    return bool(started) and all(one and one >= at - SLACK for one in started)
