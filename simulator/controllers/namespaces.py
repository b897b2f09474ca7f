"""What every namespace is given: its default ServiceAccount, and the certificate by which its pods trust the API server."""

from __future__ import annotations

from simulator.controllers.context import Context
from simulator.objects import Object, is_deleting, name_of

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nc2ltdWxhdGVk\n-----END CERTIFICATE-----\n"
_WHY = {
    "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints."
}


def reconcile(ctx: Context) -> None:
    for namespace in ctx.store.list("Namespace"):
        if not is_deleting(namespace):
            for kind, obj in given(name_of(namespace)):
                if ctx.store.get(kind, name_of(namespace), name_of(obj)) is None:
                    ctx.store.create(kind, obj)


def given(namespace: str) -> list[tuple[str, Object]]:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}
    metadata = {"name": "kube-root-ca.crt", "namespace": namespace, "annotations": dict(_WHY)}
    bundle = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": CERTIFICATE}}
    return [("ServiceAccount", account), ("ConfigMap", bundle)]
