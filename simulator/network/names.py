"""What a pod's resolver makes of a name: its own DNS settings, the cluster's name server, and the records that this one has.

A pod that says nothing asks the cluster's name server and tries the three search domains first; `Default` asks the node's resolver, which
knows no Service; `None` only what its dnsConfig says. The name server's address is the one kubelets hand out, whatever the Service says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.network.groups import ServiceKey
from simulator.objects import Object, namespace_of

CLUSTER_DNS = "10.96.0.10"
CLUSTER_DOMAIN = "cluster.local"
NODE_RESOLVER = "192.168.10.1"
DNS_SERVICE: ServiceKey = ("kube-system", "kube-dns")
_NDOTS = 5


@dataclass(frozen=True)
class ResolvConf:
    """A pod's /etc/resolv.conf."""

    nameservers: tuple[str, ...]
    searches: tuple[str, ...]
    ndots: int

    @property
    def server(self) -> str:
        return self.nameservers[0] if self.nameservers else ""


def resolv_conf(pod: Object) -> ResolvConf:
    spec = pod["spec"]
    config = spec.get("dnsConfig") or {}
    servers, searches, ndots = _by_policy(spec.get("dnsPolicy", "ClusterFirst"), spec, namespace_of(pod))
    for option in config.get("options") or []:
        if option.get("name") == "ndots" and str(option.get("value", "")).isdigit():
            ndots = int(option["value"])
    return ResolvConf(
        (*servers, *(config.get("nameservers") or ())), (*searches, *(config.get("searches") or ())), ndots
    )


def _by_policy(policy: str, spec: Object, namespace: str) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    if policy == "None":
        return (), (), 1
    if policy == "Default" or (policy == "ClusterFirst" and spec.get("hostNetwork")):
        return (NODE_RESOLVER,), (), 1
    searches = (f"{namespace}.svc.{CLUSTER_DOMAIN}", f"svc.{CLUSTER_DOMAIN}", CLUSTER_DOMAIN)
    return (CLUSTER_DNS,), searches, _NDOTS


def candidates(host: str, conf: ResolvConf) -> list[str]:
    """The names that are asked for, in order."""
    if host.endswith("."):
        return [host[:-1]]
    searched = [f"{host}.{domain}" for domain in conf.searches]
    return [host, *searched] if host.count(".") >= conf.ndots else [*searched, host]


def service_of(name: str, services: Mapping[ServiceKey, Object], zone: str) -> ServiceKey | None:
    """The Service that a full name stands for: <service>.<namespace>.svc.<zone>, or a pod's name before that."""
    suffix = f".svc.{zone}"
    if not zone or not name.endswith(suffix):
        return None
    parts = name[: -len(suffix)].split(".")
    if len(parts) not in (2, 3):
        return None
    key = (parts[-1], parts[-2])
    return key if key in services else None
