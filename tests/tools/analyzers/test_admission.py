"""Pods that nobody may create: quotas, accounts, security levels, limits and webhooks; and refusals that are over."""

from typing import Any

import pytest

from tests.tools.objects import (
    NS,
    Object,
    caller,
    container,
    deployment,
    endpoint_slice,
    event,
    pod,
    replica_set,
    service,
    snapshot,
)
from tools.engines.analyzers import admission, quotas
from tools.engines.explain import investigate
from tools.engines.finding import Finding
from tools.engines.graph import Graph
from tools.engines.shortage import misses_pods
from tools.engines.snapshot import LogKey

REFUSED = 'Error creating: pods "baker-rs1-x2x4z" is forbidden: '


def short(*programs: Object, **spec: Any) -> list[Object]:
    """A workload whose ReplicaSet may not create a second pod."""
    asks = programs or (container(),)
    owner = deployment("baker", *asks, replicas=2, available=1)
    owner["spec"]["template"]["spec"] |= spec
    owner["status"]["replicas"] = 1
    made = replica_set(owner, 1, *asks, ready=1)
    made["spec"]["replicas"], made["status"]["replicas"] = 2, 1
    return [owner, made, pod(made)]


def whole() -> list[Object]:
    owner = deployment("baker", replicas=2, available=2)
    made = replica_set(owner, 1, ready=2)
    made["spec"]["replicas"], made["status"]["replicas"] = 2, 2
    return [owner, made, pod(made, "bcdfg"), pod(made, "hjklm")]


def quota(used: dict[str, str], hard: dict[str, str], **spec: Any) -> Object:
    return {
        "kind": "ResourceQuota",
        "metadata": {"namespace": NS, "name": "bound"},
        "spec": {"hard": hard, **spec},
        "status": {"hard": hard, "used": used},
    }


def asking(**requests: str) -> Object:
    return {**container(), "resources": {"requests": requests}}


def told(objects: list[Object], sentence: str) -> Object:
    return event(objects[1], "FailedCreate", REFUSED + sentence)


def of_quotas(*objects: Object, logs: dict[LogKey, str] | None = None) -> list[Finding]:
    facts = snapshot(*objects, logs=logs)
    return list(quotas.quotas_that_are_used_up(facts, Graph(facts)))


def of_admission(*objects: Object) -> list[Finding]:
    facts = snapshot(*objects)
    graph = Graph(facts)
    return [
        *admission.pods_that_are_refused(facts, graph),
        *admission.accounts_that_do_not_exist(facts, graph),
        *admission.pods_below_the_security_level(facts, graph),
        *admission.containers_outside_the_limit_range(facts, graph),
        *admission.webhooks_with_nobody_behind(facts, graph),
    ]


@pytest.mark.parametrize(
    ("resource", "fault"),
    [
        ("requests.cpu", "namespace_cpu_quota_exceeded"),
        ("limits.cpu", "namespace_cpu_quota_exceeded"),
        ("memory", "namespace_memory_quota_exceeded"),
        ("limits.memory", "namespace_memory_quota_exceeded"),
        ("pods", "namespace_pod_quota_exceeded"),
        ("count/pods", "namespace_pod_quota_exceeded"),
        ("requests.storage", "namespace_storage_quota_exceeded"),
        ("fast.storageclass.storage.k8s.io/requests.storage", "namespace_storage_quota_exceeded"),
        ("services.loadbalancers", "namespace_service_quota_exceeded"),
    ],
)
def test_the_sentence_names_the_resource(resource: str, fault: str) -> None:
    objects = short()
    sentence = f"exceeded quota: bound, requested: {resource}=1, used: {resource}=2, limited: {resource}=2"
    (finding,) = of_quotas(*objects, told(objects, sentence))
    assert (finding.fault, str(finding.component)) == (fault, f"Namespace {NS}")
    assert [one.name for one in finding.harms] == ["baker"]
    assert f"{resource} has 2 of 2 used" in finding.words("en")


def test_of_two_resources_the_more_exceeded_one_bears_the_blame() -> None:
    objects = short()
    sentence = "exceeded quota: bound, requested: cpu=4,memory=1Gi, used: cpu=1,memory=4Gi, limited: cpu=2,memory=4Gi"
    first, second = sorted(of_quotas(*objects, told(objects, sentence)), key=lambda one: -one.evidence[0].weight)
    assert (first.fault, second.fault) == ("namespace_cpu_quota_exceeded", "namespace_memory_quota_exceeded")


