"""What the API server fills in and what it refuses to create, in its own sentences."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.kubernetes_api import Failure, admit, defaulted, usage
from simulator.store import Store
from tests.simulator.kubernetes_world import NOON

Object = dict[str, Any]


@pytest.fixture
def store() -> Store:
    store = Store(lambda: NOON, uid_seed=7)
    add(store, "Namespace", "shop")
    add(store, "ServiceAccount", "default", "shop")
    return store


def add(store: Store, kind: str, name: str, namespace: str = "", **content: Any) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **content.pop("metadata", {})}
    return store.create(kind, defaulted(kind, {"metadata": metadata, **content}))


def container(name: str = "web", **more: Any) -> Object:
    return {"name": name, "image": "registry.shop.example/web:1", **more}


def resources(cpu: str = "", memory: str = "", /, **limits: str) -> Object:
    requests = {name: amount for name, amount in (("cpu", cpu), ("memory", memory)) if amount}
    return {"requests": requests, **({"limits": limits} if limits else {})}


def pod(*containers: Object, **spec: Any) -> Object:
    return {
        "metadata": {"name": "web-0", "namespace": "shop"},
        "spec": {"containers": [*containers] or [container()], **spec},
    }


def refused(store: Store, kind: str, obj: Object) -> str:
    with pytest.raises(Failure) as told:
        admit(store, kind, obj)
    return told.value.message


def quota(store: Store, name: str = "compute", **hard: str) -> Object:
    named = {key.replace("__", "/").replace("_", "."): amount for key, amount in hard.items()}
    return add(store, "ResourceQuota", name, "shop", spec={"hard": named})


def test_a_namespace_that_is_missing_or_ending_takes_nothing_new(store: Store) -> None:
    nowhere = {"metadata": {"name": "a", "namespace": "ghost"}}
    assert refused(store, "ConfigMap", nowhere) == 'namespaces "ghost" not found'
    add(store, "Namespace", "old", metadata={"deletionTimestamp": "2026-03-02T11:00:00Z"})
    ending = {"metadata": {"name": "a", "namespace": "old"}}
    assert refused(store, "ConfigMap", ending) == (
        'configmaps "a" is forbidden: unable to create new content in namespace old because it is being terminated'
    )


def test_a_pod_is_given_its_account_token_priority_and_patience(store: Store) -> None:
    spec = admit(store, "Pod", pod())["spec"]
    assert (spec["serviceAccountName"], spec["priority"]) == ("default", 0)
    assert spec["containers"][0]["volumeMounts"][0]["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
    assert spec["volumes"][0]["name"] == spec["containers"][0]["volumeMounts"][0]["name"]
    assert [each["tolerationSeconds"] for each in spec["tolerations"]] == [300, 300]


def test_a_pod_that_wants_no_token_gets_none(store: Store) -> None:
    assert "volumes" not in admit(store, "Pod", pod(automountServiceAccountToken=False))["spec"]
    add(store, "ServiceAccount", "quiet", "shop", automountServiceAccountToken=False)
    assert "volumes" not in admit(store, "Pod", pod(serviceAccountName="quiet"))["spec"]


def test_the_account_of_a_pod_has_to_exist(store: Store) -> None:
    wanted = {**pod(serviceAccountName="ghost"), "metadata": {"generateName": "web-59d-", "namespace": "shop"}}
    assert refused(store, "Pod", wanted) == (
        'pods "web-59d-" is forbidden: error looking up service account shop/ghost: serviceaccount "ghost" not found'
    )


def test_priorities_come_from_their_class(store: Store) -> None:
    add(store, "PriorityClass", "gold", value=1000)
    assert admit(store, "Pod", pod(priorityClassName="gold"))["spec"]["priority"] == 1000
    assert admit(store, "Pod", pod(priorityClassName="system-node-critical"))["spec"]["priority"] == 2_000_001_000
    told = refused(store, "Pod", pod(priorityClassName="ghost"))
    assert told == 'pods "web-0" is forbidden: no PriorityClass with name ghost was found'
    add(store, "PriorityClass", "usual", value=5, globalDefault=True)
    assert admit(store, "Pod", pod())["spec"]["priorityClassName"] == "usual"


def test_a_claim_gets_the_default_class(store: Store) -> None:
    claim = {"metadata": {"name": "data", "namespace": "shop"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    assert "storageClassName" not in admit(store, "PersistentVolumeClaim", claim)["spec"]
    marked = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    add(store, "StorageClass", "fast", metadata=marked, provisioner="x")
    assert admit(store, "PersistentVolumeClaim", claim)["spec"]["storageClassName"] == "fast"
    none = {**claim, "spec": {"storageClassName": ""}}
    assert admit(store, "PersistentVolumeClaim", none)["spec"]["storageClassName"] == ""


def test_a_quota_says_what_was_asked_used_and_allowed(store: Store) -> None:
    quota(store, requests_cpu="1", pods="10")
    for name in ("a", "b"):
        add(store, "Pod", name, "shop", spec={"containers": [container(resources=resources("400m"))]})
    told = refused(store, "Pod", pod(container(resources=resources("250m"))))
    assert told == (
        'pods "web-0" is forbidden: exceeded quota: compute, requested: requests.cpu=250m, used: requests.cpu=800m, '
        "limited: requests.cpu=1"
    )
    assert admit(store, "Pod", pod(container(resources=resources("200m"))))


def test_a_quota_on_limits_wants_them_set_in_every_container(store: Store) -> None:
    quota(store, limits_cpu="4", limits_memory="4Gi")
    told = refused(store, "Pod", pod(container("a"), container("b", resources=resources("1", "1Gi"))))
    assert told == (
        'pods "web-0" is forbidden: failed quota: compute: must specify limits.cpu for: a,b; limits.memory for: a,b'
    )


@pytest.mark.parametrize(
    ("kind", "obj", "hard", "told"),
    [
        ("Pod", pod(), {"pods": "0"}, "requested: pods=1, used: pods=0, limited: pods=0"),
        (
            "Service",
            {"spec": {"type": "NodePort", "ports": [{"port": 80}]}},
            {"services_nodeports": "0"},
            "requested: services.nodeports=1, used: services.nodeports=0, limited: services.nodeports=0",
        ),
        (
            "Service",
            {"spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}},
            {"services_loadbalancers": "0"},
            "requested: services.loadbalancers=1, used: services.loadbalancers=0, limited: services.loadbalancers=0",
        ),
        (
            "PersistentVolumeClaim",
            {"spec": {"resources": {"requests": {"storage": "20Gi"}}}},
            {"requests_storage": "10Gi"},
            "requested: requests.storage=20Gi, used: requests.storage=0, limited: requests.storage=10Gi",
        ),
        (
            "Deployment",
            {"spec": {}},
            {"count__deployments_apps": "0"},
            "requested: count/deployments.apps=1, used: count/deployments.apps=0, limited: count/deployments.apps=0",
        ),
        ("Secret", {}, {"secrets": "0"}, "requested: secrets=1, used: secrets=0, limited: secrets=0"),
    ],
)
def test_everything_can_be_counted(store: Store, kind: str, obj: Object, hard: Object, told: str) -> None:
    quota(store, **hard)
    made = {**obj, "metadata": {"name": "x", "namespace": "shop"}}
    assert refused(store, kind, made).endswith(f'"x" is forbidden: exceeded quota: compute, {told}')


def test_what_is_over_costs_nothing_and_a_scope_counts_its_own(store: Store) -> None:
    done = {"containers": [container(resources=resources("1", "1536Mi"))]}
    add(store, "Pod", "done", "shop", spec=done, status={"phase": "Succeeded"})
    add(store, "Pod", "live", "shop", spec=done)
    add(store, "Pod", "poor", "shop", spec={"containers": [container()]})
    made = quota(store, cpu="4", requests_memory="8Gi", pods="9", count__pods="9")
    assert usage(store, made) == {"count/pods": "3", "cpu": "1", "pods": "2", "requests.memory": "1536Mi"}
    scoped = {**made, "spec": {**made["spec"], "scopes": ["BestEffort"]}}
    assert usage(store, scoped)["pods"] == "1"


def test_a_pod_costs_its_greediest_moment(store: Store) -> None:
    greedy = pod(container(resources=resources("200m")), initContainers=[container("first", resources=resources("2"))])
    add(store, "Pod", "greedy", "shop", spec=greedy["spec"])
    assert usage(store, quota(store, cpu="4"))["cpu"] == "2"


def limit(store: Store, kind: str = "Container", **rules: Any) -> None:
    add(store, "LimitRange", "bounds", "shop", spec={"limits": [{"type": kind, **rules}]})


def test_a_limit_range_fills_what_a_container_leaves_open(store: Store) -> None:
    limit(store, default={"cpu": "500m"}, defaultRequest={"cpu": "100m", "memory": "64Mi"})
    made = admit(store, "Pod", pod())
    filled = made["spec"]["containers"][0]["resources"]
    assert filled == {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "500m"}}
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, memory request for container web; cpu limit for container web"
    )


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"max": {"memory": "64Mi"}}, "maximum memory usage per Container is 64Mi, but limit is 128Mi"),
        ({"min": {"cpu": "1"}}, "minimum cpu usage per Container is 1, but request is 100m"),
        (
            {"maxLimitRequestRatio": {"memory": "2"}},
            "memory max limit to request ratio per Container is 2, but provided ratio is 4.000000",
        ),
        (
            {"min": {"cpu": "1"}, "max": {"memory": "64Mi"}},
            (
                "[minimum cpu usage per Container is 1, but request is 100m, "
                "maximum memory usage per Container is 64Mi, but limit is 128Mi]"
            ),
        ),
    ],
)
def test_a_limit_range_bounds_containers(store: Store, rules: Object, told: str) -> None:
    limit(store, **rules)
    greedy = pod(container(resources=resources("100m", "32Mi", memory="128Mi", cpu="2")))
    assert refused(store, "Pod", greedy) == f'pods "web-0" is forbidden: {told}'


def test_a_limit_range_bounds_whole_pods_and_claims(store: Store) -> None:
    limit(store, "Pod", max={"cpu": "1"})
    two = [container(name, resources=resources("100m", cpu="800m")) for name in ("a", "b")]
    assert "maximum cpu usage per Pod is 1, but limit is 1600m" in refused(store, "Pod", pod(*two))
    assert "maximum cpu usage per Pod is 1.  No limit is specified" in refused(store, "Pod", pod())
    add(
        store,
        "LimitRange",
        "claims",
        "shop",
        spec={"limits": [{"type": "PersistentVolumeClaim", "max": {"storage": "5Gi"}}]},
    )
    claim = {"metadata": {"name": "d", "namespace": "shop"}, "spec": {"resources": {"requests": {"storage": "6Gi"}}}}
    told = refused(store, "PersistentVolumeClaim", claim)
    assert told.endswith("maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi")


def secured(store: Store, **modes: str) -> None:
    namespace = store.get("Namespace", None, "shop")
    assert namespace is not None
    labels = {f"pod-security.kubernetes.io/{mode}": level for mode, level in modes.items()}
    store.update("Namespace", {**namespace, "metadata": {**namespace["metadata"], "labels": labels}})


def test_the_restricted_standard_names_all_that_is_missing(store: Store) -> None:
    secured(store, enforce="restricted")
    assert refused(store, "Pod", pod()) == (
        'pods "web-0" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false '
        '(container "web" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container '
        '"web" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "web" must set '
        'securityContext.runAsNonRoot=true), seccompProfile (pod or container "web" must set '
        'securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
    )
    tight = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
    good = pod(container(securityContext=tight), securityContext={"seccompProfile": {"type": "RuntimeDefault"}})
    assert admit(store, "Pod", good)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"hostNetwork": True, "hostPID": True}, "host namespaces (hostNetwork=true, hostPID=true)"),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, 'hostPath volumes (volume "v")'),
        (
            {"containers": [container(securityContext={"privileged": True})]},
            'privileged (container "web" must not set securityContext.privileged=true)',
        ),
        (
            {"containers": [container(ports=[{"containerPort": 80, "hostPort": 80}])]},
            'hostPort (container "web" uses hostPort 80)',
        ),
        (
            {"containers": [container(securityContext={"capabilities": {"add": ["NET_ADMIN"]}})]},
            'non-default capabilities (container "web" must not include "NET_ADMIN" in securityContext.capabilities.add)',
        ),
    ],
)
def test_the_baseline_standard_refuses_what_reaches_the_host(store: Store, part: Object, told: str) -> None:
    secured(store, enforce="baseline")
    wanted = pod()
    message = refused(store, "Pod", {**wanted, "spec": {**wanted["spec"], **part}})
    assert message == f'pods "web-0" is forbidden: violates PodSecurity "baseline:latest": {told}'


def webhook(store: Store, policy: Object | None = None, **parts: Any) -> None:
    annotations = {f"policy.example.com/{name}": text for name, text in (policy or {}).items()}
    rules = [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}]
    hook = {"name": "check.example.com", "rules": rules, "clientConfig": {"url": "https://check.example.com"}, **parts}
    add(store, "ValidatingWebhookConfiguration", "check", metadata={"annotations": annotations}, webhooks=[hook])


def test_a_webhook_denies_what_its_policy_forbids(store: Store) -> None:
    webhook(store, {"required-labels": "team, tier", "message": "policy labels"})
    denied = 'admission webhook "check.example.com" denied the request: policy labels: label "team" is required'
    assert refused(store, "Pod", pod()) == denied
    labelled = pod()
    labelled["metadata"]["labels"] = {"team": "a", "tier": "b"}
    assert admit(store, "Pod", labelled)
    assert admit(store, "ConfigMap", {"metadata": {"name": "a", "namespace": "shop"}})


def test_a_webhook_may_look_at_images_and_only_at_what_it_selects(store: Store) -> None:
    selector = {"matchLabels": {"app": "web"}}
    webhook(store, {"allowed-registries": "registry.shop.example"}, objectSelector=selector)
    foreign = pod({"name": "web", "image": "docker.io/web:1"})
    assert admit(store, "Pod", foreign)
    foreign["metadata"]["labels"] = {"app": "web"}
    assert 'image "docker.io/web:1" is not from an allowed registry' in refused(store, "Pod", foreign)


def test_a_webhook_that_nobody_answers_fails_as_its_policy_says(store: Store) -> None:
    client = {"service": {"namespace": "policy", "name": "checker", "path": "/validate"}}
    webhook(store, clientConfig=client)
    posted = (
        'Internal error occurred: failed calling webhook "check.example.com": failed to call webhook: Post '
        '"https://checker.policy.svc:443/validate?timeout=10s": '
    )
    assert refused(store, "Pod", pod()) == f'{posted}service "checker" not found'
    add(store, "Service", "checker", "policy", spec={"ports": [{"port": 443}]})
    assert refused(store, "Pod", pod()) == f'{posted}no endpoints available for service "checker"'
    add(store, "Endpoints", "checker", "policy", subsets=[{"addresses": [{"ip": "10.0.0.9"}]}])
    assert admit(store, "Pod", pod())


def test_a_webhook_may_be_told_to_be_ignored(store: Store) -> None:
    webhook(store, clientConfig={"service": {"namespace": "p", "name": "gone"}}, failurePolicy="Ignore")
    assert admit(store, "Pod", pod())
