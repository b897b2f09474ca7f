"""From a message's alerts to the question its picture asks.

Of a group that mixes rules the newest alert's is drawn, with the other alerts of that rule. An alert that another system sent names its
expression in the link to its graph: it is taken only where that link leads to the Prometheus that we ask anyway, for another one's numbers
would not be these. The link is read and never followed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from alerts.arriving import INTAKE
from alerts.model import Alert
from alerts.patience import survive
from alerts.pictures.question import BEFORE, LONGEST, Question, alike
from alerts.pictures.splitting import split
from alerts.rules import Rule
from tools.clients.promql import parse

_PORTS = {"http": 80, "https": 443}


class Asks(Protocol):
    async def __call__(self, alerts: Sequence[Alert], now: datetime) -> Question | None: ...


async def asks_nothing(alerts: Sequence[Alert], now: datetime) -> Question | None:  # noqa: ARG001 - as Asks has it
    return None


@dataclass(frozen=True, slots=True)
class Asker:
    rule: Callable[[str], Rule | None]
    prometheus_url: str

    async def __call__(self, alerts: Sequence[Alert], now: datetime) -> Question | None:
        """A message is worth more than its picture: whatever goes wrong here, it goes without."""
        return await survive(self._asked(alerts, now), None, "no picture could be thought of")

    async def _asked(self, alerts: Sequence[Alert], now: datetime) -> Question | None:
        firing = sorted((alert for alert in alerts if alert.state == "firing"), key=_newest_first)
        if not firing:
            return None
        newest = firing[0]
        same = [alert for alert in firing if (alert.rule_id, alert.name) == (newest.rule_id, newest.name)]
        if newest.rule_id == INTAKE:
            expr, own = expression_at(newest.generator_url, self.prometheus_url), frozenset[str]()
        else:
            rule = self.rule(newest.rule_id)
            expr, own = (rule.expr, frozenset(rule.labels)) if rule else ("", frozenset[str]())
        return _question(expr, own, same, now) if expr.strip() else None


def expression_at(generator_url: str, prometheus_url: str) -> str:
    """The expression in a link to Prometheus's own graph, if it is the graph of this Prometheus."""
    try:
        link, ours = urlsplit(generator_url), urlsplit(prometheus_url)
        here = (_origin(link.scheme, link.hostname, link.port), link.path)
        there = (_origin(ours.scheme, ours.hostname, ours.port), f"{ours.path.rstrip('/')}/graph")
    except ValueError:
        return ""
    if not ours.hostname or here != there:
        return ""
    return parse_qs(link.query, max_num_fields=50).get("g0.expr", [""])[0]


def _question(expr: str, own: frozenset[str], alerts: Sequence[Alert], now: datetime) -> Question:
    measured = split(expr)
    hidden = {*own, "alertname"}
    series = alike({n: v for n, v in alert.labels.items() if n not in hidden} for alert in alerts)
    end = float(int(now.timestamp()))
    fired = min(end, *(float(int(alert.starts_at.timestamp())) for alert in alerts))
    question = Question(
        title=alerts[0].name,
        expr=measured.expr,
        start=max(fired - BEFORE, end - LONGEST),
        end=end,
        fired_at=fired,
        unit=measured.unit,
        operator=measured.operator,
        threshold=measured.threshold,
        series=series if series and series[0] else (),
        total=len(alerts),
        whole=expr.strip() if alerts[0].rule_id == INTAKE else "",
    )
    parse(question.promql)
    return question


def _newest_first(alert: Alert) -> tuple[float, str]:
    return -alert.starts_at.timestamp(), alert.fingerprint


def _origin(scheme: str, host: str | None, port: int | None) -> tuple[str, str, int]:
    return scheme.lower(), (host or "").lower(), port or _PORTS.get(scheme.lower(), 0)
