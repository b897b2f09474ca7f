"""What comes up and does not stay, or does not answer."""

from __future__ import annotations

from simulator.faults.base import Fault
from simulator.faults.runtime import probes, processes, starts
from simulator.faults.runtime.database_clients import MysqlInvalidCredentials, MysqlInvalidPort
from simulator.faults.runtime.database_servers import CacheAuthFailed, DbAuthRevoked, DbConnectionExhaustion, DbReadOnly
from simulator.faults.runtime.deployment_zero_replicas import DeploymentZeroReplicas
from simulator.faults.runtime.oom_killed import OomKilled

FAULTS: tuple[Fault, ...] = (
    OomKilled(),
    DeploymentZeroReplicas(),
    MysqlInvalidCredentials(),
    MysqlInvalidPort(),
    DbReadOnly(),
    DbConnectionExhaustion(),
    DbAuthRevoked(),
    CacheAuthFailed(),
    *probes.FAULTS,
    *starts.FAULTS,
    *processes.FAULTS,
)
