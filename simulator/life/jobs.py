"""The nightly jobs of the shop: a copy of the database, a report, and the old logs put away.

They are CronJobs like any other; what they do to the database is felt while one of their pods runs, whoever started it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from simulator.apps import App, Shop
from simulator.clock import rfc3339
from simulator.conditions import Conditions, Kind, Level, Pressure
from simulator.kubelet import PodRun
from simulator.kubernetes_api import defaulted
from simulator.noise import Floats
from simulator.objects import Object
from simulator.store import Store

IMAGE = "docker.io/library/busybox:1.36.1"
NIGHTS_KEPT = 3  # successfulJobsHistoryLimit


@dataclass(frozen=True)
class Nightly:
    suffix: str
    hour: int
    minute: int
    seconds: int
    cores: float  # that the database spends on it meanwhile
    says: tuple[str, str]


NIGHTLY = (
    Nightly("backup", 2, 15, 380, 0.16, ("dumping 41 tables", "backup complete, 1 old copy removed")),
    Nightly("log-rotation", 3, 0, 40, 0.0, ("rotating logs older than 14 days", "rotation done")),
    Nightly("report", 3, 30, 150, 0.10, ("开始生成昨日销售报表", "报表已生成并上传")),
)


@dataclass(frozen=True)
class Night:
    """One CronJob with what it means to the database."""

    nightly: Nightly
    database: App

    @property
    def pressed(self) -> str:
        """The place of the pressure."""
        return f"{self.database.namespace}/{self.database.name}"

    @property
    def name(self) -> str:
        return f"{self.database.name}-{self.nightly.suffix}"

    def last_before(self, moment: datetime) -> datetime:
        at = moment.astimezone(UTC).replace(hour=self.nightly.hour, minute=self.nightly.minute, second=0, microsecond=0)
        return at if at < moment else at - timedelta(days=1)

    def moments(self, after: datetime, until: datetime) -> list[datetime]:
        days = (until - after).days + 2
        first = self.last_before(after)
        return [at for at in (first + timedelta(days=day) for day in range(days)) if after < at <= until]


def nights(shop: Shop) -> list[Night]:
    databases = [app for app in shop.apps if app.log_style == "postgres"]
    return [Night(each, databases[0]) for each in NIGHTLY] if databases else []


def create(store: Store, shop: Shop, born: datetime, now: datetime) -> None:
    """As if they had been there from the beginning and had done their work in the nights before."""
    for night in nights(shop):
        cron = defaulted("CronJob", _cron_job(night, shop))
        cron["metadata"]["creationTimestamp"] = rfc3339(born)
        last = rfc3339(night.last_before(now))
        store.create("CronJob", {**cron, "status": {"lastScheduleTime": last, "lastSuccessfulTime": last}})


def _cron_job(night: Night, shop: Shop) -> Object:
    nightly = night.nightly
    labels = {"app.kubernetes.io/name": night.name, "app.kubernetes.io/part-of": shop.name}
    begin, end = nightly.says
    container = {
        "name": nightly.suffix,
        "image": IMAGE,
        "command": ["sh", "-c", f"echo '{begin}'; sleep {nightly.seconds}; echo '{end}'"],
        "resources": {"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"cpu": "200m", "memory": "96Mi"}},
    }
    pod = {"containers": [container], "restartPolicy": "OnFailure"}
    job = {"backoffLimit": 2, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": night.name, "namespace": night.database.namespace, "labels": labels},
        "spec": {
            "schedule": f"{nightly.minute} {nightly.hour} * * *",
            "concurrencyPolicy": "Forbid",
            "successfulJobsHistoryLimit": NIGHTS_KEPT,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {"metadata": {"labels": labels}, "spec": job},
        },
    }


@dataclass(frozen=True)
class PastNights(Level):
    """What the jobs cost the database in the nights before `until`, when no pod was there to show it."""

    night: Night | None = None

    def at(self, times: Floats) -> Floats:
        level = np.zeros_like(times)
        if self.night is None or not len(times):
            return level
        first, last = (datetime.fromtimestamp(float(each), UTC) for each in (times[0], times[-1]))
        for start in self.night.moments(first - timedelta(days=1), last):
            age = times - start.timestamp()
            level = level + self.peak * ((age >= 0) & (age < self.night.nightly.seconds) & (times < self.until))
        return level


def press_past(shop: Shop, conditions: Conditions, until: datetime) -> None:
    for night in nights(shop):
        if night.nightly.cores:
            level = PastNights(night.nightly.cores, until=until.timestamp(), night=night)
            conditions.press(Pressure(Kind.HEAVY_REQUESTS, night.pressed), level)


class NightWork:
    """Presses on the database while a nightly pod is at work."""

    def __init__(self, shop: Shop, conditions: Conditions) -> None:
        self._nights = [night for night in nights(shop) if night.nightly.cores]
        self._conditions = conditions
        self._pressing: dict[str, tuple[Pressure, Level]] = {}

    def follow(self, runs: Iterable[PodRun], now: datetime) -> bool:
        """Whether anything has changed."""
        known = list(runs)
        at_work = {night.name: night for night in self._nights if _is_at_work(night, known)}
        changed = at_work.keys() != self._pressing.keys()
        for name in [name for name in self._pressing if name not in at_work]:
            self._conditions.lift(*self._pressing.pop(name))
        for name, night in at_work.items():
            if name not in self._pressing:
                level = Level(night.nightly.cores, now.timestamp(), 20.0)
                self._pressing[name] = Pressure(Kind.HEAVY_REQUESTS, night.pressed), level
                self._conditions.press(*self._pressing[name])
        return changed


def _is_at_work(night: Night, runs: list[PodRun]) -> bool:
    return any(
        run.namespace == night.database.namespace
        and run.name.startswith(f"{night.name}-")
        and any(container.phase.is_running for container in run)
        for run in runs
    )
