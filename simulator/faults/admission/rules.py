"""A rollout whose pods somebody at the door refuses: their account, the pod security standard, a limit range, a webhook."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from simulator.faults.base import (
    Component,
    Fault,
    Injection,
    Parameter,
    Parameters,
    Place,
    Refused,
    Repair,
    existing,
    first_container,
    is_fully_available,
    with_container,
    with_pod_spec,
)
from simulator.faults.edits import Edit, add, change
from simulator.kubernetes_api.admission.pod_security import PREFIX
from simulator.kubernetes_api.admission.webhooks import POLICY
from simulator.kubernetes_api.quantity import amount_text, quantity
from simulator.objects import Object, labels_of, with_metadata
from simulator.world import World

WEBHOOK = "pod-policy"
RULES = (
    {"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "scope": "Namespaced"},
)
RESTARTED = "kubectl.kubernetes.io/restartedAt"


class RolloutRefused(Fault):
    category = "admission"
    repairs: ClassVar[tuple[Repair, ...]] = ("rollback", "patch_workload", "patch_policy")

    def is_healed(self, world: World, place: Place, injection: Injection, since: datetime) -> bool:  # noqa: ARG002
        return is_fully_available(world, place)


class MissingServiceAccount(RolloutRefused):
    id = "missing_service_account"
    title = "A workload runs as a service account that does not exist"
    repairs = ("create_object", "rollback", "patch_workload")
    parameters = (Parameter("account", "text", "the account to name; it must not exist", "<name>-runner"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        name = str(parameters.get("account") or f"{place.name}-runner")
        if world.store.get("ServiceAccount", place.namespace, name) is not None:
            raise Refused(f"params: service account {name!r} exists, so it would not fail")
        changed = with_pod_spec(deployment, serviceAccountName=name, serviceAccount=name)
        return Injection(f"service account set to {name}", (change(world.store, "Deployment", deployment, changed),))


class PodSecurityRejected(RolloutRefused):
    id = "pod_security_rejected"
    title = "A workload asks for privileges that its namespace's pod security standard forbids"
    parameters = (Parameter("level", "text", "the standard to enforce: baseline or restricted", "baseline"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        level = str(parameters.get("level", "baseline"))
        if level not in ("baseline", "restricted"):
            raise Refused("params: level must be baseline or restricted")
        container = first_container(deployment)
        context = {**(container.get("securityContext") or {}), "privileged": True}
        changed = with_container(deployment, {**container, "securityContext": context})
        edits = (*_enforced(world, place, level), change(world.store, "Deployment", deployment, changed))
        return Injection(f"container {container['name']} made privileged where {level} is enforced", edits)


def _enforced(world: World, place: Place, level: str) -> tuple[Edit, ...]:
    namespace = world.store.get("Namespace", None, place.namespace)
    if namespace is None or labels_of(namespace).get(f"{PREFIX}enforce") == level:
        return ()
    labels = {**labels_of(namespace), f"{PREFIX}enforce": level}
    return (change(world.store, "Namespace", namespace, with_metadata(namespace, labels=labels)),)


class LimitRangeViolated(RolloutRefused):
    id = "limit_range_violated"
    title = "A workload's memory limit is above what its namespace allows for one container"
    parameters = (Parameter("times", "number", "how many times the allowed memory the limit is set to", "2"),)

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        times = float(parameters.get("times", 2))
        if times <= 1:
            raise Refused("params: times must be more than 1")
        most = max(_memory_limits(world, place.namespace), default=Decimal(512 * 1024**2))
        bounds = {"type": "Container", "max": {"memory": amount_text(most, "Mi")}}
        metadata = {"name": "container-bounds", "namespace": place.namespace}
        limited = add(
            world.store,
            "LimitRange",
            {"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": [bounds]}},
        )
        container = first_container(deployment)
        wanted = amount_text(Decimal(int(most * Decimal(str(times)))), "Mi")
        resources = container.get("resources") or {}
        grown = {**resources, "limits": {**(resources.get("limits") or {}), "memory": wanted}}
        changed = with_container(deployment, {**container, "resources": grown})
        edits = (limited, change(world.store, "Deployment", deployment, changed))
        return Injection(f"memory limit of {container['name']} set to {wanted} where {bounds['max']} is allowed", edits)


def _memory_limits(world: World, namespace: str) -> list[Decimal]:
    """Of everything that runs there: what is there today keeps the rule."""
    containers = [each for pod in world.store.list("Pod", namespace) for each in pod["spec"]["containers"]]
    limits = [((each.get("resources") or {}).get("limits") or {}).get("memory") for each in containers]
    return [quantity(limit) for limit in limits if limit]


class AdmissionWebhookDenied(RolloutRefused):
    id = "admission_webhook_denied"
    title = "An admission webhook denies a workload's pods, or does not answer when it is asked"
    repairs = ("rollback", "patch_workload", "patch_policy", "delete_object")
    parameters = (
        Parameter(
            "cause",
            "text",
            "policy: a required label is dropped; unreachable: nobody stands behind the webhook",
            "policy",
        ),
    )

    def inject(self, world: World, place: Place, parameters: Parameters) -> Injection:
        deployment = existing(world, "Deployment", place)
        cause = str(parameters.get("cause", "policy"))
        if cause == "policy":
            return self._policy(world, deployment)
        if cause != "unreachable":
            raise Refused("params: cause must be policy or unreachable")
        service = {"service": {"namespace": "kube-system", "name": WEBHOOK, "path": "/validate"}}
        edits = (_webhook(world, service), change(world.store, "Deployment", deployment, _restarted(world, deployment)))
        return Injection(f"webhook {WEBHOOK} registered with no Service behind it, then {place.name} restarted", edits)

    def _policy(self, world: World, deployment: Object) -> Injection:
        label = _spare_label(deployment)
        registered = _webhook(world, {"url": f"https://{WEBHOOK}.example.com/validate"}, **{"required-labels": label})
        template = deployment["spec"]["template"]
        labels = {key: value for key, value in template["metadata"]["labels"].items() if key != label}
        metadata = {**template["metadata"], "labels": labels}
        changed = {**deployment, "spec": {**deployment["spec"], "template": {**template, "metadata": metadata}}}
        edits = (registered, change(world.store, "Deployment", deployment, changed))
        return Injection(f"label {label} dropped from the pods, which webhook {WEBHOOK} requires", edits)

    def component(self, world: World, place: Place) -> Component:
        found = world.store.get("ValidatingWebhookConfiguration", None, WEBHOOK) or {}
        clients = [each.get("clientConfig") or {} for each in found.get("webhooks") or []]
        if any("service" in client for client in clients):
            return Component("ValidatingWebhookConfiguration", "", WEBHOOK)
        return super().component(world, place)

    def suits(self, world: World, place: Place) -> bool:
        found = world.store.get("Deployment", *place)
        return found is not None and bool(_labels_to_spare(found))


def _webhook(world: World, client: Object, **policy: str) -> Edit:
    """Of the shop's own namespaces only: a policy that stops the cluster's own pods would be another story."""
    shop = {
        "matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(world.shop.namespaces)}
        ]
    }
    hook = {
        "name": f"{WEBHOOK}.example.com",
        "clientConfig": client,
        "rules": [dict(rule) for rule in RULES],
        "namespaceSelector": shop,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    annotations = {f"{POLICY}{name}": text for name, text in policy.items()}
    metadata = {"name": WEBHOOK, **({"annotations": annotations} if annotations else {})}
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    return add(world.store, "ValidatingWebhookConfiguration", {**head, "metadata": metadata, "webhooks": [hook]})


def _labels_to_spare(deployment: Object) -> list[str]:
    """Those of the pods that the Deployment's selector does not need."""
    selected = deployment["spec"]["selector"].get("matchLabels") or {}
    labels = deployment["spec"]["template"]["metadata"].get("labels") or {}
    return sorted((key for key in labels if key not in selected), reverse=True)


def _spare_label(deployment: Object) -> str:
    spare = _labels_to_spare(deployment)
    if not spare:
        raise Refused("target: its pods carry no label but those of its selector")
    return spare[0]


def _restarted(world: World, deployment: Object) -> Object:
    """As `kubectl rollout restart` does it."""
    template = deployment["spec"]["template"]
    annotations = {**(template["metadata"].get("annotations") or {}), RESTARTED: world.clock.now().isoformat()}
    metadata = {**template["metadata"], "annotations": annotations}
    return {**deployment, "spec": {**deployment["spec"], "template": {**template, "metadata": metadata}}}
