"""The heads that all objects have, and who owns whom."""

from datetime import datetime
from typing import Any

from tests.evaluation.casebook.model import Object, stamp
from tests.evaluation.casebook.scene import Scene


def meta(scene: Scene, name: str, namespace: str | None, created: datetime, **rest: Any) -> Object:
    made: Object = {
        "name": name,
        "uid": scene.uid(),
        "resourceVersion": str(scene.dice.randrange(10**5, 10**8)),
        "creationTimestamp": stamp(created),
    }
    if namespace:
        made["namespace"] = namespace
    made |= {key: value for key, value in rest.items() if value}
    if scene.style.managed_fields:
        made["managedFields"] = [
            {
                "apiVersion": "v1",
                "fieldsType": "FieldsV1",
                "fieldsV1": {"f:metadata": {"f:labels": {".": {}}}},
                "manager": "kubectl-client-side-apply",
                "operation": "Update",
                "time": stamp(created),
            }
        ]
    return made


def uid_of(scene: Scene, kind: str, namespace: str, name: str) -> str:
    known: dict[tuple[str, str, str], str] = scene.__dict__.setdefault("_uids", {})
    key = (kind, namespace, name)
    if key not in known:
        known[key] = scene.uid()
    return known[key]


def owner(scene: Scene, kind: str, namespace: str, name: str) -> list[Object]:
    api = {"Node": "v1", "Job": "batch/v1", "CronJob": "batch/v1"}.get(kind, "apps/v1")
    uid = name if kind == "Node" else uid_of(scene, kind, namespace, name)
    return [
        {
            "apiVersion": api,
            "kind": kind,
            "name": name,
            "uid": uid,
            "controller": True,
            **({} if kind == "Node" else {"blockOwnerDeletion": True}),
        }
    ]
