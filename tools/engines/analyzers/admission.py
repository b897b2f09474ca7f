"""Pods that the API server refuses for what they are: their account, their rights, their limits, or what a webhook says.

Who refused stands in the sentence. Where no sentence is left, the objects are set against each other: the account that the template
names, the level that the namespace enforces, the bounds of its LimitRange, the Service behind a webhook; but only for a workload whose
pods were never created, because a pod that is there was admitted.
"""

import re
from collections.abc import Iterable, Iterator

from core.language import Text
from tools.engines.diagnosis import Component, Evidence
from tools.engines.finding import Finding, beginning, ending, evidence
from tools.engines.graph import Graph
from tools.engines.objects import (
    Object,
    component,
    dig,
    listed,
    mapping,
    name_of,
    rows,
)
from tools.engines.program import Program
from tools.engines.quantity import parse
from tools.engines.shortage import Refusal, misses_pods, refusals
from tools.engines.snapshot import Snapshot

_WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
# Order matters: a webhook may quote any of the others.
_SENTENCES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("admission_webhook_denied", re.compile(r"(?i)admission webhook \S+ denied|failed calling webhook|AdmissionPolicy .* denied")),
    ("missing_service_account", re.compile(r"(?i)service ?account \S+ not found|looking up service account")),
    ("pod_security_rejected", re.compile(r"(?i)violates PodSecurity|pod security policy|security context constraint|PodSecurityPolicy:")),
    ("limit_range_violated", re.compile(r"(?i)(minimum|maximum) [\w./-]+ usage per|max limit to request ratio per")),
)  # fmt: skip
_BROKEN = re.compile(r"failed calling webhook \"?([^\"\s:]+)\"?")
_ACCOUNT = re.compile(r"serviceaccounts? \"([^\"]+)\" not found")
_BOUND = re.compile(
    r"((?:minimum|maximum) [\w./-]+ usage per \w+ is [^,]+, but (?:limit|request) is [^,.\]]+|"
    r"[\w./-]+ max limit to request ratio per \w+ is [^,]+, but provided ratio is [\d.]+)"
)
_VIOLATED = re.compile(r"violates PodSecurity \"([^\"]+)\": (.*)")
_UNSAFE_CAPABILITIES = {"NET_BIND_SERVICE"}


