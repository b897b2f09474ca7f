"""Admission webhooks: somebody else's program is asked, and its silence counts as its failure policy says.

A webhook behind a Service answers when the Service has a ready endpoint; one behind a URL is outside of the cluster and answers always.
What it answers stands on its configuration as annotations under `policy.example.com/`: `required-labels` (keys that a pod has to carry),
`allowed-registries` (where its images have to come from), `message` (what is said before the reason); without them it allows all.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from simulator.kubernetes_api.admission.request import Object, Request, containers_of
from simulator.kubernetes_api.selectors import from_spec, labels_match
from simulator.kubernetes_api.status import Failure

POLICY = "policy.example.com/"
GROUP = "admissionregistration.k8s.io"


def mutate(request: Request) -> Object:
    _ask(request, "MutatingWebhookConfiguration")
    return request.obj


def validate(request: Request) -> None:
    _ask(request, "ValidatingWebhookConfiguration")


def _ask(request: Request, kind: str) -> None:
    if request.resource.group == GROUP or not request.store.count(kind):
        return
    for configuration in request.store.list(kind):
        for webhook in configuration.get("webhooks") or []:
            if _concerns(webhook, request):
                _call(request, configuration, webhook)


def _call(request: Request, configuration: Object, webhook: Object) -> None:
    name = webhook.get("name", "")
    if trouble := _trouble(request, webhook):
        if webhook.get("failurePolicy", "Fail") == "Fail":
            raise _internal(f'failed calling webhook "{name}": failed to call webhook: {trouble}')
        return
    told = next(_objections(configuration["metadata"].get("annotations") or {}, request.obj), "")
    if told:
        raise Failure(403, "Forbidden", f'admission webhook "{name}" denied the request: {told}')


def _internal(told: str) -> Failure:
    causes = [{"message": told}]
    return Failure(500, "InternalError", f"Internal error occurred: {told}", {"causes": causes})


def _trouble(request: Request, webhook: Object) -> str:
    """Why the webhook cannot be reached; empty when it can."""
    service = (webhook.get("clientConfig") or {}).get("service")
    if not service:
        return ""
    namespace, name = service.get("namespace", ""), service.get("name", "")
    host = f"{name}.{namespace}.svc:{service.get('port', 443)}"
    path = f"/{str(service.get('path') or '').lstrip('/')}"
    posted = f'Post "https://{host}{path}?timeout={webhook.get("timeoutSeconds", 10)}s"'
    if request.store.get("Service", namespace, name) is None:
        return f'{posted}: service "{name}" not found'
    endpoints = request.store.get("Endpoints", namespace, name) or {}
    if not any(subset.get("addresses") for subset in endpoints.get("subsets") or []):
        return f'{posted}: no endpoints available for service "{name}"'
    return ""


def _concerns(webhook: Object, request: Request) -> bool:
    if not any(_rule_fits(rule, request) for rule in webhook.get("rules") or []):
        return False
    if not _selects(webhook.get("objectSelector"), request.obj):
        return False
    return not request.namespace or _selects(
        webhook.get("namespaceSelector"),
        request.store.get("Namespace", None, request.namespace) or {"metadata": {}},
    )


def _selects(selector: Object | None, obj: Object) -> bool:
    return not selector or labels_match(from_spec(selector), obj)


def _rule_fits(rule: Object, request: Request) -> bool:
    resource = request.resource
    sides = (
        (rule.get("operations"), request.operation),
        (rule.get("apiGroups"), resource.group),
        (rule.get("apiVersions"), resource.version),
        (rule.get("resources"), resource.plural),
    )
    scope = rule.get("scope", "*")
    in_scope = scope == "*" or (scope == "Namespaced") == resource.namespaced
    return in_scope and all(any(fnmatchcase(value, each) for each in wanted or []) for wanted, value in sides)


def _objections(policy: dict[str, str], obj: Object) -> Iterator[str]:
    head = f"{policy[POLICY + 'message']}: " if f"{POLICY}message" in policy else ""
    labels = obj["metadata"].get("labels") or {}
    for key in _words(policy.get(f"{POLICY}required-labels", "")):
        if key not in labels:
            yield f'{head}label "{key}" is required'
    registries = _words(policy.get(f"{POLICY}allowed-registries", ""))
    for container in containers_of(obj) if registries else ():
        image = str(container.get("image", ""))
        if not any(image.startswith(f"{registry}/") for registry in registries):
            yield f'{head}image "{image}" is not from an allowed registry ({", ".join(registries)})'


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
