"""Did it help? What is seen to hold, what is seen not to, and what nobody could see are three different answers."""

import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from core.clock import ManualClock
from core.errors import Forbidden, NotFound, Upstream
from tests.tools.cluster import FakeCluster, FakeListing, FakeSample
from tests.tools.objects import NS, Object, caller, deployment, endpoint_slice, moved_to, service
from tests.tools.workshop import ALERT, Workshop, lost_service, workshop
from tools.autofix.plan import target_of
from tools.autofix.verify import is_ready, rolled_out

DARK = Upstream("The Kubernetes API server", "did not answer within 8 s", retryable=True)
DEAF = Upstream("Prometheus", "refused the connection", retryable=True)


@pytest.fixture
async def shop(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, clock, lost_service(), verify_seconds=30) as made:
        yield made


def selector(shop: Workshop) -> str:
    found: str = shop.cluster.find("Service", "baker")["spec"]["selector"]["app"]
    return found


def at_each_look(shop: Workshop, act: Callable[[int], None]) -> None:
    """Before the verifier's first, second, ... look at the Service's addresses something happens."""
    listed, looks = shop.cluster.list, itertools.count(1)

    async def look(kind: str, *args: Any, **more: Any) -> FakeListing:
        if shop.cluster.stored and kind == "EndpointSlice" and more.get("labels"):
            act(next(looks))
        return await listed(kind, *args, **more)

    shop.cluster.list = look  # type: ignore[method-assign]


def addresses(shop: Workshop, ready: int) -> None:
    shop.cluster.find("EndpointSlice", "baker-x")["endpoints"] = endpoint_slice("baker", ready)["endpoints"]


async def test_a_repair_that_takes_a_while_to_show_is_waited_for(shop: Workshop) -> None:
    plan = await shop.approved()
    at_each_look(shop, lambda look: addresses(shop, 2 if look >= 4 else 0))
    began = shop.clock.now()
    assert (await shop.applied(plan)).state == "succeeded"
    assert (shop.clock.now() - began).total_seconds() >= 3 * shop.policy.poll_seconds + plan.hold_seconds


async def test_what_holds_only_for_a_moment_did_not_help(shop: Workshop) -> None:
    plan = await shop.approved()
    at_each_look(shop, lambda look: addresses(shop, look % 2))
    done = await shop.applied(plan)
    assert (done.state, selector(shop)) == ("undone", "baker-v2")


async def test_a_cluster_that_is_dark_for_a_while_and_comes_back_is_asked_again(shop: Workshop) -> None:
    shop.mends()
    plan = await shop.approved()

    def dark_at_first(look: int) -> None:
        shop.cluster.read_errors = {"EndpointSlice": DARK} if look <= 3 else {}

    at_each_look(shop, dark_at_first)
    assert (await shop.applied(plan)).state == "succeeded"


@pytest.mark.parametrize("kind", ["Service", "EndpointSlice", "*"])
async def test_what_cannot_be_seen_is_not_undone(shop: Workshop, kind: str) -> None:
    plan = await shop.approved()
    shop.cluster.after_patch = lambda _obj: shop.cluster.read_errors.update({kind: DARK})
    done = await shop.applied(plan)
    assert (done.state, selector(shop), len(shop.cluster.writes)) == ("failed", "baker", 1)
    assert "could not be verified" in done.state_reason
    assert "did not answer within 8 s" in done.state_reason
    assert (await shop.rows(done))[-2] == "check verification unknown"


async def test_what_is_seen_not_to_hold_is_undone_even_if_prometheus_is_deaf(shop: Workshop) -> None:
    plan = await shop.approved(alert=ALERT.fingerprint)
    shop.cluster.after_patch = lambda _obj: setattr(shop.prometheus, "error", DEAF)
    done = await shop.applied(plan)
    assert (done.state, selector(shop)) == ("undone", "baker-v2")


async def test_an_alert_that_clears_late_is_waited_for(shop: Workshop) -> None:
    shop.mends()
    plan = await shop.approved(alert=ALERT.fingerprint)
    mend, firing = shop.cluster.after_patch, list(shop.prometheus.samples)

    def mend_and_keep_firing(obj: Object) -> None:
        mend(obj)
        shop.prometheus.samples = firing

    asked = shop.prometheus.query

    async def clears_at_the_third_question(expr: str, at: Any = None) -> list[FakeSample]:
        if shop.prometheus.asked.count(ALERT.expr) >= 2:
            shop.prometheus.samples = []
        return await asked(expr, at)

    shop.cluster.after_patch = mend_and_keep_firing
    shop.prometheus.query = clears_at_the_third_question  # type: ignore[method-assign]
    assert (await shop.applied(plan)).state == "succeeded"


async def test_a_neighbour_that_may_not_be_read_does_not_spoil_the_verification_of_a_repair_here(
    shop: Workshop,
) -> None:
    shop.mends()
    shop.cluster.objects += [caller("oven", "http://ledger.bank:80"), *moved_to("bank", service("ledger"))]
    shop.cluster.read_errors["bank/*"] = Forbidden("You may not list pods.", permission="list pods")
    assert (await shop.applied(await shop.approved())).state == "succeeded"


READY = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}


@pytest.mark.parametrize(
    ("status", "ready"),
    [
        ({}, True),
        ({"observedGeneration": 0}, False),
        ({"replicas": 3}, False),
        ({"updatedReplicas": 1}, False),
        ({"availableReplicas": 1}, False),
        ({"availableReplicas": None}, False),
    ],
)
def test_a_workload_is_ready_when_all_of_it_is_new_and_available(status: dict[str, Any], ready: bool) -> None:
    obj = deployment()
    obj["status"] = {**READY, **status}
    assert rolled_out(obj)[0] is ready


def test_a_workload_without_a_number_wants_one_pod_and_one_of_zero_is_ready_when_empty() -> None:
    unsaid = deployment()
    del unsaid["spec"]["replicas"]
    unsaid["status"] = {**READY, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}
    assert rolled_out(unsaid)[0]
    empty = deployment(replicas=0)
    empty["status"] = {"observedGeneration": 1}
    assert rolled_out(empty)[0]


async def test_a_cluster_without_slices_is_asked_for_endpoints() -> None:
    old = {
        "kind": "Endpoints",
        "metadata": {"name": "baker", "namespace": NS},
        "subsets": [{"addresses": [{"ip": "1"}]}],
    }
    cluster = FakeCluster(service(), old)
    cluster.read_errors["EndpointSlice"] = NotFound("There is no kind EndpointSlice.")
    target = target_of("here", cluster.find("Service", "baker"))
    assert (await is_ready(cluster, target))[0]
    cluster.find("Endpoints", "baker")["subsets"] = [{"notReadyAddresses": [{"ip": "1"}]}]
    assert not (await is_ready(cluster, target))[0]
