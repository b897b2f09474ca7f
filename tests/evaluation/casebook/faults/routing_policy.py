"""What forbids or bends a call on its way: network policies, the mesh's encryption, and name resolution."""

from tests.evaluation.casebook.acts import answer, server
from tests.evaluation.casebook.complaints import complaint
from tests.evaluation.casebook.faults.routing_edge import component
from tests.evaluation.casebook.model import Answer, Object, Program
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.ways import way


def _policy(scene: Scene, program: Program, name: str, spec: Object) -> Object:
    return scene.add(
        "NetworkPolicy", name, program.namespace, api="networking.k8s.io/v1", created=scene.onset, spec=spec
    )


def _cut_off(scene: Scene, program: Program) -> None:
    scene.starve(program, "timed_out", times=scene.dice.randrange(4, 9))
    scene.bend(program, "requests", to=0.0)
    if program.service and scene.dice.random() < 0.6:
        scene.probe(
            "tcp", f"{program.namespace}/{program.service.name}:{program.service.port}", False, "dial tcp: i/o timeout"
        )


@way("network_policy_blocked")
def nobody_may_call_a_program_any_more(scene: Scene) -> Answer:
    program = scene.called("service", "database", "cache")
    spec: Object = {"podSelector": {"matchLabels": dict(program.selector)}, "policyTypes": ["Ingress"]}
    if scene.dice.random() < 0.5:
        spec["ingress"] = []
    made = _policy(scene, program, scene.dice.choice([f"deny-{program.name}", f"{program.name}-isolate"]), spec)
    _cut_off(scene, program)
    return answer(
        "network_policy_blocked", component(made), "objects", keeps=("NetworkPolicy",), places=(program.component,)
    )


@way("network_policy_blocked")
def only_pods_with_a_label_nobody_has_may_call(scene: Scene) -> Answer:
    program = scene.called("service", "database", "cache")
    wanted = scene.dice.choice([{"role": "api-client"}, {"access": "granted"}, {"app": f"{program.name}-client"}])
    spec = {
        "podSelector": {"matchLabels": dict(program.selector)},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"podSelector": {"matchLabels": wanted}}],
                "ports": [{"protocol": "TCP", "port": program.listens}],
            }
        ],
    }
    made = _policy(scene, program, f"{program.name}-allow", spec)
    _cut_off(scene, program)
    return answer(
        "network_policy_blocked", component(made), "objects", keeps=("NetworkPolicy",), places=(program.component,)
    )


@way("network_policy_blocked")
def right_callers_but_another_port(scene: Scene) -> Answer:
    program = server(scene)
    spec = {
        "podSelector": {"matchLabels": dict(program.selector)},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {}}], "ports": [{"protocol": "TCP", "port": program.listens + 363}]}],
    }
    made = _policy(scene, program, f"{program.name}-ingress", spec)
    _cut_off(scene, program)
    return answer(
        "network_policy_blocked", component(made), "objects", keeps=("NetworkPolicy",), places=(program.component,)
    )


@way("network_policy_blocked")
def a_caller_may_not_go_out(scene: Scene) -> Answer:
    """Names are still resolved; nothing else may leave."""
    caller = scene.pick("service", "worker", where=lambda one: bool(one.calls) and one.language != "nginx")
    dns = {"to": [{"namespaceSelector": {}}], "ports": [{"protocol": "UDP", "port": 53}]}
    spec = {"podSelector": {"matchLabels": dict(caller.selector)}, "policyTypes": ["Egress"], "egress": [dns]}
    made = _policy(scene, caller, scene.dice.choice(["restrict-egress", f"{caller.name}-egress"]), spec)
    for call in caller.calls:
        for pod in caller.pods:
            for _ in range(5):
                level, lines = complaint(caller, call, "timed_out", scene.dice)
                scene.say(pod, level, lines, at=scene.later(scene.onset, 5, 900))
    scene.bend(caller, "errors", to=0.9)
    scene.starve(caller, "failed", times=3)
    return answer(
        "network_policy_blocked", component(made), "objects", keeps=("NetworkPolicy",), places=(caller.component,)
    )


# --- mesh -------------------------------------------------------------------------------------------------------------------------


def _inject(program: Program) -> None:
    """A sidecar in its pods, as the mesh's webhook puts it."""
    proxy: Object = {
        "name": "istio-proxy",
        "image": "docker.io/istio/proxyv2:1.20.3",
        "args": ["proxy", "sidecar"],
        "ports": [{"name": "http-envoy-prom", "containerPort": 15090, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "10m", "memory": "40Mi"}},
    }
    program.pod_spec["containers"].append(proxy)
    program.template["metadata"].setdefault("annotations", {})["sidecar.istio.io/status"] = (
        '{"containers":["istio-proxy"]}'
    )
    program.template["metadata"]["labels"] = {
        **program.template["metadata"]["labels"],
        "security.istio.io/tlsMode": "istio",
    }


def _meshed(scene: Scene, *without: Program) -> None:
    for one in scene.programs:
        if not one.is_data and one not in without:
            _inject(one)


def _reset(scene: Scene, program: Program, callers: list[Program]) -> None:
    for caller in callers:
        for pod in caller.pods:
            for _ in range(6):
                level, lines = complaint(caller, caller.call_of(program), "reset", scene.dice)
                scene.say(pod, level, lines, at=scene.later(scene.onset, 5, 900))
        scene.bend(caller, "errors", to=0.7)
        scene.starve(caller, "failed", times=3)
    for pod in program.pods:
        scene.say(
            pod,
            "RAW",
            f'[{scene.onset:%Y-%m-%dT%H:%M:%S}.118Z] "- - -" 0 NR filter_chain_not_found - "-" 0 0 0 - "-" "-" "-" "-" "-" - - {pod.ip}:{program.listens} 10.244.1.14:40112 - -',
            container="istio-proxy",
            raw=True,
        )


