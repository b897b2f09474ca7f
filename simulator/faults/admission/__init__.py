"""What the API server refuses to create."""

from __future__ import annotations

from simulator.faults.admission.quotas import (
    NamespaceCpuQuotaExceeded,
    NamespaceMemoryQuotaExceeded,
    NamespacePodQuotaExceeded,
    NamespaceServiceQuotaExceeded,
    NamespaceStorageQuotaExceeded,
)
from simulator.faults.admission.rules import (
    AdmissionWebhookDenied,
    LimitRangeViolated,
    MissingServiceAccount,
    PodSecurityRejected,
)
from simulator.faults.base import Fault

FAULTS: tuple[Fault, ...] = (
    NamespaceCpuQuotaExceeded(),
    NamespaceMemoryQuotaExceeded(),
    NamespacePodQuotaExceeded(),
    NamespaceServiceQuotaExceeded(),
    NamespaceStorageQuotaExceeded(),
    MissingServiceAccount(),
    PodSecurityRejected(),
    AdmissionWebhookDenied(),
    LimitRangeViolated(),
)
