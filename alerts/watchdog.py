"""The one alert nobody can write a rule for: Prometheus itself does not answer.

While it is silent every other alert keeps the state it had; this one says so, so that a quiet night is not mistaken for a good one.
It begins when no query has been answered for a while (one slow query among good ones is that rule's own trouble) and ends with the
first answer.
"""

from datetime import datetime, timedelta

from alerts.model import fingerprint
from alerts.reading import Reading
from alerts.rules import Rule

UNREACHABLE = Rule(
    id="firstmate-unreachable",
    name="PrometheusUnreachable",
    group="firstmate",
    expr="",
    labels={"severity": "critical"},
    annotations={
        "summary": "Prometheus does not answer: no alert is being evaluated",
        "summary_zh": "Prometheus 没有应答: 告警规则无法评估",
    },
    source="firstmate",
)


class Watchdog:
    def __init__(self, started: datetime, patience: float) -> None:
        self._answered_at = started
        self._patience = timedelta(seconds=patience)
        self._said = ""

    @property
    def said(self) -> str:
        """What went wrong last, empty while Prometheus answers."""
        return self._said

    @property
    def answered_at(self) -> datetime:
        return self._answered_at

    def resume(self, raised_at: datetime) -> None:
        """A silence that began before this process did: only an answer ends it."""
        self._answered_at, self._said = raised_at - self._patience, "Prometheus has not answered yet"

    def answered(self, now: datetime) -> None:
        self._answered_at, self._said = now, ""

    def failed(self, said: str) -> None:
        self._said = said

    def readings(self, now: datetime) -> dict[str, Reading]:
        """What this alert's own evaluation sees: one series while the silence lasts, else none."""
        if not self._said or now - self._answered_at < self._patience:
            return {}
        labels = {"alertname": UNREACHABLE.name, **UNREACHABLE.labels}
        since = f"{self._answered_at:%Y-%m-%d %H:%M:%S} UTC"
        annotations = {
            **UNREACHABLE.annotations,
            "description": f"{self._said}. Nothing has been read since {since}. Alerts keep their state; none is resolved meanwhile.",
            "description_zh": f"{self._said}. 自 {since} 起没有读到任何数据. 其他告警保持原状, 期间不会被判定为恢复.",
        }
        silence = (now - self._answered_at).total_seconds()
        return {fingerprint(labels): Reading(labels, annotations, silence)}