@way("mesh_mtls_mismatch")
def strict_server_and_a_caller_without_a_sidecar(scene: Scene) -> Answer:
    program = scene.pick("service", where=lambda one: any(each.language != "nginx" for each in scene.callers(one)))
    caller = next(one for one in scene.callers(program) if one.language != "nginx")
    _meshed(scene, caller)
    caller.template["metadata"].setdefault("annotations", {})["sidecar.istio.io/inject"] = "false"
    made = scene.add(
        "PeerAuthentication",
        scene.dice.choice(["default", f"{program.name}-strict"]),
        program.namespace,
        api="security.istio.io/v1beta1",
        created=scene.onset,
        spec={"selector": {"matchLabels": dict(program.selector)}, "mtls": {"mode": "STRICT"}},
    )
    _reset(scene, program, [caller])
    return answer(
        "mesh_mtls_mismatch",
        component(made),
        "objects",
        keeps=("PeerAuthentication",),
        places=(program.component, caller.component),
    )


@way("mesh_mtls_mismatch")
def rule_that_calls_a_strict_server_in_plain(scene: Scene) -> Answer:
    program = server(scene)
    _meshed(scene)
    peer = scene.add(
        "PeerAuthentication",
        "default",
        program.namespace,
        api="security.istio.io/v1beta1",
        spec={"mtls": {"mode": "STRICT"}},
    )
    made = scene.add(
        "DestinationRule",
        program.name,
        program.namespace,
        api="networking.istio.io/v1beta1",
        created=scene.onset,
        spec={
            "host": f"{program.name}.{program.namespace}.svc.cluster.local",
            "trafficPolicy": {"tls": {"mode": "DISABLE"}},
        },
    )
    text = "upstream connect error or disconnect/reset before headers. reset reason: connection termination"
    for caller in scene.callers(program):
        for pod in caller.pods:
            scene.keeps_saying(pod, "ERROR", f"{program.name} returned 503: {text}", times=6)
    scene.bend(program, "requests", times=0.02)
    return answer(
        "mesh_mtls_mismatch",
        component(made),
        "objects",
        keeps=("PeerAuthentication", "DestinationRule"),
        places=(program.component, component(peer)),
    )


# --- names ------------------------------------------------------------------------------------------------------------------------


def _cannot_resolve(scene: Scene, caller: Program, *, times: int = 6) -> None:
    for call in caller.calls:
        for pod in caller.pods:
            for _ in range(times):
                level, lines = complaint(caller, call, "no_such_host", scene.dice)
                scene.say(
                    pod,
                    level,
                    lines,
                    at=max(scene.onset, pod.created) + (scene.taken_at - scene.onset) * scene.dice.uniform(0.05, 0.95),
                )
    scene.bend(caller, "errors", to=0.95)


def _resolver(scene: Scene) -> Program:
    return scene.pick("service", "worker", where=lambda one: len(one.calls) > 0 and one.language != "nginx")


@way("service_dns_resolution_failure")
def pods_ask_the_node_and_not_the_cluster(scene: Scene) -> Answer:
    caller = _resolver(scene)
    scene.recreate(caller, lambda one: one.pod_spec.update(dnsPolicy="Default"), revise=scene.dice.random() < 0.7)
    _cannot_resolve(scene, caller)
    scene.starve(caller, "failed", times=3)
    return answer("service_dns_resolution_failure", caller, "objects", keeps=("Pod", "Deployment"))


@way("service_dns_resolution_failure")
def pods_ask_a_server_that_knows_nothing(scene: Scene) -> Answer:
    caller = _resolver(scene)
    config = {"nameservers": [scene.dice.choice(["8.8.8.8", "1.1.1.1", "10.9.9.9"])], "searches": ["corp.example"]}
    scene.recreate(caller, lambda one: one.pod_spec.update(dnsPolicy="None", dnsConfig=config), revise=True)
    _cannot_resolve(scene, caller)
    scene.starve(caller, "failed", times=3)
    return answer("service_dns_resolution_failure", caller, "objects", keeps=("Pod", "Deployment"))


@way("service_dns_resolution_failure")
def pods_on_the_network_of_the_node(scene: Scene) -> Answer:
    caller = _resolver(scene)
    scene.recreate(caller, lambda one: one.pod_spec.update(hostNetwork=True, dnsPolicy="ClusterFirst"), revise=True)
    _cannot_resolve(scene, caller)
    scene.starve(caller, "failed", times=3)
    return answer("service_dns_resolution_failure", caller, "objects", keeps=("Pod", "Deployment"))


@way("service_dns_resolution_failure")
def cluster_dns_serves_another_zone(scene: Scene) -> Answer:
    """Its file was changed and reloaded: it is healthy, and knows no Service by its usual name."""
    dns = scene.agent("coredns")
    data = scene.find("ConfigMap", "coredns", "kube-system")["data"]
    data["Corefile"] = data["Corefile"].replace("kubernetes cluster.local ", "kubernetes k8s.internal ")
    for caller in scene.programs:
        if caller.calls and caller.language != "nginx":
            _cannot_resolve(scene, caller, times=3)
    for pod in dns.pods:
        scene.say(pod, "RAW", "[INFO] Reloading complete", at=scene.onset, raw=True)
    for one in scene.programs[:3]:
        if one.service:
            scene.probe("dns", f"{one.namespace}/{one.service.name}:{one.service.port}", False, "NXDOMAIN")
    return answer("service_dns_resolution_failure", dns, "objects", "logs", keeps=("ConfigMap",))
