"""Objects and controllers without traffic: a store, a clock that is set by hand, and a kubelet that does as it is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from simulator.clock import SimClock
from simulator.controllers import Context, Loops
from simulator.events import Recorder
from simulator.kubernetes_api import ContainerUsage, defaulted
from simulator.objects import is_deleting, name_of
from simulator.store import Store

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
Object = dict[str, Any]


class Cluster:
    def __init__(self, nodes: int = 2) -> None:
        self.clock = SimClock(NOON)
        self.store = Store(self.clock.now, 1)
        self.cores: dict[str, float] = {}  # what each ready pod whose name begins so uses
        self.context = Context(
            self.store, self.clock.now, Recorder(self.store, self.clock.now), usage=lambda: list(self._usage())
        )
        self._loops = Loops(self.context)
        self.store.create("Namespace", {"metadata": {"name": "shop"}})
        for number in range(1, nodes + 1):
            self.store.create("Node", node(f"node-{number}"))

    def settle(self) -> Cluster:
        self._loops.settle(self._nothing, force=True)
        return self

    def after(self, seconds: float) -> Cluster:
        self.clock.advance(seconds)
        return self

    def make_ready(self, *, only: str = "") -> Cluster:
        """Every scheduled pod (of the ReplicaSet given) comes up; pods on their way out go."""
        for pod in self.store.list("Pod"):
            if is_deleting(pod):
                self.store.delete("Pod", "shop", name_of(pod))
            elif pod["spec"].get("nodeName") and name_of(pod).startswith(only):
                self.set_ready(pod, ready=True)
        return self.settle()

    def set_ready(self, pod: Object, *, ready: bool) -> None:
        number = int(pod["metadata"]["uid"][:4], 16)
        condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": self.context.stamp()}
        known = [each for each in pod["status"].get("conditions", []) if each["type"] == "Ready"]
        if known and known[0]["status"] == str(ready):
            return
        status = {"phase": "Running", "podIP": f"10.0.{number % 200}.{number % 250}", "conditions": [condition]}
        self.store.update("Pod", {**pod, "status": status})

    def finish(self, pod: Object, *, well: bool = True) -> Cluster:
        """The pod's only container comes to an end for good."""
        end = {"exitCode": 0 if well else 1, "finishedAt": self.context.stamp()}
        container = {"name": "main", "restartCount": 0, "state": {"terminated": end}}
        status = {"phase": "Succeeded" if well else "Failed", "containerStatuses": [container]}
        self.store.update("Pod", {**pod, "status": status})
        return self.settle()

    def pods(self) -> list[Object]:
        return [pod for pod in self.store.list("Pod") if not is_deleting(pod)]

    def get(self, kind: str, name: str) -> Object:
        found = self.store.get(kind, "shop", name)
        if found is None:
            raise LookupError(f"no {kind} {name}")
        return found

    def change_spec(self, kind: str, name: str, **changes: Any) -> None:
        obj = self.get(kind, name)
        self.store.update(kind, {**obj, "spec": {**obj["spec"], **changes}})

    def set_image(self, name: str, image: str) -> None:
        template = self.get("Deployment", name)["spec"]["template"]
        container = {**template["spec"]["containers"][0], "image": image}
        self.change_spec(
            "Deployment", name, template={**template, "spec": {**template["spec"], "containers": [container]}}
        )

    def replicasets(self) -> dict[str, tuple[int, int]]:
        """By image: (wanted, available)."""
        return {
            each["spec"]["template"]["spec"]["containers"][0]["image"]: (
                each["spec"]["replicas"],
                each["status"].get("availableReplicas", 0),
            )
            for each in self.store.list("ReplicaSet")
        }

    def messages(self, reason: str) -> list[str]:
        return [event["message"] for event in self.store.list("Event") if event["reason"] == reason]

    def make_all_ready(self, rounds: int = 8) -> Cluster:
        """Rounds of pods that come up and go, until what comes one after the other is there."""
        for _ in range(rounds):
            self.make_ready()
        return self

    def names(self) -> list[str]:
        return sorted(name_of(pod) for pod in self.pods())

    def _usage(self) -> Iterator[ContainerUsage]:
        for pod in self.store.list("Pod"):
            for prefix, cores in self.cores.items():
                if name_of(pod).startswith(prefix) and pod["spec"].get("nodeName"):
                    yield ContainerUsage(pod["spec"]["nodeName"], "shop", name_of(pod), "main", cores, 64 * 2**20)

    def _nothing(self) -> None:
        return


def node(name: str, cpu: str = "4", **spec: Any) -> Object:
    resources = {"cpu": cpu, "memory": "8Gi", "pods": "110"}
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": spec,
        "status": {"allocatable": resources, "capacity": resources},
    }


def deployment(name: str = "web", replicas: int = 3, image: str = "shop/web:1", **spec: Any) -> Object:
    labels = {"app": name}
    container = {"name": name, "image": image, "ports": [{"name": "http", "containerPort": 8080}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    content = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, **spec}
    return defaulted("Deployment", {"metadata": {"name": name, "namespace": "shop"}, "spec": content})


def _workload(kind: str, name: str, **spec: Any) -> Object:
    labels = {"app": name}
    container = {"name": "main", "image": "shop/web:1"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    content = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return defaulted(kind, {"metadata": {"name": name, "namespace": "shop"}, "spec": content})


def stateful_set(name: str = "db", replicas: int = 3, **spec: Any) -> Object:
    return _workload("StatefulSet", name, replicas=replicas, serviceName=name, **spec)


def daemon_set(name: str = "agent", **spec: Any) -> Object:
    return _workload("DaemonSet", name, **spec)


def _job_spec(**spec: Any) -> Object:
    container = {"name": "main", "image": "shop/report:1"}
    return {"template": {"spec": {"containers": [container], "restartPolicy": "Never"}}, **spec}


def job(name: str = "report", **spec: Any) -> Object:
    return defaulted("Job", {"metadata": {"name": name, "namespace": "shop"}, "spec": _job_spec(**spec)})


def cron_job(name: str = "nightly", schedule: str = "*/5 * * * *", **spec: Any) -> Object:
    content = {"schedule": schedule, "jobTemplate": {"spec": _job_spec()}, **spec}
    return defaulted("CronJob", {"metadata": {"name": name, "namespace": "shop"}, "spec": content})


def service(name: str = "web", selector: dict[str, str] | None = None, **port: Any) -> Object:
    spec = {
        "selector": selector or {"app": name},
        "ports": [{"name": "http", "port": 80, "targetPort": "http", **port}],
    }
    return defaulted("Service", {"metadata": {"name": name, "namespace": "shop"}, "spec": spec})


def pod(name: str, labels: dict[str, str] | None = None, cpu: str = "100m", **spec: Any) -> Object:
    container = {"name": "main", "image": "shop/web:1", "resources": {"requests": {"cpu": cpu, "memory": "64Mi"}}}
    return {
        "metadata": {"name": name, "namespace": "shop", "labels": labels or {}},
        "spec": {"containers": [container], **spec},
        "status": {"phase": "Pending"},
    }
