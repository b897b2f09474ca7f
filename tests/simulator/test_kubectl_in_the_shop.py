"""An on-call engineer's command lines, typed into the real kubectl, in a shop that lives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulator.running_world import RunningWorld, running_world

pytestmark = pytest.mark.real("kubectl")

CREATED = (
    ("deployment", "made", "--image=docker.io/library/redis:7.2.4", "--replicas=0", "--port=80"),
    ("job", "made", "--image=docker.io/library/busybox:1.36", "--", "true"),
    ("cronjob", "made", "--image=docker.io/library/busybox:1.36", "--schedule=*/5 * * * *"),
    ("configmap", "made", "--from-literal=a=b"),
    ("secret", "generic", "made", "--from-literal=a=b"),
    ("service", "clusterip", "made", "--tcp=80:8080"),
    ("namespace", "made"),
    ("quota", "made", "--hard=count/jobs.batch=100"),
    ("role", "made", "--verb=get,list", "--resource=pods"),
    ("rolebinding", "made", "--role=made", "--user=jane"),
    ("clusterrole", "made", "--verb=get", "--resource=nodes", "--resource-name=node-1"),
    ("clusterrolebinding", "made", "--clusterrole=made", "--user=jane"),
    ("serviceaccount", "made"),
    ("poddisruptionbudget", "made", "--selector=app=none", "--min-available=1"),
    ("priorityclass", "made", "--value=10", "--description=x"),
    ("ingress", "made", "--rule=shop.example/*=search:8080,tls=cert"),
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWorld]:
    with running_world(tmp_path_factory.mktemp("home")) as running:
        yield running


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize("arguments", CREATED, ids=lambda each: str(each[0]))
def test_everything_that_kubectl_can_create_is_created(shop: RunningWorld, arguments: tuple[str, ...]) -> None:
    assert shop.kubectl("create", *arguments).endswith("/made created\n")


def test_a_job_from_a_cronjob_is_the_same_to_the_last_field(shop: RunningWorld) -> None:
    job = {"spec": {"backoffLimit": 0, "template": {"spec": json.loads(RICH_POD)}}}
    spec = {"schedule": "0 3 * * *", "jobTemplate": job}
    nightly = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "nightly"}, "spec": spec}
    assert "created" in shop.kubectl("apply", "-f", "-", stdin=json.dumps(nightly))
    assert "created" in shop.kubectl("create", "job", "by-hand", "--from=cronjob/nightly")
    source = shop.object("/apis/batch/v1/namespaces/shop/cronjobs/nightly")["spec"]["jobTemplate"]["spec"]
    made = shop.object("/apis/batch/v1/namespaces/shop/jobs/by-hand")["spec"]
    assert made["backoffLimit"] == 0
    assert made["template"]["spec"] == source["template"]["spec"]


def test_run_expose_and_autoscale(shop: RunningWorld) -> None:
    assert shop.kubectl("run", "lone", "--image=docker.io/library/redis:7.2.4", "--env=A=b") == "pod/lone created\n"
    assert "exposed" in shop.kubectl("expose", "deployment", "search", "--name=second", "--port=80")
    scaled = shop.kubectl("autoscale", "deployment", "search", "--min=2", "--max=2", "--cpu-percent=70")
    assert "search autoscaled" in scaled
    assert "/70%" in shop.kubectl("get", "hpa", "search")
    old = shop.object("/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers/search")
    assert old["spec"]["targetCPUUtilizationPercentage"] == 70
    assert "deleted" in shop.kubectl("delete", "hpa", "search")


@pytest.mark.parametrize(
    "command", [("exec", "--", "ls"), ("attach",), ("port-forward", "18599:8080")], ids=lambda each: str(each[0])
)
def test_what_needs_a_container_to_talk_to_is_refused_in_words(shop: RunningWorld, command: tuple[str, ...]) -> None:
    refused = shop.kubectl(command[0], "deploy/search", *command[1:])
    assert "the containers of this cluster are simulated" in refused


def test_nobody_has_the_operators_rights_who_only_pretends_to_be_somebody(shop: RunningWorld) -> None:
    assert shop.kubectl("auth", "can-i", "delete", "pods") == "yes\n"
    for somebody in ("nobody", "system:serviceaccount:shop:default"):
        assert shop.kubectl("auth", "can-i", "delete", "pods", f"--as={somebody}").startswith("no\n")
    assert 'User "nobody" cannot list resource "secrets"' in shop.kubectl("get", "secrets", "--as=nobody")
    assert shop.kubectl("auth", "can-i", "list", "pods", "--as=viewer") == "yes\n"


def test_top_shows_what_pods_containers_and_nodes_use(shop: RunningWorld) -> None:
    shop.advance(30)
    header, *lines = rows(shop.kubectl("top", "pods", "-l", "app=search"))
    assert header == ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    assert len(lines) >= 2
    assert all(cpu.endswith("m") and memory.endswith("Mi") for _, cpu, memory in lines)
    assert "search" in shop.kubectl("top", "pods", "--containers")
    nodes = rows(shop.kubectl("top", "nodes"))
    assert nodes[0][:2] == ["NAME", "CPU(cores)"]
    assert all(line[2].endswith("%") for line in nodes[1:])


def test_who_may_do_what_is_asked_and_told(shop: RunningWorld) -> None:
    assert "operator" in shop.kubectl("auth", "whoami")
    assert shop.kubectl("auth", "can-i", "delete", "pods") == "yes\n"
    assert shop.kubectl("auth", "can-i", "delete", "pods", who="viewer").startswith("no\n")
    assert shop.kubectl("auth", "can-i", "get", "pods/log", who="viewer") == "yes\n"
    assert shop.kubectl("auth", "can-i", "patch", "deployments.apps", who="developer") == "yes\n"
    assert ["*.*", "[]", "[]", "[*]"] in rows(shop.kubectl("auth", "can-i", "--list"))
    told = shop.kubectl("delete", "pod", "-l", "app=search", who="viewer")
    assert 'is forbidden: User "viewer" cannot delete resource "pods" in API group "" in the namespace "shop"' in told
    assert "Forbidden" in shop.kubectl("get", "secrets", who="viewer")
    assert "No resources found" not in shop.kubectl("get", "pods", who="developer")


def test_a_rollout_is_watched_undone_paused_and_restarted(shop: RunningWorld) -> None:
    before = image(shop)
    other = before.rpartition(":")[0] + ":0.0.1-gone"
    assert "image updated" in shop.kubectl("set", "image", "deployment/catalogue", f"catalogue={other}")
    shop.advance(60)
    assert "rolled back" in shop.kubectl("rollout", "undo", "deployment/catalogue")
    assert "successfully rolled out" in shop.kubectl_meanwhile("rollout", "status", "deployment/catalogue")
    assert image(shop) == before
    assert len(rows(shop.kubectl("rollout", "history", "deployment/catalogue"))) >= 4
    assert "paused" in shop.kubectl("rollout", "pause", "deployment/catalogue")
    assert "resumed" in shop.kubectl("rollout", "resume", "deployment/catalogue")
    assert "restarted" in shop.kubectl("rollout", "restart", "deployment/catalogue")
    assert "successfully rolled out" in shop.kubectl_meanwhile("rollout", "status", "deployment/catalogue")


def image(shop: RunningWorld) -> str:
    path = "jsonpath={.spec.template.spec.containers[0].image}"
    return shop.kubectl("get", "deployment", "catalogue", "-o", path)


def test_scaling_is_waited_for(shop: RunningWorld) -> None:
    assert "scaled" in shop.kubectl("scale", "deployment/search", "--replicas=3")
    waited = shop.kubectl_meanwhile("wait", "--for=jsonpath={.status.readyReplicas}=3", "deployment/search")
    assert waited == "deployment.apps/search condition met\n"
    assert "condition met" in shop.kubectl("wait", "--for=condition=Available", "deployment/search")
    assert "scaled" in shop.kubectl("scale", "deployment/search", "--current-replicas=3", "--replicas=2")


def test_a_node_is_cordoned_drained_and_given_back(shop: RunningWorld) -> None:
    assert "cordoned" in shop.kubectl("cordon", "node-2")
    assert "SchedulingDisabled" in shop.kubectl("get", "node", "node-2")
    drained = shop.kubectl_meanwhile("drain", "node-2", "--ignore-daemonsets", "--delete-emptydir-data", "--force")
    assert "node/node-2 drained" in drained
    assert "uncordoned" in shop.kubectl("uncordon", "node-2")
    assert "tainted" in shop.kubectl("taint", "nodes", "node-2", "a=b:NoSchedule")
    assert "untainted" in shop.kubectl("taint", "nodes", "node-2", "a-")


def test_a_budget_holds_a_drain_up(shop: RunningWorld) -> None:
    shop.advance(120)
    (pod,) = shop.kubectl("get", "pod", "-l", "app=shop-db", "-o", "name").split()
    node = shop.kubectl("get", pod, "-o", "jsonpath={.spec.nodeName}")
    made = ("create", "pdb", "guard", "--selector=app=shop-db", "--min-available=1")
    assert "created" in shop.kubectl(*made)
    told = shop.kubectl("drain", node, "--pod-selector=app=shop-db", "--ignore-daemonsets", "--timeout=1s")
    assert "Cannot evict pod as it would violate the pod's disruption budget." in told
    assert "deleted" in shop.kubectl("delete", "pdb", "guard")
    assert "uncordoned" in shop.kubectl("uncordon", node)


def test_logs_are_read_in_all_the_ways(shop: RunningWorld) -> None:
    shop.advance(60)
    last = shop.kubectl("logs", "deployment/edge-gateway", "--tail=2")
    assert len(last.splitlines()) == 3  # with the remark which pod was taken
    stamped = shop.kubectl("logs", "-l", "app=edge-gateway", "--timestamps", "--tail=1", "--prefix").splitlines()
    assert len(stamped) == 2
    assert all("/edge-gateway] 2026-01-14T09:" in line for line in stamped)
    now = shop.object("/-/clock")["now"]
    assert shop.kubectl("logs", "-l", "app=edge-gateway", f"--since-time={now}").count("\n") < 20
    assert "container nope is not valid for pod" in shop.kubectl("logs", "deployment/search", "-c", "nope")
    assert len(shop.kubectl("logs", "-l", "app=search", "--limit-bytes=10")) <= 20


def test_the_log_before_a_crash_is_kept(shop: RunningWorld) -> None:
    shop.kubectl("set", "resources", "deployment/search", "--limits=memory=64Mi", "--requests=memory=32Mi")
    shop.advance(240)
    pods = shop.kubectl(
        "get", "pods", "-l", "app=search", "--sort-by=.metadata.creationTimestamp", "-o", "name"
    ).split()
    previous = shop.kubectl("logs", pods[-1], "--previous")
    assert "search" in previous
    assert "rolled back" in shop.kubectl("rollout", "undo", "deployment/search")
    assert "successfully" in shop.kubectl_meanwhile("rollout", "status", "deployment/search")


def test_a_log_can_be_followed_to_its_end(shop: RunningWorld) -> None:
    following = shop.start("logs", "deployment/edge-gateway", "--follow", "--tail=0")
    lines = following.stdout
    assert lines is not None
    try:
        for _ in range(10):
            shop.advance(5)
        assert lines.readline()
    finally:
        following.kill()
        following.communicate(timeout=10)


def test_what_is_described_tells_its_story(shop: RunningWorld) -> None:
    described = shop.kubectl("describe", "pod", "-l", "app=shop-db")
    assert "Successfully assigned" in described
    assert "kube-api-access-" in described
    assert "Allocated resources:" in shop.kubectl("describe", "node", "node-1")
    assert "Endpoints:" in shop.kubectl("describe", "service", "search")
    assert "Used  Hard" in shop.kubectl("describe", "quota", "made")
    assert "PolicyRule:" in shop.kubectl("describe", "clusterrole", "view")
    assert shop.kubectl("events", "--for", "deployment/search").startswith("LAST SEEN")


def test_apply_on_the_server_shows_differences_and_conflicts(shop: RunningWorld) -> None:
    manifest: Any = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"ours"},"data":{"a":"%s"}}'
    ours = ("apply", "--server-side", "-f", "-")
    assert "serverside-applied" in shop.kubectl(*ours, stdin=manifest % "1")
    assert '+  a: "2"' in shop.kubectl("diff", "-f", "-", stdin=manifest % "2")
    dry = shop.kubectl(*ours, "--dry-run=server", stdin=manifest % "2")
    assert "serverside-applied (server dry run)" in dry
    told = shop.kubectl(*ours, "--field-manager=other", stdin=manifest % "2")
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .data.a' in told
    forced = shop.kubectl(*ours, "--field-manager=other", "--force-conflicts", stdin=manifest % "2")
    assert "serverside-applied" in forced


def test_labels_annotations_and_explanations(shop: RunningWorld) -> None:
    assert "labeled" in shop.kubectl("label", "deployment", "search", "tier=middle", "--overwrite")
    assert "annotated" in shop.kubectl("annotate", "deployment", "search", "note=hello", "--overwrite")
    assert "runAsNonRoot" in shop.kubectl("explain", "pod.spec.securityContext")
    assert "webhooks" in shop.kubectl("explain", "validatingwebhookconfiguration")


def test_deleting_with_and_without_what_hangs_below(shop: RunningWorld) -> None:
    shop.kubectl("create", "deployment", "parent", "--image=docker.io/library/redis:7.2.4")
    shop.advance(10)
    assert "deleted" in shop.kubectl("delete", "deployment", "parent", "--cascade=orphan")
    assert "parent-" in shop.kubectl("get", "rs", "-l", "app=parent", "-o", "name")
    assert "deleted" in shop.kubectl_meanwhile("delete", "rs", "-l", "app=parent", "--cascade=foreground")
    assert shop.kubectl("get", "pods", "-l", "app=parent", "-o", "name") == ""


def test_a_namespace_goes_with_all_that_is_in_it(shop: RunningWorld) -> None:
    shop.kubectl("create", "namespace", "lab")
    shop.kubectl("create", "deployment", "x", "--image=docker.io/library/redis:7.2.4", "-n", "lab")
    shop.advance(30)
    assert 'namespace "lab" deleted' in shop.kubectl_meanwhile("delete", "namespace", "lab")
    assert "NotFound" in shop.kubectl("get", "namespace", "lab")
    assert 'namespaces "default" is forbidden: this namespace may not be deleted' in shop.kubectl(
        "delete", "ns", "default"
    )


RICH_POD = """{
 "restartPolicy":"Never","serviceAccountName":"default","automountServiceAccountToken":false,"hostNetwork":true,
 "terminationGracePeriodSeconds":0,"activeDeadlineSeconds":60,"nodeSelector":{"kubernetes.io/os":"linux"},"dnsPolicy":"None",
 "dnsConfig":{"nameservers":["10.0.0.1"],"searches":["a"],"options":[{"name":"ndots","value":"2"}]},
 "securityContext":{"runAsUser":0,"runAsNonRoot":false,"fsGroup":7,"supplementalGroups":[1,2],"sysctls":[{"name":"a","value":"b"}],
  "seccompProfile":{"type":"RuntimeDefault"}},
 "imagePullSecrets":[{"name":"s"}],"hostAliases":[{"ip":"1.2.3.4","hostnames":["h"]}],"priorityClassName":"made",
 "tolerations":[{"key":"k","operator":"Exists","effect":"NoExecute","tolerationSeconds":0}],
 "affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":
  [{"key":"z","operator":"In","values":["a"]}]}]}},"podAntiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":
  [{"weight":1,"podAffinityTerm":{"topologyKey":"t","labelSelector":{"matchLabels":{"a":"b"}}}}]}},
 "topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule","labelSelector":{}}],
 "initContainers":[{"name":"first","image":"docker.io/library/busybox:1.36","command":["true"]}],
 "containers":[{"name":"main","image":"docker.io/library/busybox:1.36","args":["-c"],"workingDir":"/","stdin":true,"tty":true,
  "ports":[{"name":"p","containerPort":80}],"env":[{"name":"A","value":"b"},
   {"name":"B","valueFrom":{"secretKeyRef":{"name":"s","key":"k","optional":true}}},
   {"name":"C","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.name"}}},
   {"name":"D","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"1m"}}}],
  "envFrom":[{"prefix":"X_","configMapRef":{"name":"c","optional":true}},{"secretRef":{"name":"d"}}],
  "resources":{"limits":{"cpu":"1"},"requests":{"cpu":"100m"}},
  "livenessProbe":{"httpGet":{"path":"/x","port":"p","scheme":"HTTPS","httpHeaders":[{"name":"H","value":"v"}]},"periodSeconds":3},
  "readinessProbe":{"tcpSocket":{"port":80},"initialDelaySeconds":1},"startupProbe":{"exec":{"command":["true"]}},
  "lifecycle":{"preStop":{"exec":{"command":["sleep","1"]}}},
  "securityContext":{"privileged":false,"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,
   "capabilities":{"drop":["ALL"],"add":["CHOWN"]}},
  "volumeMounts":[{"name":"e","mountPath":"/e","subPath":"s"},{"name":"cm","mountPath":"/c","readOnly":true}]}],
 "volumes":[{"name":"e","emptyDir":{"medium":"Memory","sizeLimit":"1Mi"}},{"name":"e2","emptyDir":{}},
  {"name":"h","hostPath":{"path":"/h","type":"Directory"}},{"name":"n","nfs":{"server":"s","path":"/p"}},
  {"name":"cm","configMap":{"name":"c","items":[{"key":"k","path":"p","mode":256}],"optional":true}},
  {"name":"se","secret":{"secretName":"s","defaultMode":0}},{"name":"pv","persistentVolumeClaim":{"claimName":"c"}},
  {"name":"pr","projected":{"sources":[{"serviceAccountToken":{"path":"t","expirationSeconds":600}},{"configMap":{"name":"c"}},
   {"downwardAPI":{"items":[{"path":"n","fieldRef":{"fieldPath":"metadata.name"}}]}}]}}]}
"""
