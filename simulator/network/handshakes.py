"""Whether two ends come to trust each other: certificates with their dates and signers, and a mesh that wants to know who calls.

A server shows the certificate that it read when it started, or, at the edge, the one that lies in the Secret; a client trusts the
authorities in the bundle that it read when it started.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from simulator.certificates import Certificate, read
from simulator.network.groups import Group
from simulator.network.reasons import Why
from simulator.objects import Object, label_selector_matches, labels_of, namespace_of

CERTIFICATE_FILE = "/tls.crt"
BUNDLE_FILE = "/ca.crt"
MESH_LABEL = "istio.io/dataplane-mode"
SIDECAR = "istio-proxy"
MESH_ROOT = "istio-system"


def shown(group: Group) -> Certificate | None:
    """The certificate with which a program's pods answer; None: they speak plain text."""
    return next(iter(_in_files(group.files, CERTIFICATE_FILE)), None)


def trusted(group: Group) -> list[Certificate]:
    return _in_files(group.files, BUNDLE_FILE)


def _in_files(files: Mapping[str, str], ending: str) -> list[Certificate]:
    return [found for path in sorted(files) if path.endswith(ending) for found in read(files[path])]


def doubt(certificate: Certificate, authorities: Iterable[Certificate], now: datetime) -> Why | None:
    """What a client that checks has against a certificate."""
    if not any(certificate.is_signed_by(each) for each in authorities):
        return Why.UNKNOWN_SIGNER
    return None if certificate.is_valid_at(now) else Why.EXPIRED


@dataclass(frozen=True)
class Mesh:
    """Who is in the mesh, and where it lets nobody in who is not."""

    policies: tuple[Object, ...]
    namespaces: Mapping[str, Mapping[str, str]]

    def holds(self, pod: Object) -> bool:
        """Whether the pod's connections go through the mesh: by a sidecar, or by its node for the label's sake."""
        containers = pod["spec"].get("containers") or []
        own = labels_of(pod).get(MESH_LABEL)
        mode = own or self.namespaces.get(namespace_of(pod), {}).get(MESH_LABEL)
        return mode == "ambient" or any(each["name"] == SIDECAR for each in containers)

    def refuses(self, caller: Object | None, callee: Object) -> bool:
        if not self.policies or not self.holds(callee) or self.mode(callee) != "STRICT":
            return False
        return caller is None or not self.holds(caller)

    def mode(self, pod: Object) -> str:
        """The nearest policy decides: one that selects the pod, then its namespace's, then the whole mesh's."""
        home = namespace_of(pod)
        ranked: dict[int, str] = {}
        for policy in self.policies:
            rank = _rank(policy, pod, home)
            mode = ((policy.get("spec") or {}).get("mtls") or {}).get("mode", "UNSET")
            if rank is not None and mode != "UNSET":
                ranked.setdefault(rank, mode)
        return ranked[min(ranked)] if ranked else "PERMISSIVE"


def _rank(policy: Object, pod: Object, home: str) -> int | None:
    selector = (policy.get("spec") or {}).get("selector")
    if namespace_of(policy) == home:
        if not selector:
            return 1
        return 0 if label_selector_matches(selector, labels_of(pod)) else None
    return 2 if namespace_of(policy) == MESH_ROOT and not selector else None
