"""ServiceAccount: a pod runs as an account that exists, and finds its token mounted."""

from __future__ import annotations

from simulator.kubernetes_api.admission.request import Object, Request, with_pod_spec
from simulator.objects import short_hash

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN_SECONDS = 3607


def fill(request: Request) -> Object:
    if not request.is_new_pod:
        return request.obj
    spec = request.obj.get("spec") or {}
    name = spec.get("serviceAccountName") or "default"
    account = request.store.get("ServiceAccount", request.namespace, name)
    if account is None:
        where = f"{request.namespace}/{name}"
        raise request.forbidden(f'error looking up service account {where}: serviceaccount "{name}" not found')
    pod = with_pod_spec(request.obj, serviceAccountName=name, serviceAccount=name)
    if account.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
        pod = with_pod_spec(pod, imagePullSecrets=account["imagePullSecrets"])
    return _with_token(pod) if _mounts_token(spec, account) else pod


def _mounts_token(spec: Object, account: Object) -> bool:
    for wish in (spec.get("automountServiceAccountToken"), account.get("automountServiceAccountToken")):
        if wish is not None:
            return bool(wish)
    return True


def _with_token(pod: Object) -> Object:
    """The projected token, for each container that has nothing mounted in that place yet."""
    spec = pod["spec"]
    volume = f"kube-api-access-{short_hash(pod['metadata'], 5)}"
    changed: Object = {}
    for field in ("initContainers", "containers"):
        if field in spec:
            changed[field] = [_with_mount(container, volume) for container in spec[field]]
    if changed == {field: spec[field] for field in changed}:
        return pod
    return with_pod_spec(pod, **changed, volumes=[*(spec.get("volumes") or []), _volume(volume)])


def _with_mount(container: Object, volume: str) -> Object:
    mounts = container.get("volumeMounts") or []
    if any(mount.get("mountPath") == MOUNT_PATH for mount in mounts):
        return container
    return {**container, "volumeMounts": [*mounts, {"name": volume, "readOnly": True, "mountPath": MOUNT_PATH}]}


def _volume(name: str) -> Object:
    certificate = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
        {"configMap": certificate},
        {"downwardAPI": {"items": [namespace]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": 420}}
