"""Pods and Services that the API server does not let in: quotas, accounts, pod security, webhooks, limit ranges."""

from collections.abc import Callable

from tests.evaluation.casebook.faults.aftermath import suffer
from tests.evaluation.casebook.herrings import stranger
from tests.evaluation.casebook.model import Answer, Component, Object, Program
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.things import storage_class
from tests.evaluation.casebook.ways import way

EITHER = frozenset({"objects"})


def _is_deployment(program: Program) -> bool:
    return program.kind == "Deployment"


def _pod_name(scene: Scene, program: Program) -> str:
    """Old API servers name the pod by its prefix only."""
    if program.kind != "Deployment":
        return f"{program.name}-{len(program.pods)}"
    prefix = f"{program.name}-{program.revisions[-1].hash}-"
    return prefix if scene.style.minor < 26 else f"{prefix}{scene.letters(5)}"


def _refuse(
    scene: Scene,
    program: Program,
    sentence: Callable[[], str],
    *,
    how: str = "",
    edit: Callable[[Program], object] | None = None,
) -> None:
    """The three moments at which a controller meets a refusal: it scales up, it rolls out, or it has lost its pods."""
    chosen = how or scene.dice.choice(["scaled", "rolled", "lost"])
    change = edit or (lambda one: one.set_env("RELEASE", scene.letters(6)))
    if chosen == "scaled" and program.pods:
        program.replicas += scene.dice.choice([1, 2, 3])
        keep = len(program.pods)
    elif chosen == "rolled" and program.kind == "Deployment":
        scene.revise(program, change, scene.onset)
        keep = len(program.pods)
    else:
        if edit:
            scene.revise(program, change, scene.onset)
        keep = scene.dice.choice([0, 0, max(0, len(program.pods) - 1)])
    scene.refuse(program, f'pods "{_pod_name(scene, program)}" is forbidden: {sentence()}', keep=keep)
    suffer(scene, program)


def _quota(scene: Scene, name: str, hard: dict[str, str], used: dict[str, str], *, age_days: float = 60) -> Object:
    return scene.add(
        "ResourceQuota",
        name,
        scene.namespace,
        created=scene.ago(days=age_days),
        spec={"hard": hard},
        status={"hard": hard, "used": used},
    )


def _told_full(scene: Scene, name: str, resource: str) -> None:
    if scene.dice.random() < 0.5:
        scene.alert(
            "KubeQuotaFullyUsed",
            f"Namespace {scene.namespace} is using 100% of its {resource} quota.",
            namespace=scene.namespace,
            resource=resource,
            resourcequota=name,
        )


def _namespace(scene: Scene, fault: str, also: tuple[str, ...] = ()) -> Answer:
    return Answer(
        fault,
        Component("Namespace", scene.namespace),
        EITHER,
        frozenset({"ResourceQuota", "ReplicaSet"}),
        frozenset(also),
    )


QUOTA_NAMES = ("compute-resources", "team-quota", "default", "mem-cpu-quota", "object-counts", "budget")


@way("namespace_cpu_quota_exceeded")
def requests_for_cpu_are_used_up(scene: Scene) -> Answer:
    return _cpu_quota(scene, "requests.cpu")


@way("namespace_cpu_quota_exceeded")
def limits_for_cpu_are_used_up(scene: Scene) -> Answer:
    return _cpu_quota(scene, "limits.cpu")


def _milli(text: str) -> int:
    return int(text[:-1]) if text.endswith("m") else int(float(text) * 1000)


