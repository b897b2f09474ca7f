"""What somebody changed."""

from __future__ import annotations

from simulator.faults.base import Fault
from simulator.faults.change import rollouts
from simulator.faults.change.certificate_rotated import CertificateRotated
from simulator.faults.change.quota_lowered import QuotaLowered
from simulator.faults.change.scaled_down import ScaledDown

FAULTS: tuple[Fault, ...] = (
    CertificateRotated(),
    QuotaLowered(),
    ScaledDown(),
    *rollouts.FAULTS,
)