@pytest.mark.parametrize(
    ("asks", "used", "hard", "fault"),
    [
        ({"cpu": "500m"}, {"requests.cpu": "1600m"}, {"requests.cpu": "2"}, "namespace_cpu_quota_exceeded"),
        (
            {"memory": "1Gi"},
            {"requests.memory": "3584Mi"},
            {"requests.memory": "4Gi"},
            "namespace_memory_quota_exceeded",
        ),
        ({}, {"pods": "10"}, {"pods": "10"}, "namespace_pod_quota_exceeded"),
    ],
)
def test_without_a_sentence_one_more_pod_is_set_against_the_quota(
    asks: dict[str, str], used: dict[str, str], hard: dict[str, str], fault: str
) -> None:
    assert [one.fault for one in of_quotas(*short(asking(**asks)), quota(used, hard))] == [fault]


def test_a_pod_that_still_fits_exactly_exceeds_nothing() -> None:
    assert of_quotas(*short(asking(cpu="500m")), quota({"requests.cpu": "1500m"}, {"requests.cpu": "2"})) == []


def test_limits_are_counted_with_what_a_limit_range_gives() -> None:
    given = {
        "kind": "LimitRange",
        "metadata": {"namespace": NS, "name": "l"},
        "spec": {"limits": [{"type": "Container", "default": {"cpu": "1"}}]},
    }
    objects = [*short(), quota({"limits.cpu": "3500m"}, {"limits.cpu": "4"})]
    assert of_quotas(*objects) == []
    assert [one.fault for one in of_quotas(*objects, given)] == ["namespace_cpu_quota_exceeded"]


def test_a_quota_for_other_pods_is_not_to_blame() -> None:
    full = {"pods": "10"}
    assert of_quotas(*short(asking(cpu="1")), quota(full, full, scopes=["BestEffort"])) == []
    assert of_quotas(*short(asking(cpu="1")), quota(full, full, scopes=["NotBestEffort"])) != []
    by_class = {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]}
    assert of_quotas(*short(), quota(full, full, scopeSelector=by_class)) == []


def test_a_full_quota_in_a_namespace_that_lacks_nothing_accuses_nobody() -> None:
    assert of_quotas(*whole(), quota({"pods": "2"}, {"pods": "2"})) == []


def test_a_refusal_that_was_overcome_accuses_nobody() -> None:
    objects = whole()
    sentence = "exceeded quota: bound, requested: pods=1, used: pods=2, limited: pods=2"
    assert of_quotas(*objects, told(objects, sentence), quota({"pods": "2"}, {"pods": "5"})) == []


def test_the_refusal_of_a_replica_set_that_is_gone_accuses_nobody() -> None:
    objects = short()
    ghost = {"kind": "ReplicaSet", "metadata": {"namespace": NS, "name": "old-rs9"}}
    assert (
        of_quotas(
            *objects,
            event(ghost, "FailedCreate", "exceeded quota: bound, requested: pods=1, used: pods=2, limited: pods=2"),
        )
        == []
    )


def test_a_service_that_is_called_and_may_not_be_made() -> None:
    bound = quota({"services": "1"}, {"services": "1"})
    objects = [deployment("oven"), caller("shop", "http://oven:80"), service("mill")]
    (finding,) = of_quotas(*objects, bound)
    assert finding.fault == "namespace_service_quota_exceeded"
    assert not finding.latent
    assert [one.name for one in finding.harms] == ["shop"]


def test_a_service_that_may_not_be_made_is_the_cause_and_not_the_address_of_its_callers() -> None:
    full = quota({"services": "1"}, {"services": "1"})
    client = caller("shop", "http://oven:80")
    made = replica_set(client, 1)
    objects = [deployment("oven"), client, made, pod(made), service("mill"), full]
    log = {LogKey(NS, "shop-rs1-bcdfg", "app"): "ERROR dial tcp: lookup oven on 10.96.0.10:53: no such host"}
    causes = investigate(snapshot(*objects, logs=log))[0].causes
    assert [one.finding.fault for one in causes] == ["namespace_service_quota_exceeded"]
    roomy = quota({"services": "1"}, {"services": "5"})
    causes = investigate(snapshot(*objects[:-1], roomy, logs=log))[0].causes
    assert [one.finding.fault for one in causes] == ["service_env_var_address_mismatch"]


def test_where_services_were_not_read_a_name_that_is_not_found_and_is_a_workloads_is_wanted() -> None:
    full = quota({"services": "1"}, {"services": "1"})
    eats = deployment("shop")
    made = replica_set(eats, 1)
    log = {LogKey(NS, "shop-rs1-bcdfg", "app"): "ERROR dial tcp: lookup oven on 10.96.0.10:53: no such host"}
    found = of_quotas(deployment("oven"), eats, made, pod(made), full, logs=log)
    assert [(one.fault, one.latent) for one in found] == [("namespace_service_quota_exceeded", False)]
    assert [one.latent for one in of_quotas(eats, made, pod(made), full, logs=log)] == [True]


