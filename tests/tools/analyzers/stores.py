"""A client with a database and a cache behind Services, for tests of what their settings and logs say."""

from typing import Any

from tests.tools.objects import NS, Object, at, container, deployment, endpoint_slice, pod, replica_set, service
from tools.engines.explain import investigate
from tools.engines.rank import Ranked
from tools.engines.snapshot import LogKey, Snapshot


def variables(**values: str) -> list[Object]:
    return [{"name": name, "value": value} for name, value in values.items()]


def running(name: str, image: str, *, port: int = 8080, ready: bool = True, **env: Any) -> list[Object]:
    """A Deployment with one pod that has run for fifty minutes."""
    program = {**container(image=image), "ports": [{"containerPort": port}], "env": variables(**env)}
    owner = deployment(name, program, replicas=1, available=int(ready))
    owner["status"]["readyReplicas"] = int(ready)
    made = replica_set(owner, 1, program, ready=int(ready))
    return [owner, made, pod(made, ready=ready)]


def crashing(name: str, **env: Any) -> list[Object]:
    owner, made, its_pod = running(name, "reg.example/till:1", ready=False, **env)
    its_pod["status"]["containerStatuses"][0].update(
        ready=False,
        restartCount=9,
        state={"waiting": {"reason": "CrashLoopBackOff"}},
        lastState={"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": at(2)}},
    )
    its_pod["metadata"]["creationTimestamp"] = at(30)
    return [owner, made, its_pod]


def store(name: str = "ledger", image: str = "mysql:8.0", port: int = 3306, **env: Any) -> list[Object]:
    front = service(name)
    front["spec"]["ports"] = [{"port": port, "targetPort": port}]
    return [*running(name, image, port=port, **env), front, endpoint_slice(name, 1)]


def log_of(name: str, *lines: str, previous: bool = False, suffix: str = "bcdfg") -> dict[LogKey, str]:
    """Lines a minute apart, the last one written just now."""
    stamped = [f"{at(len(lines) - 1 - place)} {line}" for place, line in enumerate(lines)]
    return {LogKey(NS, f"{name}-rs1-{suffix}", "app", previous): "\n".join(stamped)}


def causes(snap: Snapshot) -> list[tuple[str, str]]:
    return [(cause.finding.fault, cause.finding.component.name) for cause in ranked(snap)]


def ranked(snap: Snapshot) -> list[Ranked]:
    return investigate(snap)[0].causes
