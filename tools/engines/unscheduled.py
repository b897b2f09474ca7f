"""The scheduler's sentence, read: how many nodes it counted and why each was of no use, in the words of every release.

Only the part before "preemption:" tells about placing. The filters stop at a node's first refusal, so a cordoned or tainted node may
lack the label as well; which of the reasons is to blame is decided by who also has the objects.
"""

import re
from dataclasses import dataclass

_ITEM = re.compile(r"(\d+) ((?:[^,{]|\{[^}]*\}|,(?! ?\d+ ))+)")
_OLD = re.compile(r"([A-Za-z][\w/. -]*?) \((\d+)\)")
_TAINT = re.compile(r"taints? \{([^}:]+):? ?([^}]*)\}")
_DEVICE = re.compile(r"Insufficient (\S+/\S+?)[.,]?$")
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("claim", re.compile(r"(?i)unbound .*PersistentVolumeClaims|persistentvolumeclaim .* not found|persistent volumes to bind")),
    ("cordon", re.compile(r"(?i)were unschedulable|NodeUnschedulable|node\.kubernetes\.io/unschedulable")),
    ("control_plane", re.compile(r"node-role\.kubernetes\.io/(control-plane|master)")),
    ("condition", re.compile(r"(?i)node\.(cloudprovider\.)?kubernetes\.io/|not ready|(disk|memory|pid) ?pressure|out of disk")),
    ("taint", re.compile(r"(?i)untolerated taint|taints? .*that the pod didn't tolerate|PodToleratesNodeTaints")),
    ("anti_affinity", re.compile(r"(?i)anti-affinity(?! rules.* affinity rules)|pod affinity/anti-affinity|MatchInterPodAffinity")),
    ("pod_affinity", re.compile(r"(?i)pod affinity rules")),
    ("volume", re.compile(r"(?i)volume node affinity|no available volume zone|NoVolumeZoneConflict|VolumeNodeAffinityConflict")),
    ("selector", re.compile(r"(?i)node affinity|node selector|MatchNodeSelector|requested node name")),
    ("spread", re.compile(r"(?i)topology spread")),
    ("host_port", re.compile(r"(?i)free ports|PodFitsHostPorts")),
    ("cpu", re.compile(r"(?i)insufficient cpu")),
    ("memory", re.compile(r"(?i)insufficient (memory|hugepages)")),
    ("device", re.compile(r"(?i)insufficient \S+/\S+")),
    ("pods", re.compile(r"(?i)too many pods|insufficient pods")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    kind: str
    count: int
    text: str

    @property
    def taint(self) -> str:
        found = _TAINT.search(self.text)
        return (
            f"{found[1].strip()}={found[2].strip()}"
            if found and found[2].strip()
            else found[1].strip()
            if found
            else ""
        )

    @property
    def device(self) -> str:
        found = _DEVICE.search(self.text)
        return found[1] if found else ""


def reasons(message: str) -> list[Reason]:
    """Every reason with the nodes it was counted for; nothing for a sentence of another kind."""
    told = re.split(r"\.? preemption: ", message, maxsplit=1)[0]
    _, colon, rest = told.partition(":")
    if not colon and not told:
        return []
    if "predicates" in told:
        found = [(int(count), text) for text, count in _OLD.findall(rest)]
    else:
        found = [(int(count), text.strip(" .")) for count, text in _ITEM.findall(rest)]
    if not found:
        found = [(0, told)]
    return [Reason(kind, count, text) for count, text in found if (kind := _kind(text))]


def _kind(text: str) -> str:
    return next((kind for kind, pattern in _KINDS if pattern.search(text)), "")
