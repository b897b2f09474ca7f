"""`firstmate collect`: a live cluster as a bundle, with nothing but a kubeconfig; no server and no database have to run.

The clients are built from the settings as the server builds them, and closed when the collection ends, however it ends.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from core.clock import SystemClock
from core.config import Settings
from core.errors import Upstream
from core.redact import Redactor
from tools.bundle.archive import packing
from tools.bundle.write import writing
from tools.clients.kubernetes import Clusters, KubernetesAccess
from tools.clients.prometheus import Prometheus
from tools.collect import Collector, Listener
from tools.collect.kinds import CLUSTER_KINDS, KINDS
from tools.engines.snapshot import Snapshot
from tools.queries import QUERIES

USUAL_KUBECONFIG = Path("~/.kube/config")


@dataclass(frozen=True, slots=True)
class Wanted:
    namespace: str | None
    since_seconds: int
    folder: Path
    context: str = ""


async def collect(settings: Settings, wanted: Wanted, console: Console) -> Snapshot:
    """Progress goes to `console`, which is standard error: what is printed last, on standard output, is the folder."""
    with (
        packing(wanted.folder) as folder,
        writing(folder, Redactor(token_hex(32))) as bundle,
        _bar(console) as progress,
    ):
        task = progress.add_task("collecting", total=len(KINDS) + len(CLUSTER_KINDS) + len(QUERIES))

        def step(what: str) -> None:
            progress.update(task, advance=1, description=what)

        async with collector(settings) as made:
            snapshot = await made.collect(
                wanted.namespace, wanted.context, wanted.since_seconds, Listener(step, bundle.log)
            )
        refuse_nothing(snapshot)
        bundle.snapshot(snapshot)
        progress.update(task, total=1, completed=1, description="written")
    return snapshot


@asynccontextmanager
async def collector(settings: Settings) -> AsyncIterator[Collector]:
    clock = SystemClock()
    prometheus = Prometheus(
        settings.prometheus_url, settings.prometheus_token.get_secret_value(), settings.prometheus_timeout, clock=clock
    )
    clusters = Clusters(_access(settings), clock=clock)
    try:
        yield Collector(clusters, prometheus, clock)
    finally:
        await prometheus.close()
        await clusters.close()


def names_a_cluster() -> bool:
    """Whether whoever started this command said which cluster is meant."""
    return any(os.environ.get(name) for name in ("KUBECONFIG", "K8S_CONFIG_PATH", "K8S_IN_CLUSTER"))


def refuse_nothing(snapshot: Snapshot) -> None:
    """A cluster of which no object could be read was not looked at; whatever is said of it would be said of nothing."""
    if snapshot.objects:
        return
    why = next((gap.why for gap in snapshot.gaps if "Prometheus" not in gap.why), "nothing in it can be listed")
    raise Upstream("The cluster", f"could not be read: {why}", retryable=True)


def has_cluster(settings: Settings) -> bool:
    access = _access(settings)
    return bool(access.config_path) or access.in_cluster


def _access(settings: Settings) -> KubernetesAccess:
    """What the settings say; a person who has set nothing means the cluster that kubectl means."""
    path = settings.k8s_config_path
    if not path and not settings.k8s_in_cluster:
        told = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
        usual = Path(told or USUAL_KUBECONFIG).expanduser()
        path = str(usual) if usual.is_file() else ""
    return KubernetesAccess(
        config_path=path,
        in_cluster=settings.k8s_in_cluster,
        context=settings.k8s_context,
        namespace=settings.k8s_namespace,
        timeout=settings.k8s_timeout,
    )


def _bar(console: Console) -> Progress:
    columns = (SpinnerColumn(), BarColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def summary(snapshot: Snapshot) -> str:
    found = f"{len(snapshot.objects)} objects, {len(snapshot.logs)} logs"
    series = sum(map(len, snapshot.metrics.values()))
    return f"{found}, {series} series, {len(snapshot.alerts)} alerts, {len(snapshot.gaps)} gaps"
