"""How many pods a workload has is counted from what its status says, and a StatefulSet's does not always say all."""

from typing import Any

import pytest

from tests.tools.objects import Object, meta, snapshot, template
from tools.engines.analyzers.symptoms import workloads_without_enough_pods
from tools.engines.graph import Graph


def stateful(status: Object, **spec: Any) -> Object:
    shape = {"replicas": 1, "template": template({"app": "ledger"}), **spec}
    made = meta("ledger", creationTimestamp="2020-01-01T00:00:00Z")
    return {"kind": "StatefulSet", "metadata": made, "spec": shape, "status": status}


def told(workload: Object) -> list[str]:
    seen = snapshot(workload)
    return [one.words.en for one in workloads_without_enough_pods(seen, Graph(seen))]


SHORT = ["StatefulSet town/ledger: 0 of 1 pods available, 0 stuck."]


def test_a_stateful_set_that_counts_only_ready_pods_has_those() -> None:
    assert told(stateful({"replicas": 1, "readyReplicas": 1})) == []


@pytest.mark.parametrize(
    "status", [{"replicas": 1}, {"readyReplicas": 1, "availableReplicas": 0}, {"readyReplicas": 0}]
)
def test_one_that_has_none_is_short(status: Object) -> None:
    assert told(stateful(status)) == SHORT


def test_where_readiness_must_last_a_ready_pod_is_not_yet_available() -> None:
    assert told(stateful({"readyReplicas": 1}, minReadySeconds=30)) == SHORT
