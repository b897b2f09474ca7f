"""The changes a repair can make, each typed: what it writes, how to see that it is written, how to take it back.

An action turns the object as it is now and its arguments into a JSON Patch, and never sends it: the caller adds the conditions
(this uid, this resourceVersion) that let the API server refuse a lost race. `done` answers from the object alone whether the change
is there, which is how a time-out or a crash is cleared up without doing anything twice. A rollback names the ReplicaSet whose template
it restores and the digest of that template, so a plan holds no copy of anybody's environment and still binds its exact content.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from core.errors import Conflict, Invalid
from core.language import Language, pick
from tools.engines.changes import clean_template, digest
from tools.engines.objects import Object, dig, mapping, name_of, rows
from tools.engines.quantity import parse

Operation = dict[str, Any]
Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Demand:
    """What a change asks of the cluster, for the guard to weigh."""

    what: Literal["replicas", "memory", "cpu"]
    amount: float
    before: float
    text: str


@dataclass(frozen=True, slots=True)
class Inverse:
    action: str
    arguments: dict[str, Any]


class Action(Protocol):
    kinds: tuple[str, ...]

    def source(self, arguments: Arguments) -> tuple[str, str] | None:
        """Kind and name of another object that the change is copied from."""
        ...

    def operations(self, obj: Object, arguments: Arguments, source: Object | None) -> list[Operation]: ...

    def done(self, obj: Object, arguments: Arguments) -> bool: ...

    def inverse(self, obj: Object, arguments: Arguments) -> Inverse: ...

    def demands(self, obj: Object, arguments: Arguments) -> list[Demand]: ...

    def summary(self, name: str, arguments: Arguments, language: Language) -> str: ...


class _OneObject:
    """Most actions copy from nothing and ask for nothing."""

    def source(self, arguments: Arguments) -> tuple[str, str] | None:  # noqa: ARG002
        return None

    def demands(self, obj: Object, arguments: Arguments) -> list[Demand]:  # noqa: ARG002
        return []


class RestoreTemplate(_OneObject):
    """arguments: replica_set, revision, template_digest; for the way back: back_to (the ReplicaSet in force now) and its digest."""

    kinds: tuple[str, ...] = ("Deployment",)

    def source(self, arguments: Arguments) -> tuple[str, str] | None:
        return "ReplicaSet", str(arguments["replica_set"])

    def operations(self, obj: Object, arguments: Arguments, source: Object | None) -> list[Operation]:
        template = clean_template(source or {})
        if digest(template) != arguments["template_digest"]:
            name = name_of(source or {}) or arguments["replica_set"]
            raise Conflict(f"ReplicaSet {name} no longer holds the template that {name_of(obj)} was to go back to.")
        return [{"op": "replace", "path": "/spec/template", "value": template}]

    def done(self, obj: Object, arguments: Arguments) -> bool:
        return bool(digest(clean_template(obj)) == arguments["template_digest"])

    def inverse(self, obj: Object, arguments: Arguments) -> Inverse:
        back = {
            "replica_set": arguments["back_to"],
            "revision": arguments["back_to_revision"],
            "template_digest": digest(clean_template(obj)),
            "back_to": arguments["replica_set"],
            "back_to_revision": arguments["revision"],
        }
        return Inverse("restore_template", back)

    def summary(self, name: str, arguments: Arguments, language: Language) -> str:
        number = arguments["revision"]
        return pick(language, f"Roll {name} back to revision {number}", f"将 {name} 回滚到第 {number} 版")


class SetLimit(_OneObject):
    """arguments: container, resource, limit (None takes it away)."""

    kinds: tuple[str, ...] = ("Deployment", "StatefulSet", "DaemonSet")

    def operations(self, obj: Object, arguments: Arguments, source: Object | None) -> list[Operation]:  # noqa: ARG002
        place, container = self._container(obj, arguments)
        resources = {**mapping(container, "resources")}
        limits = {**mapping(resources, "limits")}
        if arguments["limit"] is None:
            limits.pop(arguments["resource"], None)
        else:
            limits[arguments["resource"]] = arguments["limit"]
        path = f"/spec/template/spec/containers/{place}"
        return [
            {"op": "test", "path": f"{path}/name", "value": arguments["container"]},
            {"op": "add", "path": f"{path}/resources", "value": {**resources, "limits": limits}},
        ]

    def done(self, obj: Object, arguments: Arguments) -> bool:
        _, container = self._container(obj, arguments)
        return parse(self._limit(container, arguments)) == parse(arguments["limit"])

    def inverse(self, obj: Object, arguments: Arguments) -> Inverse:
        _, container = self._container(obj, arguments)
        return Inverse("set_limit", {**arguments, "limit": self._limit(container, arguments)})

    def demands(self, obj: Object, arguments: Arguments) -> list[Demand]:
        amount = parse(arguments["limit"])
        if amount is None:
            return []
        _, container = self._container(obj, arguments)
        before = parse(self._limit(container, arguments)) or 0.0
        return [Demand(arguments["resource"], amount, before, str(arguments["limit"]))]

    def summary(self, name: str, arguments: Arguments, language: Language) -> str:
        what, container = arguments["resource"], arguments["container"]
        limit = arguments["limit"] or pick(language, "none", "无")
        return pick(
            language,
            f"Set the {what} limit of {container} in {name} to {limit}",
            f"将 {name} 中容器 {container} 的 {what} 限制设为 {limit}",
        )

    def _container(self, obj: Object, arguments: Arguments) -> tuple[int, Object]:
        for place, container in enumerate(rows(obj, "spec", "template", "spec", "containers")):
            if container.get("name") == arguments["container"]:
                return place, container
        raise Invalid(f"{name_of(obj)} has no container {arguments['container']}.", field="container")

    def _limit(self, container: Object, arguments: Arguments) -> Any:
        return dig(container, "resources", "limits", str(arguments["resource"]))


class SetSelector(_OneObject):
    """arguments: selector."""

    kinds: tuple[str, ...] = ("Service",)

    def operations(self, obj: Object, arguments: Arguments, source: Object | None) -> list[Operation]:  # noqa: ARG002
        return [{"op": "add", "path": "/spec/selector", "value": dict(arguments["selector"])}]

    def done(self, obj: Object, arguments: Arguments) -> bool:
        return bool(mapping(obj, "spec", "selector") == arguments["selector"])

    def inverse(self, obj: Object, arguments: Arguments) -> Inverse:  # noqa: ARG002
        return Inverse("set_selector", {"selector": dict(mapping(obj, "spec", "selector"))})

    def summary(self, name: str, arguments: Arguments, language: Language) -> str:
        labels = ",".join(f"{key}={value}" for key, value in sorted(arguments["selector"].items()))
        return pick(language, f"Set the selector of {name} to {labels}", f"将 {name} 的选择器设为 {labels}")


class Scale(_OneObject):
    """arguments: replicas."""

    kinds: tuple[str, ...] = ("Deployment", "StatefulSet")

    def operations(self, obj: Object, arguments: Arguments, source: Object | None) -> list[Operation]:  # noqa: ARG002
        return [{"op": "add", "path": "/spec/replicas", "value": arguments["replicas"]}]

    def done(self, obj: Object, arguments: Arguments) -> bool:
        return bool(dig(obj, "spec", "replicas") == arguments["replicas"])

    def inverse(self, obj: Object, arguments: Arguments) -> Inverse:  # noqa: ARG002
        before = dig(obj, "spec", "replicas")
        return Inverse("scale", {"replicas": 1 if before is None else before})

    def demands(self, obj: Object, arguments: Arguments) -> list[Demand]:
        before = float(dig(obj, "spec", "replicas") or 0)
        return [Demand("replicas", float(arguments["replicas"]), before, str(arguments["replicas"]))]

    def summary(self, name: str, arguments: Arguments, language: Language) -> str:
        count = arguments["replicas"]
        return pick(language, f"Scale {name} to {count} replicas", f"将 {name} 的副本数调整为 {count}")


ACTIONS: dict[str, Action] = {
    "restore_template": RestoreTemplate(),
    "set_limit": SetLimit(),
    "set_selector": SetSelector(),
    "scale": Scale(),
}


def action_of(name: str) -> Action:
    if name not in ACTIONS:
        raise Invalid(f"There is no action {name}.", field="action", allowed=ACTIONS)
    return ACTIONS[name]


def conditional(obj: Object, operations: list[Operation]) -> list[Operation]:
    """Only this very object, as it was read just now: the API server refuses the patch if either moved on."""
    return [
        {"op": "test", "path": "/metadata/uid", "value": dig(obj, "metadata", "uid")},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": dig(obj, "metadata", "resourceVersion")},
        *operations,
    ]
