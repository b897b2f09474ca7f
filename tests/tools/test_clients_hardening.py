"""The Kubernetes client where a kubeconfig changes under it, and where somebody asks for kinds that do not exist."""

import asyncio
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from core.clock import ManualClock
from core.errors import NotFound
from tests.tools.loopback import Heard, Loopback, Say
from tests.tools.test_clients_kubernetes import kubeconfig
from tools.clients.kubernetes import DISCOVERED_SECONDS, Clusters, KubernetesAccess

NOBODY = "http://127.0.0.1:1"


class WatchedClusters(Clusters):
    """Knows in which threads the kubeconfig was looked at."""

    def __init__(self, access: KubernetesAccess) -> None:
        super().__init__(access)
        self.threads: set[int] = set()

    def _read(self) -> Iterable[dict[str, Any]]:
        self.threads.add(threading.get_ident())
        return super()._read()


def rewrite(config: Path, before: str, after: str, *, noticeably: bool) -> None:
    seen = config.stat()
    config.write_text(config.read_text().replace(f"current-context: {before}", f"current-context: {after}"))
    os.utime(config, ns=(seen.st_atime_ns, seen.st_mtime_ns + 1_000_000 * noticeably))


async def test_a_kubeconfig_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    config = tmp_path / "config"
    clusters = Clusters(KubernetesAccess(config_path=kubeconfig(config, NOBODY, away=NOBODY)))
    assert (await clusters.get()).context == "here"
    rewrite(config, "here", "away", noticeably=False)
    assert (await clusters.get()).context == "here"
    rewrite(config, "away", "away", noticeably=True)
    assert (await clusters.get()).context == "away"
    await clusters.close()


async def test_a_kubeconfig_is_never_read_on_the_event_loop(tmp_path: Path) -> None:
    config = kubeconfig(tmp_path / "config", NOBODY)
    clusters = WatchedClusters(KubernetesAccess(config_path=config))
    await clusters.get()
    await clusters.get()
    with pytest.raises(NotFound, match="no kubeconfig context elsewhere"):
        await clusters.get("elsewhere")
    await clusters.close()
    assert clusters.threads
    assert threading.get_ident() not in clusters.threads


def no_groups(_heard: Heard) -> Say:
    return Say(body={"groups": []})


async def test_kinds_that_do_not_exist_are_looked_for_once_a_minute(tmp_path: Path, clock: ManualClock) -> None:
    async with Loopback(no_groups) as server:
        clusters = Clusters(KubernetesAccess(config_path=kubeconfig(tmp_path / "config", server.url)), clock)
        cluster = await clusters.get()
        asked = await asyncio.gather(*(cluster.kind(f"Thing{n}") for n in range(5)), return_exceptions=True)
        assert [type(one) for one in asked] == [NotFound] * 5
        assert len(server.heard) == 1
        await clock.advance(DISCOVERED_SECONDS)
        with pytest.raises(NotFound):
            await cluster.kind("Thing1")
        assert len(server.heard) == 2
        await clusters.close()


async def test_a_kind_that_came_since_is_found_after_the_minute(tmp_path: Path, clock: ManualClock) -> None:
    groups: list[dict[str, Any]] = []

    def answer(heard: Heard) -> Say:
        if heard.path == "/apis":
            return Say(body={"groups": groups})
        widgets = {"name": "widgets", "kind": "Widget", "namespaced": True}
        return Say(body={"groupVersion": "example.com/v1", "resources": [widgets]})

    async with Loopback(answer) as server:
        clusters = Clusters(KubernetesAccess(config_path=kubeconfig(tmp_path / "config", server.url)), clock)
        cluster = await clusters.get()
        with pytest.raises(NotFound):
            await cluster.kind("Widget")
        groups.append({"name": "example.com", "preferredVersion": {"groupVersion": "example.com/v1"}})
        await clock.advance(DISCOVERED_SECONDS)
        assert (await cluster.kind("Widget")).plural == "widgets"
        await clusters.close()
