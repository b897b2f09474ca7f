"""Where to look: the alert's own place, the place that was named, or the places that are in trouble now."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from langgraph.runtime import Runtime

from agent.picking import WORKLOADS, located
from agent.reading import looks_like_name
from agent.state import Evidence, State, Step
from agent.turn import Turn

# A pod before a service: exporters put their own Service's name into the label `service` of what they tell about pods.
_LABELS = (
    "deployment",
    "statefulset",
    "daemonset",
    "workload",
    "replicaset",
    "pod",
    "service",
    "persistentvolumeclaim",
)
_MADE_BY_DEPLOYMENT = re.compile(r"(.+)-[bcdfghjklmnpqrstvwxz2456789]{5,10}")
OWNERS = ("StatefulSet", "DaemonSet")
_KINDS = {
    "deployment": "Deployment",
    "statefulset": "StatefulSet",
    "daemonset": "DaemonSet",
    "service": "Service",
    "pod": "Pod",
}


class Gathering:
    """The calls of this node, kept together with what they found."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self.steps: list[Step] = []
        self.evidence: list[Evidence] = []

    async def call(self, tool: str, **arguments: Any) -> Step | None:
        fitted = await self._turn.fitted(tool, arguments)
        if fitted is None:
            return None
        step, evidence = await self._turn.use(tool, fitted)
        self.steps.append(step)
        self.evidence += evidence
        return step if step["ok"] else None

    async def overview(self) -> Step | None:
        return self._known("cluster_overview") or await self.call("cluster_overview")

    async def alerts(self) -> Step | None:
        return self._known("list_alerts") or await self.call("list_alerts", state="firing")

    def _known(self, tool: str) -> Step | None:
        return next((step for step in self.steps if step["tool"] == tool and step["ok"]), None)


async def gather(state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
    gathering = Gathering(runtime.context)
    route = dict(state["route"])
    if route.get("alert"):
        await _from_alert(gathering, route)
    if not route.get("namespace") and route.get("name"):
        await _from_name(gathering, route)
    if not route.get("namespace") and route.get("name") and not route.get("alert"):
        await _from_alert_name(gathering, route)
    lost = str(route.get("name") or "") if not route.get("namespace") else ""
    if lost and not looks_like_name(lost) and all(step["ok"] for step in gathering.steps):
        # A word that only might have been a name, and is none: what was asked stays to be answered.
        route["unknown"], route["name"], route["kind"] = lost, "", ""
    places = [route["namespace"]] if route.get("namespace") else await _in_trouble(gathering, route, runtime.context)
    return {"route": route, "places": places, "steps": gathering.steps, "evidence": gathering.evidence}


async def _from_alert(gathering: Gathering, route: dict[str, Any]) -> None:
    step = await gathering.call("get_alert", fingerprint=route["alert"])
    if step is None:
        return
    alert: Mapping[str, Any] = step["data"].get("alert") or step["data"]
    labels: Mapping[str, str] = alert.get("labels") or {}
    route["alert"] = str(alert.get("fingerprint") or route["alert"])
    place = labels.get("namespace", "")
    label = next((name for name in _LABELS if labels.get(name)), "")
    if label:
        route["name"], route["kind"] = _subject(label, labels[label])
    elif place and route.get("namespace") not in ("", place):
        route["name"], route["kind"] = "", ""  # a name that was said together with another place
    route["namespace"] = place or route.get("namespace", "")


def _subject(label: str, name: str) -> tuple[str, str]:
    """Name and kind of what a label speaks of. A ReplicaSet is nobody's own: its Deployment is what people know and change."""
    made = _MADE_BY_DEPLOYMENT.fullmatch(name) if label == "replicaset" else None
    return (made[1], "Deployment") if made else (name, _KINDS.get(label, ""))


async def _from_name(gathering: Gathering, route: dict[str, Any]) -> None:
    """Find the namespace of an object that was named without one; a name may also be a namespace's.

    A name that only begins an object's is the namespace's where there is such a namespace: "the orders" is not orders/orders-db.
    """
    name, kind = route["name"], route.get("kind")
    kinds = dict.fromkeys(each for each in (kind, "Deployment", "Pod", "Service") if each in WORKLOADS)
    found, answered = await _found(gathering, name, kinds)
    if not answered:
        return  # the system that could tell does not answer, and asking again in other words will not help
    is_exact = found is not None and found["name"] == name
    if not is_exact and await _is_namespace(gathering, name):
        owner, _ = await _found(gathering, name, OWNERS) if found else (None, True)
        if owner is None or owner["name"] != name:
            route["namespace"], route["name"], route["kind"] = name, "", ""
            if kind:  # an object of that kind was meant, and there is none
                route["unknown"] = route["missed"] = name
            return
        found = owner
    if found:
        route["namespace"], route["kind"] = found["namespace"], found["kind"]


async def _found(gathering: Gathering, name: str, kinds: Iterable[str]) -> tuple[Mapping[str, Any] | None, bool]:
    """The first row that the name fits, of the first kind that has one, and whether every list that was asked for answered."""
    for kind in kinds:
        step = await gathering.call("list_objects", kind=kind, name=name)
        if step is None:
            return None, False
        row = located([_as_output(step)], name)
        if row and row.get("namespace"):
            return {**row, "kind": kind}, True
    return None, True


async def _is_namespace(gathering: Gathering, name: str) -> bool:
    overview = await gathering.overview()
    spaces = (overview["data"].get("namespaces") or []) if overview else []
    return any(space.get("name") == name for space in spaces)


async def _from_alert_name(gathering: Gathering, route: dict[str, Any]) -> None:
    """What no object is called may be what a firing alert is called."""
    alerts = await gathering.alerts()
    rows = (alerts["data"].get("alerts") or []) if alerts else []
    named = [row for row in rows if str(row.get("name", "")).lower() == route["name"].lower()]
    if named:
        route["alert"], route["name"], route["kind"] = str(named[0].get("fingerprint", "")), "", ""
        await _from_alert(gathering, route)


async def _in_trouble(gathering: Gathering, route: Mapping[str, Any], turn: Turn) -> list[str]:
    """Nothing was named, so look where alerts fire and pods are in trouble; an object that was not found leads nowhere."""
    if route.get("name"):
        return []
    alerts = await gathering.alerts()
    rows = (alerts["data"].get("alerts") or []) if alerts else []
    places = [str((row.get("labels") or {}).get("namespace") or row.get("namespace") or "") for row in rows]
    overview = await gathering.overview()
    spaces = (overview["data"].get("namespaces") or []) if overview else []
    places += [str(space["name"]) for space in spaces if _is_troubled(space)]
    # What no count of pods shows: a Service without endpoints, a claim without a volume, a full quota.
    unusual = (overview["data"].get("unusual") or []) if overview else []
    places += [str(row.get("namespace") or "") for row in unusual]
    return [place for place in dict.fromkeys(places) if place][: turn.limits.namespaces]


def _is_troubled(space: Mapping[str, Any]) -> bool:
    return bool(space.get("pods_in_trouble")) or int(space.get("workloads_ready", 0)) < int(space.get("workloads", 0))


def _as_output(step: Step) -> dict[str, Any]:
    return dict(step)