def _cpu_quota(scene: Scene, resource: str) -> Answer:
    program = scene.pick(where=_is_deployment)
    name = scene.dice.choice(QUOTA_NAMES)
    kind = resource.split(".", maxsplit=1)[0]
    asked = _milli(program.container["resources"][kind]["cpu"])
    hard = scene.dice.choice([2000, 4000, 6000, 8000])
    used = hard - scene.dice.randrange(0, max(1, min(asked, 100)), 10)
    shown = {
        "requested": f"{asked}m",
        "used": f"{used}m" if used % 1000 else str(used // 1000),
        "limited": str(hard // 1000),
    }
    said = ", ".join(f"{key}: {resource}={value}" for key, value in shown.items())
    _quota(
        scene,
        name,
        {resource: shown["limited"], "requests.memory": "64Gi", "pods": "60"},
        {resource: shown["used"], "requests.memory": "9Gi", "pods": str(20 + hard // 1000)},
    )
    _refuse(scene, program, lambda: f"exceeded quota: {name}, {said}")
    _told_full(scene, name, resource)
    return _namespace(scene, "namespace_cpu_quota_exceeded")


@way("namespace_memory_quota_exceeded")
def requests_for_memory_are_used_up(scene: Scene) -> Answer:
    return _memory_quota(scene, "requests.memory")


@way("namespace_memory_quota_exceeded")
def limits_for_memory_are_used_up(scene: Scene) -> Answer:
    return _memory_quota(scene, "limits.memory")


def _memory_quota(scene: Scene, resource: str) -> Answer:
    program = scene.pick(where=_is_deployment)
    name = scene.dice.choice(QUOTA_NAMES)
    asked = int(program.container["resources"][resource.split(".", maxsplit=1)[0]]["memory"].removesuffix("Mi"))
    hard = scene.dice.choice([4, 6, 8, 12])
    used = hard * 1024 - scene.dice.randrange(0, max(1, asked), 8)
    said = f"requested: {resource}={asked}Mi, used: {resource}={used}Mi, limited: {resource}={hard}Gi"
    _quota(scene, name, {resource: f"{hard}Gi", "requests.cpu": "24"}, {resource: f"{used}Mi", "requests.cpu": "3350m"})
    _refuse(scene, program, lambda: f"exceeded quota: {name}, {said}")
    _told_full(scene, name, resource)
    return _namespace(scene, "namespace_memory_quota_exceeded")


@way("namespace_pod_quota_exceeded")
def number_of_pods_is_used_up(scene: Scene) -> Answer:
    return _pod_quota(scene, "pods")


@way("namespace_pod_quota_exceeded")
def counted_pods_are_used_up(scene: Scene) -> Answer:
    return _pod_quota(scene, "count/pods")


def _pod_quota(scene: Scene, resource: str) -> Answer:
    program = scene.pick(where=_is_deployment)
    name = scene.dice.choice(QUOTA_NAMES)
    _refuse(scene, program, lambda: "")
    number = sum(len(one.pods) for one in scene.programs if one.namespace == scene.namespace)
    sentence = (
        f"exceeded quota: {name}, requested: {resource}=1, used: {resource}={number}, limited: {resource}={number}"
    )
    for event in scene.happenings:
        event.message = (
            event.message.replace("is forbidden: ", f"is forbidden: {sentence}")
            if event.reason == "FailedCreate"
            else event.message
        )
    program.refused += sentence
    _quota(scene, name, {resource: str(number), "requests.cpu": "20"}, {resource: str(number), "requests.cpu": "2100m"})
    _told_full(scene, name, resource)
    return _namespace(scene, "namespace_pod_quota_exceeded")


@way("namespace_service_quota_exceeded")
def a_release_could_not_make_its_service(scene: Scene) -> Answer:
    """A GitOps controller keeps failing to apply the Service, and says so in an event of its own object."""
    program, sentence = _without_service(scene, "services")
    release = scene.style.team
    kind, by = scene.dice.choice([("Kustomization", "kustomize-controller"), ("HelmRelease", "helm-controller")])
    text = f"Service/{program.namespace}/{program.name} dry-run failed, reason: Forbidden: {sentence}"
    if kind == "HelmRelease":
        text = f"Helm upgrade failed for release {program.namespace}/{release} with chart {release}@2.{scene.dice.randrange(9)}.0: {sentence}"
    reason = "UpgradeFailed" if kind == "HelmRelease" else "ReconciliationFailed"
    scene.event((kind, program.namespace, release), reason, text, count=scene.dice.randrange(3, 9), by=by)
    return _namespace(scene, "namespace_service_quota_exceeded")


@way("namespace_service_quota_exceeded")
def services_are_counted_and_one_is_missing(scene: Scene) -> Answer:
    """Applied by hand from somebody's shell: only the quota, the missing Service and the callers tell."""
    program, sentence = _without_service(scene, "count/services" if scene.dice.random() < 0.4 else "services")
    scene.event(
        ("Service", program.namespace, program.name),
        "FailedCreate",
        f"Error creating: {sentence}",
        count=3,
        by="service-operator",
    )
    return _namespace(scene, "namespace_service_quota_exceeded")


def _without_service(scene: Scene, resource: str) -> tuple[Program, str]:
    program = scene.called()
    program.service = None
    program.created = scene.onset
    scene.recreate(program, lambda _: None)
    number = sum(1 for one in scene.programs if one.service and one.namespace == scene.namespace) + len(
        scene.loose_services
    )
    name = scene.dice.choice(QUOTA_NAMES)
    _quota(
        scene,
        name,
        {resource: str(number), "services.loadbalancers": "2", "secrets": "100"},
        {resource: str(number), "services.loadbalancers": "0", "secrets": "14"},
    )
    scene.starve(program, "no_such_host")
    _told_full(scene, name, resource)
    sentence = f'services "{program.name}" is forbidden: exceeded quota: {name}, requested: {resource}=1, used: {resource}={number}, limited: {resource}={number}'
    return program, sentence


@way("namespace_storage_quota_exceeded")
def claims_ask_for_more_storage_than_is_left(scene: Scene) -> Answer:
    return _storage_quota(scene, "requests.storage")


@way("namespace_storage_quota_exceeded")
def number_of_claims_is_used_up(scene: Scene) -> Answer:
    return _storage_quota(scene, "persistentvolumeclaims")


@way("namespace_storage_quota_exceeded")
def storage_of_one_class_is_used_up(scene: Scene) -> Answer:
    return _storage_quota(scene, f"{storage_class(scene)}.storageclass.storage.k8s.io/requests.storage")


def _storage_quota(scene: Scene, resource: str) -> Answer:
    program = scene.pick("database", "queue", "cache", where=lambda one: one.kind == "StatefulSet")
    name = scene.dice.choice(("storage-quota", "storage", "team-quota"))
    size = program.spec["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"]
    gib = int(size.removesuffix("Gi"))
    requested, used, hard = (
        (size, f"{gib * 2}Gi", f"{gib * 2 + gib // 2}Gi") if "storage" in resource else ("1", "4", "4")
    )
    program.replicas += scene.dice.choice([1, 2])
    keep = len(program.pods)
    sentence = f"exceeded quota: {name}, requested: {resource}={requested}, used: {resource}={used}, limited: {resource}={hard}"
    claim = f"data-{program.name}-{keep}"
    scene.add(
        "ResourceQuota",
        name,
        program.namespace,
        spec={"hard": {resource: hard, "pods": "50"}},
        status={"hard": {resource: hard, "pods": "50"}, "used": {resource: used, "pods": "12"}},
    )
    text = f'create Claim {claim} for Pod {program.name}-{keep} in StatefulSet {program.name} failed error: persistentvolumeclaims "{claim}" is forbidden: {sentence}'
    scene.event(program, "FailedCreate", text, count=scene.dice.randrange(8, 17), by="statefulset-controller")
    suffer(scene, program)
    return Answer(
        "namespace_storage_quota_exceeded",
        Component("Namespace", program.namespace),
        EITHER,
        frozenset({"ResourceQuota"}),
    )


@way("missing_service_account")
def account_was_never_made(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    name = f"{program.name}-{scene.dice.choice(['sa', 'runner', 'identity'])}"
    return _no_account(
        scene, program, name, lambda one: one.pod_spec.update(serviceAccountName=name, serviceAccount=name)
    )


@way("missing_service_account")
def account_was_deleted(scene: Scene) -> Answer:
    """Somebody tidied up; the template is as it always was, and no new pod comes."""
    program = scene.pick(where=_is_deployment)
    name = f"{program.name}-app"
    program.pod_spec.update(serviceAccountName=name, serviceAccount=name)
    for older in program.revisions:
        older.template["spec"].update(serviceAccountName=name)
    return _no_account(scene, program, name, None)


def _no_account(scene: Scene, program: Program, name: str, edit: Callable[[Program], object] | None) -> Answer:
    how = scene.dice.choice(["rolled", "lost"]) if edit else scene.dice.choice(["scaled", "lost"])
    _refuse(
        scene,
        program,
        lambda: f'error looking up service account {program.namespace}/{name}: serviceaccount "{name}" not found',
        how=how,
        edit=edit,
    )
    return Answer("missing_service_account", program.component, EITHER, frozenset({"ServiceAccount", "ReplicaSet"}))


_RESTRICTED = (
    'allowPrivilegeEscalation != false (container "{c}" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities '
    '(container "{c}" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "{c}" must set '
    'securityContext.runAsNonRoot=true), seccompProfile (pod or container "{c}" must set securityContext.seccompProfile.type to '
    '"RuntimeDefault" or "Localhost")'
)


def _label_namespace(scene: Scene, level: str) -> None:
    labels = {
        "kubernetes.io/metadata.name": scene.namespace,
        "pod-security.kubernetes.io/enforce": level,
        "pod-security.kubernetes.io/enforce-version": "latest",
    }
    scene.add(
        "Namespace", scene.namespace, labels=labels, spec={"finalizers": ["kubernetes"]}, status={"phase": "Active"}
    )


@way("pod_security_rejected")
def namespace_became_restricted(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    _label_namespace(scene, "restricted")
    told = _RESTRICTED.format(c=program.main)
    _refuse(
        scene,
        program,
        lambda: f'violates PodSecurity "restricted:latest": {told}',
        how=scene.dice.choice(["lost", "scaled"]),
    )
    return Answer("pod_security_rejected", program.component, EITHER, frozenset({"Namespace", "ReplicaSet"}))


@way("pod_security_rejected")
def template_wants_privileges(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    _label_namespace(scene, "baseline")
    kind = scene.dice.choice(["privileged", "hostPath", "hostNetwork"])

    def edit(one: Program) -> None:
        if kind == "privileged":
            one.container["securityContext"] = {"privileged": True}
        elif kind == "hostPath":
            one.pod_spec.setdefault("volumes", []).append(
                {"name": "docker-sock", "hostPath": {"path": "/var/run/docker.sock", "type": ""}}
            )
        else:
            one.pod_spec["hostNetwork"] = True

    told = {
        "privileged": f'privileged (container "{program.main}" must not set securityContext.privileged=true)',
        "hostPath": 'hostPath volumes (volume "docker-sock")',
        "hostNetwork": "host namespaces (hostNetwork=true)",
    }[kind]
    _refuse(
        scene,
        program,
        lambda: f'violates PodSecurity "baseline:latest": {told}',
        how=scene.dice.choice(["rolled", "lost"]),
        edit=edit,
    )
    return Answer("pod_security_rejected", program.component, EITHER, frozenset({"Namespace", "ReplicaSet"}))


@way("admission_webhook_denied")
def policy_engine_refuses_the_template(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    name, told = scene.dice.choice(
        [
            ("validation.gatekeeper.sh", '[{team}-required-labels] you must provide labels: {{"cost-center"}}'),
            (
                "validate.kyverno.svc-fail",
                f"\n\nresource Pod/{program.namespace}/{program.name} was blocked due to the following policies \n\ndisallow-latest-tag:\n  validate-image-tag: 'validation error: Using a mutable image tag e.g. ''latest'' is not allowed. rule validate-image-tag failed at path /spec/containers/0/image/'\n",
            ),
            ("image-policy.{team}.example", f"image {program.container['image']} is not signed by a trusted key"),
        ]
    )
    name, told = name.replace("{team}", scene.style.team), told.replace("{team}", scene.style.team)
    _hook(
        scene, "ValidatingWebhookConfiguration", f"{scene.style.team}-policies", name, "policy-system", "policy-webhook"
    )
    stranger(scene, "policy-system", "policy-webhook", scene.ago(days=50))
    scene.refuse(program, f'admission webhook "{name}" denied the request: {told}', keep=_begin(scene, program))
    suffer(scene, program)
    return Answer("admission_webhook_denied", program.component, frozenset({"objects"}), frozenset({"ReplicaSet"}))


def _begin(scene: Scene, program: Program) -> int:
    if scene.dice.random() < 0.5:
        scene.revise(program, lambda one: one.set_env("RELEASE", "r2"), scene.onset)
        return len(program.pods)
    program.replicas += 1
    return scene.dice.choice([0, len(program.pods)])


def _hook(scene: Scene, kind: str, name: str, hook: str, namespace: str, service: str) -> None:
    rules = [
        {
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "operations": ["CREATE", "UPDATE"],
            "resources": ["pods"],
            "scope": "*",
        }
    ]
    client = {"service": {"name": service, "namespace": namespace, "path": "/validate", "port": 443}}
    row = {
        "name": hook,
        "admissionReviewVersions": ["v1"],
        "clientConfig": client,
        "failurePolicy": "Fail",
        "rules": rules,
        "sideEffects": "None",
        "timeoutSeconds": 10,
        "matchPolicy": "Equivalent",
    }
    scene.add(kind, name, api="admissionregistration.k8s.io/v1", webhooks=[row])


@way("admission_webhook_denied")
def webhook_itself_is_gone(scene: Scene) -> Answer:
    """Its pods are away, it fails closed, and so nobody's pods are let in."""
    program = scene.pick(where=_is_deployment)
    name = scene.dice.choice(["sidecar-injector", "secrets-injector", "pod-defaults"])
    owner = stranger(scene, f"{name}-system", name, scene.ago(days=70))
    scene.service_for(owner, port=443).ports[0]["targetPort"] = 8443
    kind = scene.dice.choice(["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"])
    hook = f"{name}.{scene.style.team}.example"
    _hook(scene, kind, f"{name}-cfg", hook, owner.namespace, owner.name)
    scene.scale(owner, 0, scene.onset)
    call = f"https://{owner.name}.{owner.namespace}.svc:443/validate?timeout=10s"
    text = f'Internal error occurred: failed calling webhook "{hook}": failed to call webhook: Post "{call}": no endpoints available for service "{owner.name}"'
    for one in [
        program,
        *[other for other in scene.programs if other.kind == "Deployment" and other is not program][:1],
    ]:
        scene.refuse(one, text, keep=_begin(scene, one))
        suffer(scene, one)
    config = Component(kind, f"{name}-cfg")
    places = {str(owner.component), str(program.component)}
    return Answer("admission_webhook_denied", config, EITHER, frozenset({"ReplicaSet"}), frozenset(), frozenset(places))


def _limits(scene: Scene, row: Object) -> None:
    scene.add(
        "LimitRange",
        scene.dice.choice(["limits", "container-limits", "mem-limit-range"]),
        scene.namespace,
        spec={"limits": [row]},
    )


@way("limit_range_violated")
def limit_is_above_the_greatest(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    kind = scene.dice.choice(["memory", "cpu"])
    most, wanted = {"memory": ("512Mi", "2Gi"), "cpu": ("500m", "2")}[kind]
    _limits(scene, {"type": "Container", "max": {kind: most}, "default": {kind: most}, "defaultRequest": {kind: most}})

    def edit(one: Program) -> None:
        one.container["resources"]["limits"] = {**one.container["resources"]["limits"], kind: wanted}

    _refuse(
        scene,
        program,
        lambda: f"maximum {kind} usage per Container is {most}, but limit is {wanted}",
        how=scene.dice.choice(["rolled", "lost"]),
        edit=edit,
    )
    return Answer("limit_range_violated", program.component, EITHER, frozenset({"LimitRange", "ReplicaSet"}))


@way("limit_range_violated")
def request_is_below_the_least(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    kind, least, asked = scene.dice.choice([("memory", "128Mi", "16Mi"), ("cpu", "100m", "10m")])
    _limits(scene, {"type": "Container", "min": {kind: least}, "max": {"cpu": "4", "memory": "8Gi"}})

    def edit(one: Program) -> None:
        one.container["resources"]["requests"] = {**one.container["resources"]["requests"], kind: asked}

    _refuse(
        scene,
        program,
        lambda: f"minimum {kind} usage per Container is {least}, but request is {asked}",
        how=scene.dice.choice(["rolled", "lost"]),
        edit=edit,
    )
    return Answer("limit_range_violated", program.component, EITHER, frozenset({"LimitRange", "ReplicaSet"}))


@way("limit_range_violated")
def limit_is_too_many_times_the_request(scene: Scene) -> Answer:
    program = scene.pick(where=_is_deployment)
    _limits(scene, {"type": "Container", "maxLimitRequestRatio": {"cpu": "4"}})

    def edit(one: Program) -> None:
        one.container["resources"] = {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"cpu": "800m", "memory": "256Mi"},
        }

    _refuse(
        scene,
        program,
        lambda: "cpu max limit to request ratio per Container is 4, but provided ratio is 8.000000",
        how=scene.dice.choice(["rolled", "lost"]),
        edit=edit,
    )
    return Answer("limit_range_violated", program.component, EITHER, frozenset({"LimitRange", "ReplicaSet"}))
