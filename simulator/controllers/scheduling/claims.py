"""What a pod's claims say about where it may run: unbound ones keep it from being placed, bound ones tie it to where the volume is."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.controllers.node_rules import selects
from simulator.controllers.scheduling.board import Board, Spot, claims_of
from simulator.controllers.volumes import best_volume, class_of, is_bound, waits_for_consumer
from simulator.objects import Object, is_deleting, is_finished, namespace_of, uid_of

UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
IN_USE = (
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
)
CONFLICT = "node(s) had volume node affinity conflict"
NOTHING_TO_BIND = "node(s) didn't find available persistent volumes to bind"
GONE = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
NO_PROVISIONER = "kubernetes.io/no-provisioner"


def obstacle(board: Board, pod: Object) -> str:
    """Why no node at all will do because of the pod's claims; empty when some may."""
    for name in claims_of(pod):
        claim = board.store.get("PersistentVolumeClaim", namespace_of(pod), name)
        if claim is None:
            return f'persistentvolumeclaim "{name}" not found'
        if (claim.get("status") or {}).get("phase") == "Lost":
            volume = claim["spec"].get("volumeName", "")
            return f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume}"'
        if is_deleting(claim):
            return f'persistentvolumeclaim "{name}" is being deleted'
    unbound = [claim for claim in claims(board, pod) if not is_bound(claim)]
    return UNBOUND if any(not waits_for_consumer(board.store, claim) for claim in unbound) else ""


def claims(board: Board, pod: Object) -> Iterator[Object]:
    for name in claims_of(pod):
        found = board.store.get("PersistentVolumeClaim", namespace_of(pod), name)
        if found is not None:
            yield found


def refusal(board: Board, spot: Spot, pod: Object) -> str:
    """Why this node will not do."""
    for claim in claims(board, pod):
        if not is_bound(claim):
            if not _can_bind(board, spot, claim):
                return NOTHING_TO_BIND
            continue
        volume = board.store.get("PersistentVolume", None, claim["spec"].get("volumeName", ""))
        if volume is None:
            return GONE
        if not reaches(volume, spot.node):
            return CONFLICT
    return ""


def reaches(volume: Object, node: Object) -> bool:
    required = (volume["spec"].get("nodeAffinity") or {}).get("required")
    return required is None or selects(required, node)


def is_taken(board: Board, pod: Object) -> bool:
    """A claim for one pod only that another pod has."""
    own = [claim for claim in claims(board, pod) if "ReadWriteOncePod" in (claim["spec"].get("accessModes") or [])]
    names = {claim["metadata"]["name"] for claim in own}
    return bool(names) and any(
        namespace_of(other) == namespace_of(pod)
        and uid_of(other) != uid_of(pod)
        and not is_finished(other)
        and names & set(claims_of(other))
        for spot in board.spots
        for other in spot.pods
    )


def _can_bind(board: Board, spot: Spot, claim: Object) -> bool:
    """There is a volume for the claim that this node reaches, or somebody who makes one for it."""
    volumes = [each for each in board.store.list("PersistentVolume") if reaches(each, spot.node)]
    if best_volume(claim, volumes) is not None:
        return True
    found = class_of(board.store, claim)
    return (
        found is not None
        and found.get("provisioner", NO_PROVISIONER) != NO_PROVISIONER
        and _is_allowed(found, spot.node)
    )


def _is_allowed(storage_class: Object, node: Object) -> bool:
    topologies = storage_class.get("allowedTopologies") or []
    expressions = [[{**each, "operator": "In"} for each in term["matchLabelExpressions"]] for term in topologies]
    return not topologies or selects({"nodeSelectorTerms": [{"matchExpressions": each} for each in expressions]}, node)