def pods_that_are_refused(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    """What the API server said, the newest refusal of each workload."""
    told: dict[tuple[Component, str], list[Refusal]] = {}
    for one in refusals(snapshot):
        told.setdefault((one.component, _fault_of(one.message)), []).append(one)
    newest: set[Component] = set()
    for (who, fault), sentences in told.items():
        if fault and who not in newest:
            newest.add(who)
            proof = {
                one.source: evidence(one.source, one.ref, one.message, one.at, weight=0.8)
                for one in reversed(sentences)
            }
            message = sentences[0].message
            yield _finding(
                fault, _to_change(snapshot, who, fault, message), _words(fault, who, message), [*proof.values()], who
            )


def accounts_that_do_not_exist(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in _refused(snapshot, "missing_service_account"):
        name = dig(program.spec, "serviceAccountName") or dig(program.spec, "serviceAccount")
        known = snapshot.reads("ServiceAccount") or snapshot.of("ServiceAccount", program.namespace)
        # Every namespace has a default account, listed or not.
        if (
            isinstance(name, str)
            and name not in {"", "default"}
            and known
            and not snapshot.get("ServiceAccount", program.namespace, name)
        ):
            near = ", ".join(name_of(one) for one in snapshot.of("ServiceAccount", program.namespace)[:6]) or "none"
            quote = f"{name}; ServiceAccounts of {program.namespace}: {near}"
            used = any(dig(pod, "spec", "serviceAccountName") == name for pod in program.pods)
            proof = [evidence("kubernetes", f"{program.ref}.serviceAccountName", quote, weight=0.5 if used else 0.85)]
            yield _finding("missing_service_account", program.component, _account(program.component, name), proof)


def pods_below_the_security_level(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in _refused(snapshot, "pod_security_rejected"):
        namespace = snapshot.get("Namespace", None, program.namespace)
        level = str(mapping(namespace, "metadata", "labels").get("pod-security.kubernetes.io/enforce") or "")
        broken = list(_violations(program, level)) if level in {"baseline", "restricted"} else []
        if broken:
            ref = f"Namespace {program.namespace} metadata.labels[pod-security.kubernetes.io/enforce]"
            proof = [evidence("kubernetes", ref, level, weight=0.5)]
            proof.append(evidence("kubernetes", f"{program.ref}.{broken[0][0]}", broken[0][1], weight=0.8))
            shown = "; ".join(f"{path}: {why}" for path, why in broken[:4])
            yield _finding(
                "pod_security_rejected", program.component, _security(program.component, level, shown), proof
            )


def containers_outside_the_limit_range(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    for program in _refused(snapshot, "limit_range_violated"):
        for limits in snapshot.of("LimitRange", program.namespace):
            outside = [one for row in rows(limits, "spec", "limits") for one in _outside(program, row)]
            if outside:
                path, why = outside[0]
                proof = [evidence("kubernetes", f"{program.ref}.{path}", f"{why} ({component(limits)})", weight=0.85)]
                yield _finding(
                    "limit_range_violated", program.component, _limits(program.component, f"{path}: {why}"), proof
                )
                break


def webhooks_with_nobody_behind(snapshot: Snapshot, graph: Graph) -> Iterable[Finding]:  # noqa: ARG001
    """A webhook that must be asked about pods and whose Service has nobody who could answer."""
    refused = [one.component for one in _refused(snapshot, "admission_webhook_denied")]
    for kind in _WEBHOOKS:
        for obj in snapshot.of(kind) if refused else ():
            for hook in rows(obj, "webhooks"):
                why = _unanswered(snapshot, hook) if _asks_about_pods(hook) else ""
                if why:
                    ref = f"{component(obj)} webhooks[{hook.get('name')}].clientConfig.service"
                    proof = [evidence("kubernetes", ref, why, weight=0.7)]
                    words = _webhook_broken(str(hook.get("name")), refused[0], why)
                    yield _finding("admission_webhook_denied", component(obj), words, proof, *refused)


def _refused(snapshot: Snapshot, fault: str) -> Iterator[Program]:
    """Workloads whose pods were never created, unless the API server said that it was for another reason."""
    told: dict[Component, list[str]] = {}
    for one in refusals(snapshot):
        told.setdefault(one.component, []).append(one.message)
    for program in snapshot.programs:
        if program.obj is None or program.wanted == 0 or not misses_pods(snapshot, program):
            continue
        said = told.get(program.component, [])
        if not said or any(_fault_of(message) == fault for message in said):
            yield program


def _fault_of(message: str) -> str:
    return next((fault for fault, pattern in _SENTENCES if pattern.search(message)), "")


def _to_change(snapshot: Snapshot, who: Component, fault: str, message: str) -> Component:
    """The workload; but a webhook that cannot even be asked is itself what is wrong."""
    hook = _BROKEN.search(message)
    if fault != "admission_webhook_denied" or not hook:
        return who
    for kind in _WEBHOOKS:
        for obj in snapshot.of(kind):
            if any(row.get("name") == hook[1] for row in rows(obj, "webhooks")):
                return component(obj)
    return who


def _finding(fault: str, who: Component, words: Text, proof: list[Evidence], *harms: Component) -> Finding:
    return Finding(
        fault=fault,
        category="admission",
        component=who,
        words=words,
        evidence=tuple(proof),
        onset=min((item.at for item in proof if item.at), default=None),
        harms=tuple(one for one in harms if one != who),
    )


def _words(fault: str, who: Component, message: str) -> Text:
    if fault == "missing_service_account":
        named = _ACCOUNT.search(message)
        return _account(who, named[1] if named else "?")
    if fault == "pod_security_rejected":
        told = _VIOLATED.search(message)
        return _security(who, told[1] if told else "a policy", beginning(told[2] if told else message, 200))
    if fault == "limit_range_violated":
        told = _BOUND.search(message)
        return _limits(who, told[1] if told else beginning(message, 200))
    hook = _BROKEN.search(message)
    if hook:
        return _webhook_broken(hook[1], who, ending(message, 160))
    return Text(
        f"An admission webhook refuses the pods of {who}: {ending(message, 240)} Change the template as it asks, or the webhook's rule.",
        f"准入 Webhook 拒绝了 {who} 的 Pod：{ending(message, 240)} 请按要求修改模板，或调整 Webhook 规则。",
    )


def _account(who: Component, name: str) -> Text:
    return Text(
        f"The pods of {who} are refused: its template names ServiceAccount {name}, which does not exist in {who.namespace}. "
        "Create it, or name one that exists.",
        f"{who} 的 Pod 被拒绝创建：模板引用的 ServiceAccount {name} 在 {who.namespace} 中不存在。请创建它，或改用已有的账号。",
    )


def _security(who: Component, level: str, why: str) -> Text:
    return Text(
        f"The pods of {who} violate the pod security level {level} of their namespace: {why}. "
        "Change the security context, or the namespace's enforce label.",
        f"{who} 的 Pod 违反命名空间的 Pod 安全级别 {level}：{why}。请修改 securityContext，或调整命名空间的 enforce 标签。",
    )


def _limits(who: Component, why: str) -> Text:
    return Text(
        f"The pods of {who} are outside the namespace's LimitRange: {why}. Change the container's resources, or the LimitRange.",
        f"{who} 的 Pod 超出命名空间 LimitRange 的范围：{why}。请修改容器的 resources，或调整 LimitRange。",
    )


def _webhook_broken(hook: str, who: Component, why: str) -> Text:
    return Text(
        f"Webhook {hook} must be asked before a pod is created and does not answer ({why}); {who} gets no new pods. "
        "Bring its Service back, or set failurePolicy: Ignore.",
        f"创建 Pod 前必须调用的 Webhook {hook} 没有响应（{why}），{who} 无法创建新 Pod。请恢复其 Service，或设 failurePolicy: Ignore。",
    )


def _violations(program: Program, level: str) -> Iterator[tuple[str, str]]:
    spec = program.spec
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key) is True:
            yield key, "true"
    for volume in rows(spec, "volumes"):
        if "hostPath" in volume:
            yield f"volumes[{volume.get('name')}].hostPath", str(dig(volume, "hostPath", "path"))
    for container in program.all_containers:
        here = f"containers[{container.get('name')}].securityContext"
        context = mapping(container, "securityContext")
        if context.get("privileged") is True:
            yield f"{here}.privileged", "true"
        for row in rows(container, "ports"):
            if row.get("hostPort"):
                yield f"containers[{container.get('name')}].ports", f"hostPort {row['hostPort']}"
        if level == "restricted":
            yield from _unrestricted(here, context, mapping(spec, "securityContext"))


def _unrestricted(here: str, context: Object, of_pod: Object) -> Iterator[tuple[str, str]]:
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{here}.allowPrivilegeEscalation", "must be false"
    if context.get("runAsNonRoot", of_pod.get("runAsNonRoot")) is not True:
        yield f"{here}.runAsNonRoot", "must be true"
    dropped, added = (dig(context, "capabilities", key) or [] for key in ("drop", "add"))
    if "ALL" not in dropped or set(map(str, added)) - _UNSAFE_CAPABILITIES:
        yield f"{here}.capabilities", "must drop ALL"
    if (dig(context, "seccompProfile", "type") or dig(of_pod, "seccompProfile", "type")) not in {
        "RuntimeDefault",
        "Localhost",
    }:
        yield f"{here}.seccompProfile", "must be RuntimeDefault or Localhost"


def _outside(program: Program, row: Object) -> Iterator[tuple[str, str]]:
    if row.get("type") == "Pod":
        spread = [mapping(one, "resources") for one in program.containers]
        total = {key: _sums([mapping(one, key) for one in spread]) for key in ("requests", "limits")}
        yield from _against(row, total, "containers")
    for container in program.all_containers if row.get("type") == "Container" else ():
        own = mapping(container, "resources")
        limits = mapping(row, "default") | mapping(own, "limits")
        asked = mapping(row, "defaultRequest") | mapping(own, "limits") | mapping(own, "requests")
        yield from _against(
            row, {"requests": asked, "limits": limits}, f"containers[{container.get('name')}].resources"
        )


def _sums(parts: list[Object]) -> Object:
    return {key: sum(parse(part.get(key)) or 0.0 for part in parts) for part in parts for key in part}


def _against(row: Object, has: dict[str, Object], path: str) -> Iterator[tuple[str, str]]:
    for key, field, word in (("max", "limits", "maximum"), ("min", "requests", "minimum")):
        for resource, bound in mapping(row, key).items():
            amount, most = parse(has[field].get(resource)), parse(bound)
            if (
                amount is not None
                and most is not None
                and (_over(amount, most) if key == "max" else _over(most, amount))
            ):
                yield f"{path}.{field}.{resource}", f"{has[field][resource]}, and the {word} is {bound}"
    for resource, ratio in mapping(row, "maxLimitRequestRatio").items():
        limit, asked, most = (parse(one) for one in (has["limits"].get(resource), has["requests"].get(resource), ratio))
        if limit and asked and most and _over(limit / asked, most):
            yield f"{path}.limits.{resource}", f"{limit / asked:.3g} times the request, and at most {ratio} is allowed"


def _over(amount: float, bound: float) -> bool:
    return amount > bound * (1 + 1e-9)


def _asks_about_pods(hook: Object) -> bool:
    named = [str(one) for rule in rows(hook, "rules") for one in listed(rule, "resources")]
    return hook.get("failurePolicy", "Fail") == "Fail" and any(one in {"pods", "*", "*/*", "pods/*"} for one in named)


def _unanswered(snapshot: Snapshot, hook: Object) -> str:
    place, name = (
        str(dig(hook, "clientConfig", "service", "namespace") or ""),
        str(dig(hook, "clientConfig", "service", "name") or ""),
    )
    if not name:
        return ""
    service = snapshot.get("Service", place, name)
    if service is None:
        known = snapshot.reads("Service") or snapshot.of("Service", place)
        return f"Service {place}/{name} does not exist" if known else ""
    return f"{component(service)} has no ready address" if snapshot.ready_addresses(service) == 0 else ""