def test_a_name_that_only_a_log_tells_is_wanted_unless_its_service_is_there() -> None:
    full = quota({"services": "1"}, {"services": "1"})
    eats = deployment("shop")
    made = replica_set(eats, 1)
    log = {LogKey(NS, "shop-rs1-bcdfg", "app"): "java.net.UnknownHostException: oven: Name or service not known"}
    objects = [deployment("oven"), eats, made, pod(made), full]
    assert [one.latent for one in of_quotas(*objects, service("mill"), logs=log)] == [False]
    assert [one.latent for one in of_quotas(*objects, service("oven"), logs=log)] == [True]


def test_a_deployers_event_tells_of_the_namespace_that_has_the_quota() -> None:
    sync = {"kind": "Kustomization", "metadata": {"namespace": "flux-system", "name": "shop"}}
    said = 'services "oven" is forbidden: exceeded quota: bound, requested: services=1, used: services=1, limited: services=1'
    failed = event(sync, "ReconciliationFailed", said)
    (finding,) = of_quotas(failed, service("mill"), quota({"services": "1"}, {"services": "1"}))
    assert finding.component.name == NS
    (finding,) = of_quotas(failed, service("mill"))
    assert finding.component.name == "flux-system"


def test_a_full_service_quota_that_nobody_suffers_from_is_latent() -> None:
    (finding,) = of_quotas(deployment("mill"), service("mill"), quota({"services": "1"}, {"services": "1"}))
    assert finding.latent


def test_a_claim_that_a_stateful_set_may_not_make() -> None:
    owner = deployment("store", replicas=1, available=0)
    owner |= {"kind": "StatefulSet", "status": {"replicas": 0}}
    owner["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    sentence = (
        "create Claim data-store-0 for Pod store-0 in StatefulSet store failed error: persistentvolumeclaims is forbidden: "
        "exceeded quota: bound, requested: requests.storage=10Gi, used: requests.storage=5Gi, limited: requests.storage=10Gi"
    )
    (finding,) = of_quotas(owner, event(owner, "FailedCreate", sentence))
    assert (finding.fault, finding.harms[0].name) == ("namespace_storage_quota_exceeded", "store")


def test_the_next_claim_of_a_stateful_set_is_set_against_the_quota_of_its_class() -> None:
    owner = deployment("store", replicas=2, available=1)
    owner |= {"kind": "StatefulSet", "status": {"replicas": 1}}
    asks = {"resources": {"requests": {"storage": "8Gi"}}, "storageClassName": "fast"}
    owner["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": asks}]
    resource = "fast.storageclass.storage.k8s.io/requests.storage"
    (finding,) = of_quotas(owner, quota({resource: "16Gi"}, {resource: "20Gi"}))
    assert (finding.fault, finding.latent) == ("namespace_storage_quota_exceeded", False)
    assert of_quotas(owner, quota({resource: "8Gi"}, {resource: "20Gi"})) == []


def test_a_refused_claim_explains_the_pod_that_waits_for_it() -> None:
    owner = deployment("baker", available=0)
    owner["spec"]["template"]["spec"]["volumes"] = [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]
    other = {"kind": "PersistentVolumeClaim", "metadata": {"namespace": NS, "name": "other"}}
    bound = quota({"persistentvolumeclaims": "1"}, {"persistentvolumeclaims": "1"})
    (finding,) = of_quotas(owner, other, bound)
    assert (finding.fault, finding.latent) == ("namespace_storage_quota_exceeded", False)
    assert [one.name for one in finding.harms] == ["baker"]


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        (f'error looking up service account {NS}/runner: serviceaccount "runner" not found', "missing_service_account"),
        ('violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false', "pod_security_rejected"),
        ("unable to validate against any pod security policy: []", "pod_security_rejected"),
        ("unable to validate against any security context constraint: [provider restricted]", "pod_security_rejected"),
        (
            'admission webhook "validate.example" denied the request: label owner is required',
            "admission_webhook_denied",
        ),
        ("ValidatingAdmissionPolicy 'p' with binding 'b' denied request: too many", "admission_webhook_denied"),
        ("maximum memory usage per Container is 512Mi, but limit is 1Gi", "limit_range_violated"),
        ("minimum cpu usage per Pod is 100m, but request is 10m", "limit_range_violated"),
        ("cpu max limit to request ratio per Container is 2, but provided ratio is 10.000000", "limit_range_violated"),
    ],
)
def test_who_refused_stands_in_the_sentence(sentence: str, fault: str) -> None:
    objects = short()
    (finding,) = of_admission(*objects, told(objects, sentence))
    assert (finding.fault, finding.component.name) == (fault, "baker")


