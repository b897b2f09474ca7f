"""A claim against every volume taken by itself: what keeps the two apart, as the volume controller compares them."""

from dataclasses import dataclass
from typing import Any

from tools.engines.crowding import matches
from tools.engines.objects import (
    Object,
    dig,
    mapping,
    name_of,
    namespace_of,
    rows,
)
from tools.engines.quantity import parse

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_OLD_CLASS = "volume.beta.kubernetes.io/storage-class"
_MADE = "pv.kubernetes.io/provisioned-by"


@dataclass(frozen=True, slots=True)
class Apart:
    """Kinds: occupied, selector, class, capacity, modes."""

    kind: str
    volume: str
    wanted: str
    given: str
    path: str


def what_keeps_apart(claim: Object, volume: Object) -> list[Apart]:
    """Empty where the volume could be bound to the claim."""
    name, spec = name_of(volume), mapping(claim, "spec")
    found = []
    if owner := _other_owner(claim, volume):
        found.append(Apart("occupied", name, f"{namespace_of(claim)}/{name_of(claim)}", owner, "spec.claimRef"))
    selector = spec.get("selector")
    if isinstance(selector, dict) and not matches(selector, mapping(volume, "metadata", "labels")):
        labels = (
            ", ".join(f"{key}={value}" for key, value in mapping(volume, "metadata", "labels").items()) or "no labels"
        )
        found.append(Apart("selector", name, selector_text(selector), labels, "metadata.labels"))
    if class_of(claim) != class_of(volume):
        found.append(Apart("class", name, class_of(claim) or '""', class_of(volume) or '""', "spec.storageClassName"))
    wanted, given = dig(spec, "resources", "requests", "storage"), dig(volume, "spec", "capacity", "storage")
    if (parse(wanted) or 0.0) > (parse(given) or 0.0):
        found.append(Apart("capacity", name, str(wanted), str(given), "spec.capacity.storage"))
    asked, offered = _modes(spec), _modes(mapping(volume, "spec"))
    if not set(asked) <= set(offered):
        found.append(Apart("modes", name, ", ".join(asked), ", ".join(offered), "spec.accessModes"))
    form = [str(dig(one, "spec", "volumeMode") or "Filesystem") for one in (claim, volume)]
    if form[0] != form[1]:
        found.append(Apart("modes", name, form[0], form[1], "spec.volumeMode"))
    return found


def class_of(obj: Object) -> str:
    """The storage class of a claim or a volume; empty for none."""
    return str(dig(obj, "spec", "storageClassName") or mapping(obj, "metadata", "annotations").get(_OLD_CLASS) or "")


def is_default(storage: Object) -> bool:
    notes = mapping(storage, "metadata", "annotations")
    return str(notes.get(_DEFAULT_CLASS) or notes.get("storageclass.beta.kubernetes.io/is-default-class")) == "true"


def was_provisioned(volume: Object) -> bool:
    """Made for a claim of its own: that it is taken is its normal state."""
    return _MADE in mapping(volume, "metadata", "annotations")


def selector_text(selector: Any) -> str:
    plain = [f"{key}={value}" for key, value in mapping(selector, "matchLabels").items()]
    rest = [
        f"{row.get('key')} {row.get('operator')} {row.get('values')}"
        for row in rows(selector, "matchExpressions")
        if isinstance(row, dict)
    ]
    return ", ".join([*plain, *rest])


def _other_owner(claim: Object, volume: Object) -> str:
    owner = mapping(volume, "spec", "claimRef")
    if not owner:
        return f"phase {phase}" if (phase := dig(volume, "status", "phase")) in {"Released", "Failed"} else ""
    name = f"{owner.get('namespace')}/{owner.get('name')}"
    same = name == f"{namespace_of(claim)}/{name_of(claim)}"
    uid, own = owner.get("uid"), dig(claim, "metadata", "uid")
    return (
        "" if same and (not uid or not own or uid == own) else f"{name} ({dig(volume, 'status', 'phase') or 'Bound'})"
    )


def _modes(spec: Object) -> list[str]:
    modes = spec.get("accessModes")
    return [str(one) for one in modes] if isinstance(modes, list) else []
