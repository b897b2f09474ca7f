"""DefaultStorageClass: a claim that names no class gets the one marked as default, the youngest where there are several."""

from __future__ import annotations

from simulator.kubernetes_api.admission.request import Object, Request

IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"


def fill_class(request: Request) -> Object:
    if request.kind != "PersistentVolumeClaim" or request.old is not None:
        return request.obj
    spec = request.obj.get("spec") or {}
    if "storageClassName" in spec or "volume.beta.kubernetes.io/storage-class" in _annotations(request.obj):
        return request.obj
    marked = [each for each in request.store.list("StorageClass") if _annotations(each).get(IS_DEFAULT) == "true"]
    if not marked:
        return request.obj
    youngest = max(marked, key=lambda each: str(each["metadata"]["creationTimestamp"]))
    return {**request.obj, "spec": {**spec, "storageClassName": youngest["metadata"]["name"]}}


def _annotations(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}