def test_a_condition_says_it_where_the_events_are_gone() -> None:
    objects = short()
    objects[0]["status"]["conditions"].append(
        {
            "type": "ReplicaFailure",
            "status": "True",
            "reason": "FailedCreate",
            "message": 'serviceaccount "runner" not found',
        }
    )
    assert [one.fault for one in of_admission(*objects)] == ["missing_service_account"]


def test_a_quota_is_no_matter_of_admission_rules() -> None:
    objects = short()
    assert (
        of_admission(*objects, told(objects, "exceeded quota: bound, requested: pods=1, used: pods=2, limited: pods=2"))
        == []
    )


def account(name: str = "default") -> Object:
    return {"kind": "ServiceAccount", "metadata": {"namespace": NS, "name": name}}


def test_an_account_that_does_not_exist_is_seen_in_the_objects() -> None:
    (finding,) = of_admission(*short(serviceAccountName="runner"), account())
    assert finding.fault == "missing_service_account"
    assert of_admission(*short(serviceAccountName="runner"), account("runner")) == []
    assert of_admission(*short(serviceAccountName="runner")) == []


def namespace(level: str) -> Object:
    return {"kind": "Namespace", "metadata": {"name": NS, "labels": {"pod-security.kubernetes.io/enforce": level}}}


def test_a_level_that_the_template_does_not_reach_is_seen_in_the_objects() -> None:
    (finding,) = of_admission(*short(hostNetwork=True), namespace("baseline"))
    assert finding.fault == "pod_security_rejected"
    assert of_admission(*short(), namespace("baseline")) == []
    assert [one.fault for one in of_admission(*short(), namespace("restricted"))] == ["pod_security_rejected"]


def test_a_template_that_is_restricted_enough_is_not_refused() -> None:
    context = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert of_admission(*short({**container(), "securityContext": context}), namespace("restricted")) == []


def limits(**row: Any) -> Object:
    return {
        "kind": "LimitRange",
        "metadata": {"namespace": NS, "name": "l"},
        "spec": {"limits": [{"type": "Container", **row}]},
    }


def test_limits_outside_the_range_are_seen_in_the_objects() -> None:
    objects = short(container(memory="1Gi"))
    assert [one.fault for one in of_admission(*objects, limits(max={"memory": "512Mi"}))] == ["limit_range_violated"]
    assert [one.fault for one in of_admission(*objects, limits(min={"memory": "2Gi"}))] == ["limit_range_violated"]
    assert of_admission(*objects, limits(max={"memory": "1024Mi"})) == []


def hooks(policy: str = "Fail") -> Object:
    where = {"service": {"namespace": NS, "name": "judge"}}
    hook = {
        "name": "pods.judge.example",
        "failurePolicy": policy,
        "rules": [{"resources": ["pods"]}],
        "clientConfig": where,
    }
    return {"kind": "ValidatingWebhookConfiguration", "metadata": {"name": "judge"}, "webhooks": [hook]}


def test_a_webhook_that_cannot_be_asked_is_itself_to_be_changed() -> None:
    objects = short()
    sentence = (
        'failed calling webhook "pods.judge.example": failed to call webhook: Post "https://judge": connection refused'
    )
    (finding,) = of_admission(*objects, hooks(), told(objects, sentence))
    assert (finding.fault, finding.component.kind) == ("admission_webhook_denied", "ValidatingWebhookConfiguration")
    assert [one.name for one in finding.harms] == ["baker"]


def test_a_webhook_with_nobody_behind_is_seen_in_the_objects() -> None:
    assert [one.fault for one in of_admission(*short(), hooks(), service("judge"), endpoint_slice("judge", 0))] == [
        "admission_webhook_denied"
    ]
    assert of_admission(*short(), hooks(), service("judge"), endpoint_slice("judge", 1)) == []
    assert of_admission(*short(), hooks("Ignore"), service("judge"), endpoint_slice("judge", 0)) == []
    assert of_admission(*whole(), hooks(), service("judge"), endpoint_slice("judge", 0)) == []


def test_pods_that_are_missing_and_pods_that_only_wait() -> None:
    facts = snapshot(*short())
    assert misses_pods(facts, facts.programs[0])
    facts = snapshot(*whole())
    assert not misses_pods(facts, facts.programs[0])


def test_garbage_is_read_as_nothing() -> None:
    broken = [
        {"kind": "ResourceQuota", "status": {"used": [], "hard": {"services": {}}}},
        {"kind": "LimitRange", "spec": {"limits": "x"}},
    ]
    assert of_quotas(*short(), *broken) == []
    assert (
        of_admission(
            *short(),
            *broken,
            {"kind": "ValidatingWebhookConfiguration", "webhooks": [{"rules": [{"resources": None}]}]},
        )
        == []
    )
