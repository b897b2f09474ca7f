"""What is not reached."""

from __future__ import annotations

from simulator.faults.base import Fault
from simulator.faults.routing.edge_routes import GatewayMisroute, IngressBackendMissing
from simulator.faults.routing.mesh_mtls_mismatch import MeshMtlsMismatch
from simulator.faults.routing.network_policy_blocked import NetworkPolicyBlocked
from simulator.faults.routing.service_dns_resolution_failure import ServiceDnsResolutionFailure
from simulator.faults.routing.service_env_var_address_mismatch import ServiceEnvVarAddressMismatch
from simulator.faults.routing.service_ports import ServicePortMappingMismatch, ServiceProtocolMismatch
from simulator.faults.routing.service_selector_mismatch import ServiceSelectorMismatch
from simulator.faults.routing.tls_certificate_expired import TlsCertificateExpired

FAULTS: tuple[Fault, ...] = (
    ServiceSelectorMismatch(),
    ServicePortMappingMismatch(),
    ServiceProtocolMismatch(),
    ServiceEnvVarAddressMismatch(),
    NetworkPolicyBlocked(),
    ServiceDnsResolutionFailure(),
    GatewayMisroute(),
    IngressBackendMissing(),
    TlsCertificateExpired(),
    MeshMtlsMismatch(),
)
