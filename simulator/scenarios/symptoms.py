"""What an expert would see in a world at a glance: pods that are not well, failing calls, warnings, nodes out of order."""

from __future__ import annotations

from datetime import datetime

from simulator.clock import parse_rfc3339
from simulator.objects import Object, is_finished, is_ready, is_true, name_of, namespace_of
from simulator.world import World

FAILING = 0.05
SLOW_SECONDS = 0.6  # for a customer of the healthy shop waits a quarter of that
HOT = 0.85
MOST = 12


def symptoms(world: World, since: datetime) -> list[str]:
    """A line each, the worst kinds first; warnings are those said since then."""
    found = [*_nodes(world), *_pods(world), *_calls(world), *_slowness(world), *_warnings(world, since)]
    return found[:MOST] + ([f"... and {len(found) - MOST} more"] if len(found) > MOST else [])


def _nodes(world: World) -> list[str]:
    return [f"node {name_of(node)} is not ready" for node in world.store.list("Node") if not is_true(node, "Ready")]


def _pods(world: World) -> list[str]:
    return [
        f"pod {namespace_of(pod)}/{name_of(pod)} is {_said(pod)}"
        for pod in world.store.list("Pod")
        if not is_ready(pod) and not is_finished(pod)
    ]


def _said(pod: Object) -> str:
    status = pod.get("status") or {}
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        state = container.get("state") or {}
        for phase in ("waiting", "terminated"):
            if reason := (state.get(phase) or {}).get("reason"):
                return str(reason)
    return f"{status.get('phase', 'Unknown')}, not ready"


def _calls(world: World) -> list[str]:
    flow = world.present_flow()
    said = []
    for call in flow.calls:
        share = float(call.failed[0])
        if share >= FAILING and float(call.rate[0]) > 0:
            caller = flow.groups[call.group].group
            said.append(f"{caller.namespace}/{caller.app.name} -> {call.call.app}: {share:.0%} of its calls fail")
    failing = [entry for entry in flow.entries if float(entry.failed[0]) >= FAILING]
    customers = [f"customers at {entry.route.path}: {float(entry.failed[0]):.0%} fail" for entry in failing]
    return [*customers, *dict.fromkeys(said)]


def _slowness(world: World) -> list[str]:
    flow = world.present_flow()
    waits = [(entry.route.path, float(entry.latency[0])) for entry in flow.entries]
    slow = [f"customers at {path} wait {seconds:.1f} s" for path, seconds in waits if seconds >= SLOW_SECONDS]
    hot = [
        f"{each.group.namespace}/{each.group.app.name} uses {float(each.utilisation[0]):.0%} of its CPU"
        for each in flow.groups
        if float(each.utilisation[0]) >= HOT
    ]
    return [*slow, *dict.fromkeys(hot)]


def _warnings(world: World, since: datetime) -> list[str]:
    return [
        f"{event['reason']} of {event['involvedObject']['kind']} {event['involvedObject']['name']}: {event['message']}"
        for event in world.store.list("Event")
        if event["type"] == "Warning" and parse_rfc3339(event["lastTimestamp"]) >= since
    ]
