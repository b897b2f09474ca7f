"""What kind of server a program is (a store of data, a cache, a queue), read from its ports and the last part of its image's name."""

import re

from tools.engines.objects import (
    rows,
    whole,
)
from tools.engines.program import Program

_CACHE_PORTS = {6379, 11211}
_STORE_PORTS = {3306, 5432, 27017, 9042, 1433, 1521, 9200, 2379, 26257, 8123}
_QUEUE_PORTS = {5672, 9092, 4222, 1883, 6650}
_CACHES = re.compile(r"redis|valkey|memcache|keydb|dragonfly")
_STORES = re.compile(
    r"mysql|mariadb|postgres|mongo|cassandra|elastic|opensearch|etcd|cockroach|clickhouse|mssql|oracle|percona|couch|influx|tidb|tikv"
)
_QUEUES = re.compile(r"rabbit|kafka|nats|activemq|rocketmq|pulsar|mosquitto|redpanda")


def is_cache(program: Program) -> bool:
    return _is(program, _CACHE_PORTS, _CACHES)


def is_store(program: Program) -> bool:
    """It keeps data, in a database or a queue, or at least on a claim."""
    kept = any("persistentVolumeClaim" in volume for volume in rows(program.spec, "volumes"))
    claims = rows(program.obj, "spec", "volumeClaimTemplates") if program.obj else []
    return kept or bool(claims) or _is(program, _STORE_PORTS | _QUEUE_PORTS, _STORES) or is_queue(program)


def is_queue(program: Program) -> bool:
    return _is(program, _QUEUE_PORTS, _QUEUES)


def _is(program: Program, ports: set[int], names: re.Pattern[str]) -> bool:
    for container in program.containers:
        image = str(container.get("image") or "").rpartition("/")[2].partition("@")[0].partition(":")[0]
        if any(whole(row.get("containerPort")) in ports for row in rows(container, "ports")) or names.search(image):
            return True
    return False
