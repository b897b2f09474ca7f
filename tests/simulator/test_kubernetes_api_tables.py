"""The rows that `kubectl get` shows of autoscalers, budgets, volumes, quotas and other kinds with cells that are worked out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.kubernetes_api.tables import COLUMNS, table

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
Object = dict[str, Any]


def row(kind: str, content: Object, include: str = "None") -> Object:
    metadata = {"name": "x", "creationTimestamp": "2026-03-02T11:00:00Z", **content.get("metadata", {})}
    shown = table(kind, [{**content, "metadata": metadata}], {}, NOON, include)
    (found,) = shown["rows"]
    assert len(found["cells"]) == len(shown["columnDefinitions"])
    return dict(found)


CPU = {"resource": {"name": "cpu", "target": {"averageUtilization": 70}}}
MEMORY = {"resource": {"name": "memory", "target": {"averageUtilization": 80}}}
SEEN = {"resource": {"name": "cpu", "current": {"averageUtilization": 0}}}
REFERENCE = {"kind": "Deployment", "name": "web"}


@pytest.mark.parametrize(
    ("kind", "content", "cells"),
    [
        (
            "HorizontalPodAutoscaler",
            {
                "spec": {"scaleTargetRef": REFERENCE, "maxReplicas": 5, "metrics": [CPU, MEMORY]},
                "status": {"currentMetrics": [SEEN], "currentReplicas": 2},
            },
            ["x", "Deployment/web", "cpu: 0%/70%, memory: <unknown>/80%", "<unset>", 5, 2, "60m"],
        ),
        (
            "HorizontalPodAutoscaler",
            {"spec": {"scaleTargetRef": REFERENCE, "minReplicas": 1, "maxReplicas": 5}},
            ["x", "Deployment/web", "<none>", 1, 5, 0, "60m"],
        ),
        ("PodDisruptionBudget", {"spec": {"minAvailable": "50%"}}, ["x", "50%", "N/A", 0, "60m"]),
        (
            "PodDisruptionBudget",
            {"spec": {"maxUnavailable": 1}, "status": {"disruptionsAllowed": 1}},
            ["x", "N/A", 1, 1, "60m"],
        ),
        (
            "PersistentVolume",
            {
                "spec": {
                    "capacity": {"storage": "8Gi"},
                    "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
                    "persistentVolumeReclaimPolicy": "Retain",
                    "claimRef": {"namespace": "shop", "name": "data"},
                },
                "status": {"phase": "Released"},
            },
            ["x", "8Gi", "RWO,ROX", "Retain", "Released", "shop/data", "", "<unset>", "", "60m", "Filesystem"],
        ),
        (
            "PersistentVolumeClaim",
            {"spec": {"accessModes": ["ReadWriteMany"]}, "status": {"phase": "Pending"}},
            ["x", "Pending", "", "", "", "", "<unset>", "60m", ""],
        ),
        (
            "ResourceQuota",
            {"status": {"hard": {"pods": "9", "limits.cpu": "2"}, "used": {"pods": "3"}}},
            ["x", "pods: 3/9", "limits.cpu: 0/2", "60m"],
        ),
        ("ResourceQuota", {"spec": {"hard": {"pods": "9"}}}, ["x", "pods: 0/9", "", "60m"]),
        (
            "ControllerRevision",
            {
                "metadata": {"ownerReferences": [{"kind": "Job", "name": "o"}, {**REFERENCE, "controller": True}]},
                "revision": 4,
            },
            ["x", "deployment/web", 4, "60m"],
        ),
        ("RoleBinding", {"roleRef": {"kind": "ClusterRole", "name": "view"}}, ["x", "ClusterRole/view", "60m"]),
        ("CronJob", {"spec": {"schedule": "@daily"}}, ["x", "@daily", "<none>", "False", 0, "<none>", "60m"]),
        ("StorageClass", {"provisioner": "p"}, ["x", "p", "Delete", "Immediate", "false", "60m"]),
        ("PriorityClass", {"value": -5, "globalDefault": True}, ["x", -5, "true", "60m"]),
        ("CSIDriver", {"spec": {}}, ["x", "true", "false", "false", "<unset>", "false", "Persistent", "60m"]),
        ("ConfigMap", {"data": {"a": ""}, "binaryData": {"b": ""}}, ["x", 2, "60m"]),
        ("NetworkPolicy", {"spec": {"podSelector": {"matchLabels": {"app": "web"}}}}, ["x", "app=web", "60m"]),
        ("NetworkPolicy", {"spec": {"podSelector": {}}}, ["x", "<none>", "60m"]),
        ("Unicorn", {}, ["x", "60m"]),
    ],
)
def test_a_row_says_what_kubectl_says(kind: str, content: Object, cells: list[Any]) -> None:
    assert row(kind, content)["cells"] == cells


@pytest.mark.parametrize("kind", sorted(COLUMNS))
def test_an_object_with_nothing_but_a_name_has_a_row(kind: str) -> None:
    assert "x" in row(kind, {})["cells"]


def test_a_row_carries_as_much_of_its_object_as_was_asked_for() -> None:
    assert "object" not in row("Secret", {"data": {"a": "b"}})
    assert row("Secret", {"data": {"a": "b"}}, "Object")["object"]["data"] == {"a": "b"}
    partial = row("Secret", {"data": {"a": "b"}}, "Metadata")["object"]
    assert (partial["kind"], sorted(partial)) == ("PartialObjectMetadata", ["apiVersion", "kind", "metadata"])
