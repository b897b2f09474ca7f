"""Where to look: the alert's own place, the place that was named, or the places that are in trouble now."""

from collections.abc import Mapping
from typing import Any

from langgraph.runtime import Runtime

from agent.picking import WORKLOADS, located
from agent.state import Evidence, State, Step
from agent.turn import Turn

_LABELS = ("deployment", "statefulset", "daemonset", "service", "pod", "persistentvolumeclaim")
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


async def gather(state: State, runtime: Runtime[Turn]) -> dict[str, Any]:
    gathering = Gathering(runtime.context)
    route = dict(state["route"])
    if route.get("alert"):
        await _from_alert(gathering, route)
    if not route.get("namespace") and route.get("name"):
        await _from_name(gathering, route)
    places = [route["namespace"]] if route.get("namespace") else await _in_trouble(gathering, route, runtime.context)
    return {"route": route, "places": places, "steps": gathering.steps, "evidence": gathering.evidence}


async def _from_alert(gathering: Gathering, route: dict[str, Any]) -> None:
    step = await gathering.call("get_alert", fingerprint=route["alert"])
    if step is None:
        return
    alert: Mapping[str, Any] = step["data"].get("alert") or step["data"]
    labels: Mapping[str, str] = alert.get("labels") or {}
    route["alert"] = str(alert.get("fingerprint") or route["alert"])
    route["namespace"] = route.get("namespace") or labels.get("namespace", "")
    label = next((name for name in _LABELS if labels.get(name)), "")
    if label and not route.get("name"):
        route["name"], route["kind"] = labels[label], _KINDS.get(label, "")


async def _from_name(gathering: Gathering, route: dict[str, Any]) -> None:
    """Find the namespace of an object that was named without one; a name may also be a namespace's."""
    name = route["name"]
    kinds = dict.fromkeys(kind for kind in (route.get("kind"), "Deployment", "Pod", "Service") if kind in WORKLOADS)
    for kind in kinds:
        step = await gathering.call("list_objects", kind=kind, name=name)
        if step is None:
            return  # the system that could tell does not answer, and asking again in other words will not help
        row = located([_as_output(step)], name)
        if row and row.get("namespace"):
            route["namespace"], route["kind"] = row["namespace"], kind
            return
    overview = await gathering.call("cluster_overview")
    spaces = (overview["data"].get("namespaces") or []) if overview else []
    if any(space.get("name") == name for space in spaces):
        route["namespace"], route["name"], route["kind"] = name, "", ""


async def _in_trouble(gathering: Gathering, route: Mapping[str, Any], turn: Turn) -> list[str]:
    """Nothing was named, so look where alerts fire and pods are in trouble; an object that was not found leads nowhere."""
    if route.get("name"):
        return []
    alerts = await gathering.call("list_alerts", state="firing")
    rows = (alerts["data"].get("alerts") or []) if alerts else []
    places = [str((row.get("labels") or {}).get("namespace") or row.get("namespace") or "") for row in rows]
    overview = await gathering.call("cluster_overview")
    spaces = (overview["data"].get("namespaces") or []) if overview else []
    places += [str(space["name"]) for space in spaces if _is_troubled(space)]
    return [place for place in dict.fromkeys(places) if place][: turn.limits.namespaces]


def _is_troubled(space: Mapping[str, Any]) -> bool:
    return bool(space.get("pods_in_trouble")) or int(space.get("workloads_ready", 0)) < int(space.get("workloads", 0))


def _as_output(step: Step) -> dict[str, Any]:
    return dict(step)
