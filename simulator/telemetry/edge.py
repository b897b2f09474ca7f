"""What is measured where customers come in: the ingress controller's requests by code, a prober outside, and the dates of certificates."""

from __future__ import annotations

import math

from simulator.certificates import read
from simulator.flow import CallFlow, Flow
from simulator.kubelet.environment import data_of
from simulator.network import Why
from simulator.objects import name_of, namespace_of
from simulator.store import Store
from simulator.telemetry.labels import Sample, labelled

_CODES = {
    Why.NO_ROUTE: "404",
    Why.NO_SERVICE: "503",
    Why.NO_ENDPOINTS: "503",
    Why.REFUSED: "502",
    Why.UNREACHABLE: "504",
}
PROBER = {"job": "blackbox", "instance": "edge"}
MOSTLY = 0.5


class EdgeRequests:
    """Counters of the ingress controller: they start with the present, for nobody asks for last week's."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str, str], float] = {}  # namespace, service, method, code
        self._success = 1.0

    def add(self, flow: Flow, seconds: float) -> None:
        total, good = 0.0, 0.0
        for entry in flow.entries:
            rate = float(entry.rate[0])
            total, good = total + rate, good + rate * (1 - float(entry.failed[0]))
            for code, share in answers(flow, entry).items():
                key = (*_service(entry), entry.route.method, code)
                self._counts[key] = self._counts.get(key, 0.0) + rate * share * seconds
        self._success = good / total if total else 1.0

    def samples(self, store: Store) -> list[Sample]:
        base = {"job": "ingress-nginx", "controller_class": "k8s.io/ingress-nginx"}
        found: list[Sample] = []
        for (namespace, service, method, code), count in sorted(self._counts.items()):
            labels = {**base, "exported_namespace": namespace, "exported_service": service, "method": method}
            labels = {**labels, "status": code}
            found.append((labelled("nginx_ingress_controller_requests", labels), float(math.floor(count))))
        found.append((labelled("probe_success", PROBER), float(self._success > MOSTLY)))
        return [*found, *_dates(store)]


def answers(flow: Flow, entry: CallFlow) -> dict[str, float]:
    """The shares of an entry's customers by the code they get; whom the certificate keeps away gets none."""
    shares: dict[str, float] = {}
    for obstacle in entry.target.obstacles:
        if obstacle.why in _CODES:
            code = _CODES[obstacle.why]
            shares[code] = shares.get(code, 0.0) + obstacle.share
    for index, share in entry.target.shares.items():
        served = flow.groups[index].routes.get(entry.call.route)
        if served is None:
            continue
        codes = {"200": served.ok.share, **{code: served.share(code) for code in served.failures}}
        for code, part in codes.items():
            shares[code] = shares.get(code, 0.0) + share * float(part[0])
    return shares


def _service(entry: CallFlow) -> tuple[str, str]:
    backend = entry.target.backend
    return backend.key if backend else ("", entry.target.host)


def _dates(store: Store) -> list[Sample]:
    found: list[Sample] = []
    for secret in store.list("Secret"):
        papers = read(data_of("Secret", secret).get("tls.crt", "")) if secret.get("type") == "kubernetes.io/tls" else []
        if papers:
            labels = {"job": "cert-manager", "exported_namespace": namespace_of(secret), "name": name_of(secret)}
            name = "certmanager_certificate_expiration_timestamp_seconds"
            found.append((labelled(name, labels), papers[0].not_after.timestamp()))
    for ingress in store.list("Ingress"):
        found += _at_the_edge(store, namespace_of(ingress), ingress["spec"].get("tls") or [])
    return found


def _at_the_edge(store: Store, namespace: str, listed: list[dict[str, str]]) -> list[Sample]:
    found: list[Sample] = []
    for tls in listed:
        secret = store.get("Secret", namespace, tls.get("secretName", ""))
        papers = read(data_of("Secret", secret).get("tls.crt", "")) if secret else []
        if papers:
            end = papers[0].not_after.timestamp()
            shown = {"job": "ingress-nginx", "host": papers[0].subject, "secret_name": tls.get("secretName", "")}
            found.append((labelled("nginx_ingress_controller_ssl_expire_time_seconds", shown), end))
            found.append((labelled("probe_ssl_earliest_cert_expiry", PROBER), end))
    return found
