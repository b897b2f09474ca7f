"""The kinds that set rules for others are checked themselves, and shown in their own columns."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.kubernetes_api.defaults import defaulted
from simulator.kubernetes_api.tables import table
from simulator.kubernetes_api.validation import validate_create, validate_update
from tests.simulator.kubernetes_world import NOON

Object = dict[str, Any]


def told(kind: str, **content: Any) -> list[str]:
    name = content.pop("name", "x")
    return [str(error) for error in validate_create(kind, defaulted(kind, {"metadata": {"name": name}, **content}))]


def hook(**parts: Any) -> Object:
    good = {
        "name": "a.b.example",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": "u"},
    }
    return {key: value for key, value in {**good, **parts}.items() if value is not None}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, []),
        ({"name": "short"}, ["should be a domain with at least three segments separated by dots"]),
        ({"sideEffects": None}, ["must specify one of None, NoneOnDryRun"]),
        ({"sideEffects": "Some"}, ['supported values: "None", "NoneOnDryRun"']),
        ({"admissionReviewVersions": None}, ["must specify one of v1, v1beta1"]),
        ({"timeoutSeconds": 31}, ["the timeout value must be between 1 and 30 seconds"]),
        ({"clientConfig": {}}, ["exactly one of url or service is required"]),
        ({"failurePolicy": "Maybe"}, ['supported values: "Fail", "Ignore"']),
    ],
)
def test_a_webhook_has_to_be_complete(parts: Object, expected: list[str]) -> None:
    errors = told("ValidatingWebhookConfiguration", webhooks=[hook(**parts)])
    assert len(errors) == len(expected)
    assert all(error.endswith(end) for error, end in zip(errors, expected, strict=True))


def test_a_limit_range_has_to_be_in_order() -> None:
    item = {"type": "Container", "min": {"cpu": "2"}, "max": {"cpu": "1"}}
    assert "min value 2 is greater than max value 1" in told("LimitRange", spec={"limits": [item]})[0]
    assert told("LimitRange", spec={"limits": [{"max": {"cpu": "1"}}]}) == ["spec.limits[0].type: Required value"]


def test_classes_and_ingresses_are_checked() -> None:
    highest = "value: Forbidden: maximum allowed value of a user defined priority is 1000000000"
    assert told("PriorityClass", value=2_000_000_000) == [highest]
    assert "reserved for system use only" in told("PriorityClass", name="system-mine", value=1)[0]
    assert told("PriorityClass", name="system-node-critical", value=2_000_001_000) == []
    assert told("StorageClass") == ["provisioner: Required value"]
    assert 'supported values: "Delete", "Retain"' in told("StorageClass", provisioner="p", reclaimPolicy="Keep")[0]
    assert "either `defaultBackend` or `rules` must be specified" in told("Ingress", spec={})[0]
    path: Object = {"path": "x", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}}
    rules = {"rules": [{"http": {"paths": [path]}}]}
    assert told("Ingress", spec=rules) == [
        'spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path'
    ]
    path.update(pathType=None)
    assert told("IngressClass", spec={}) == ["spec.controller: Required value"]
    assert told("RuntimeClass") == ["handler: Required value"]


def test_a_storage_class_stays_what_it_is() -> None:
    old, new = ({"metadata": {"name": "x"}, "provisioner": name} for name in ("a", "b"))
    assert [str(each) for each in validate_update("StorageClass", old, new)] == [
        "provisioner: Forbidden: updates to provisioner are forbidden."
    ]


@pytest.mark.parametrize(
    ("kind", "content", "cells"),
    [
        (
            "VolumeAttachment",
            {"spec": {"attacher": "csi", "nodeName": "n"}, "status": {"attached": True}},
            ["csi", "", "n", "true"],
        ),
        ("IngressClass", {"spec": {"controller": "c"}}, ["c", "<none>"]),
        ("RuntimeClass", {"handler": "runc"}, ["runc"]),
        ("CSINode", {"spec": {"drivers": [{}, {}]}}, [2]),
        ("ValidatingWebhookConfiguration", {"webhooks": [{}]}, [1]),
        ("PeerAuthentication", {"spec": {"mtls": {"mode": "STRICT"}}}, ["STRICT"]),
        (
            "PodMetrics",
            {"containers": [{"usage": {"cpu": "5n", "memory": "1Ki"}}], "window": "15s"},
            ["5n", "1Ki", "15s"],
        ),
    ],
)
def test_kinds_are_shown_in_their_own_columns(kind: str, content: Object, cells: list[Any]) -> None:
    obj = {"metadata": {"name": "x", "creationTimestamp": "2026-03-02T11:00:00Z"}, **content}
    (row,) = table(kind, [obj], {}, NOON, "None")["rows"]
    assert row["cells"][1 : 1 + len(cells)] == cells
