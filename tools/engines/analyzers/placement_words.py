"""What to change so that a node takes the pod, in words: which label, which value, to what; the real allocatable, the nearest label."""

from collections.abc import Iterable, Sequence
from itertools import islice

from core.language import Text
from tools.engines.diagnosis import Evidence
from tools.engines.finding import evidence
from tools.engines.objects import Object, dig, mapping, rows
from tools.engines.placement import Obstacle, Places
from tools.engines.unscheduled import Reason

MOST_SHOWN = 4


def what_to_change(
    places: Places, pod: Object, kind: str, obstacles: Sequence[Obstacle], told: Sequence[Reason] = ()
) -> Text:
    detail = obstacles[0].detail if obstacles else "; ".join(reason.text for reason in told)
    if kind in {"selector", "affinity"}:
        return _labels(places, pod, kind, obstacles)
    if kind in {"cpu", "memory", "device"}:
        return _amount(places, kind, obstacles, detail)
    if kind in {"taint", "cordon"}:
        return _closed(kind, obstacles, told)
    return _crowded(kind, detail)


def _labels(places: Places, pod: Object, kind: str, obstacles: Sequence[Obstacle]) -> Text:
    field = "nodeSelector" if kind == "selector" else "affinity.nodeAffinity"
    wanted = list(dict.fromkeys(one.detail for one in obstacles)) or [
        f"{key}={value}" for key, value in mapping(pod, "spec", "nodeSelector").items()
    ]
    near = ", ".join(_near(places, pod, kind)[:MOST_SHOWN])
    hint_en = f" The nodes have {near}." if near else ""
    hint_zh = f"节点现有 {near}。" if near else ""
    shown = ", ".join(wanted[:3]) or field
    return Text(
        f"its {field} asks for {shown}, which no node has.{hint_en} Correct the value, or label a node.",
        f"{field} 要求 {shown}，没有节点具备该标签。{hint_zh}请改正取值，或为节点打上标签。",
    )


def _near(places: Places, pod: Object, kind: str) -> list[str]:
    """What the nodes carry under the same key, or under the key most like it."""
    found: list[str] = []
    for key in _keys(pod, kind):
        close = places.nearest_label(key)
        found += [f"{close}={value}" for value in islice(places.values.get(close, ()), MOST_SHOWN)]
    return found


def _keys(pod: Object, kind: str) -> Iterable[str]:
    if kind == "selector":
        return list(mapping(pod, "spec", "nodeSelector"))
    required = dig(pod, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    return [
        str(row.get("key")) for term in rows(required, "nodeSelectorTerms") for row in rows(term, "matchExpressions")
    ]


def _amount(places: Places, kind: str, obstacles: Sequence[Obstacle], detail: str) -> Text:
    resource = next((one.path for one in obstacles if one.path), kind)
    most = places.largest(resource)
    bound_en = f" The largest node has {most} allocatable." if most else ""
    bound_zh = f"最大的节点可分配量为 {most}。" if most else ""
    return Text(
        f"{detail}.{bound_en} Lower resources.requests[{resource}] below it, or add a node.",
        f"{detail}。{bound_zh}请把 resources.requests[{resource}] 调低到该值以内，或增加节点。",
    )


def what_nodes_have(places: Places, pod: Object, kind: str, obstacles: Sequence[Obstacle]) -> list[Evidence]:
    """What the sentence says of the nodes; shown, and no proof of anything."""
    if kind in {"selector", "affinity"}:
        have, ref = ", ".join(_near(places, pod, kind)[:MOST_SHOWN]), "Nodes metadata.labels"
    elif kind in {"cpu", "memory", "device"}:
        resource = next((one.path for one in obstacles if one.path), kind)
        have, ref = places.largest(resource), f"Nodes status.allocatable[{resource}]"
    else:
        return []
    return [evidence("kubernetes", ref, have, weight=0.0)] if have else []


def _closed(kind: str, obstacles: Sequence[Obstacle], told: Sequence[Reason]) -> Text:
    nodes = ", ".join(dict.fromkeys(one.node for one in obstacles)) or "the nodes it is meant for"
    nodes_zh = ", ".join(dict.fromkeys(one.node for one in obstacles)) or "目标节点"
    if kind == "cordon":
        return Text(
            f"{nodes} would fit and is cordoned (spec.unschedulable). Uncordon it, or let the pods go elsewhere.",
            f"{nodes_zh} 满足要求但已被隔离（spec.unschedulable）。请执行 uncordon，或放宽 Pod 的节点要求。",
        )
    taint = next(iter([one.detail for one in obstacles] or [one.taint for one in told if one.taint]), "")
    return Text(
        f"{nodes} carries taint {taint}, which the pods do not tolerate. Add a toleration for it, or remove the taint.",
        f"{nodes_zh} 带有污点 {taint}，Pod 没有相应的容忍。请添加 toleration，或移除该污点。",
    )


def _crowded(kind: str, detail: str) -> Text:
    said = {
        "anti_affinity": Text(
            "its required pod anti-affinity leaves none ({0}). Make it preferred, want fewer pods, or add a node.",
            "必需的 Pod 反亲和性排除了所有节点（{0}）。请改为 preferred、减少副本或增加节点。",
        ),
        "pod_affinity": Text(
            "its required pod affinity finds no pod to be beside ({0}). Correct its labelSelector.",
            "必需的 Pod 亲和性找不到匹配的 Pod（{0}）。请改正 labelSelector。",
        ),
        "spread": Text(
            "its topologySpreadConstraints cannot be met ({0}). Raise maxSkew, correct topologyKey, or use ScheduleAnyway.",
            "topologySpreadConstraints 无法满足（{0}）。请调大 maxSkew、改正 topologyKey，或改用 ScheduleAnyway。",
        ),
        "host_port": Text(
            "its hostPort is taken on every node ({0}). Choose another port, or put a Service in front instead.",
            "所需的 hostPort 在各节点上均被占用（{0}）。请更换端口，或改用 Service。",
        ),
        "volume": Text(
            "its volume can only be used on a node that does not take it ({0}). Correct the volume's nodeAffinity, or the pod's.",
            "其存储卷只能在无法接收该 Pod 的节点上使用（{0}）。请改正卷或 Pod 的节点亲和性。",
        ),
    }.get(kind, Text("{0}", "{0}"))
    return Text(said("en").format(detail), said("zh").format(detail))
