"""The cluster under the application: nodes of one flavour, and what runs in kube-system there."""

from datetime import datetime, timedelta
from random import Random

from tests.evaluation.casebook.model import Node, Object, Pod, Program, Revision, Service, fine
from tests.evaluation.casebook.scene import Scene, Style

FLAVOURS = ("kubeadm", "kubeadm", "managed", "managed", "k3s", "kind")
CONTROL_TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
GIB = 1024**3
_PARTS = {"kube-apiserver": 250, "kube-controller-manager": 200, "kube-scheduler": 100, "etcd": 100}


def draw_nodes(scene: Scene, count: int) -> None:
    style, dice = scene.style, scene.dice
    masters = {"kubeadm": 3 if count > 6 else 1, "kind": 1, "k3s": 1, "managed": 0}[style.flavour]
    age = scene.ago(days=dice.uniform(30, 500))
    naming = dice.choice(["worker-{n}", "node{n:02d}", "{cluster}-w{n}", "srv-k8s-{n}", "n{n}.{cluster}.lan"])
    for number in range(count):
        is_master = number < masters
        name = _node_name(scene, number if is_master else number - masters, is_master, naming)
        ip = f"10.{dice.randrange(0, 3)}.{dice.randrange(1, 60)}.{10 + number}"
        cidr = f"{style.pod_cidr.rsplit('.', 2)[0]}.{number}.0/24"
        cpu = dice.choice([4000, 4000, 8000, 16000])
        node = Node(name, ip, cidr, cpu, cpu // 1000 * dice.choice([2, 4]) * GIB, age, is_control_plane=is_master)
        node.labels = _node_labels(scene, node, number)
        # k3s lets ordinary pods run on its server, and so does a kind cluster of one node.
        if is_master and style.flavour != "k3s" and count > masters:
            node.taints = [dict(CONTROL_TAINT)]
        scene.nodes.append(node)


def _node_name(scene: Scene, number: int, is_master: bool, naming: str) -> str:
    dice, style = scene.dice, scene.style
    if style.flavour == "kind":
        tail = "control-plane" if is_master else "worker" + (str(number + 1) if number else "")
        return f"{style.cluster}-{tail}"
    if style.flavour == "managed":
        made = (
            f"ip-10-0-{dice.randrange(1, 250)}-{dice.randrange(2, 250)}.{style.domain[:2]}-central-1.compute.internal",
            f"gke-{style.cluster}-default-pool-{style.team[:2]}4f1c2a-{scene.letters(4)}",
            f"aks-nodepool1-3{len(style.team)}172644-vmss00000{number}",
        )
        return made[len(style.cluster) % 3]
    if is_master:
        return f"{style.cluster}-cp-{number + 1}" if style.flavour == "kubeadm" else f"{style.cluster}-server"
    return naming.format(n=number + 1, cluster=style.cluster)


def _node_labels(scene: Scene, node: Node, number: int) -> dict[str, str]:
    style = scene.style
    labels = {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "kubernetes.io/hostname": node.name}
    labels |= {"beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux"}
    if node.is_control_plane:
        labels["node-role.kubernetes.io/control-plane"] = "true" if style.flavour == "k3s" else ""
    if style.flavour == "managed":
        region = "eu-central-1"
        labels |= {"topology.kubernetes.io/region": region, "topology.kubernetes.io/zone": region + "abc"[number % 3]}
        labels["node.kubernetes.io/instance-type"] = scene.dice.choice(
            ["m5.xlarge", "e2-standard-4", "Standard_D4s_v3"]
        )
    elif scene.dice.random() < 0.3:
        labels["topology.kubernetes.io/zone"] = f"rack-{'ab'[number % 2]}"
    if not node.is_control_plane and scene.dice.random() < 0.4:
        labels["disktype"] = scene.dice.choice(["ssd", "ssd", "nvme", "hdd"])
    return labels


def draw_agents(scene: Scene) -> None:
    style, dice = scene.style, scene.dice
    if style.flavour in ("kubeadm", "kind"):
        for part, cpu in _PARTS.items():
            _static(scene, part, cpu)
    dns = _agent(
        scene,
        "coredns",
        "Deployment",
        "registry.k8s.io/coredns/coredns:v1.11.1",
        {"k8s-app": "kube-dns"},
        2 if style.flavour != "k3s" else 1,
    )
    _configure_dns(scene, dns)
    if style.flavour != "k3s" and style.cni != "cilium":
        _agent(
            scene,
            "kube-proxy",
            "DaemonSet",
            f"registry.k8s.io/kube-proxy:{version(style)}",
            {"k8s-app": "kube-proxy"},
            0,
            host=True,
        )
    cni = {
        "calico": "calico-node",
        "flannel": "kube-flannel-ds",
        "cilium": "cilium",
        "kindnet": "kindnet",
        "vpc": "aws-node",
    }
    if style.cni in cni:
        images = {"calico": "docker.io/calico/node:v3.27.3", "flannel": "docker.io/flannel/flannel:v0.24.2"}
        image = images.get(style.cni, f"quay.io/cni/{style.cni}:v1.15.4")
        space = "kube-flannel" if style.cni == "flannel" else "kube-system"
        _agent(scene, cni[style.cni], "DaemonSet", image, {"k8s-app": cni[style.cni]}, 0, host=True, namespace=space)
    if dice.random() < 0.75:
        _agent(
            scene,
            "metrics-server",
            "Deployment",
            "registry.k8s.io/metrics-server/metrics-server:v0.7.1",
            {"k8s-app": "metrics-server"},
            1,
        )
    if style.flavour in ("k3s", "kind"):
        space = "local-path-storage" if style.flavour == "kind" else "kube-system"
        _agent(
            scene,
            "local-path-provisioner",
            "Deployment",
            "rancher/local-path-provisioner:v0.0.26",
            {"app": "local-path-provisioner"},
            1,
            namespace=space,
        )
    for agent in scene.agents:
        _long_ago(scene, agent)
    if style.flavour in ("kubeadm", "kind"):
        for part in ("kube-scheduler", "kube-controller-manager"):
            hold_lease(scene, part, scene.ago(seconds=dice.uniform(0.2, 2)))


def hold_lease(scene: Scene, part: str, renewed: datetime) -> None:
    """Who leads among the instances of a control plane's part, and when it last said so."""
    scene.extra = [one for one in scene.extra if not (one["kind"] == "Lease" and one["metadata"]["name"] == part)]
    spec = {
        "holderIdentity": f"{scene.control_plane.name}_{scene.uid()}",
        "leaseDurationSeconds": 15,
        "leaseTransitions": 3,
        "acquireTime": fine(scene.ago(days=9)),
        "renewTime": fine(renewed),
    }
    scene.add("Lease", part, "kube-system", api="coordination.k8s.io/v1", created=scene.nodes[0].created, spec=spec)


def version(style: Style) -> str:
    patch = {24: 17, 25: 16, 26: 15, 27: 14, 28: 12, 29: 8, 30: 6, 31: 4, 32: 3, 33: 1}[style.minor]
    tail = {"k3s": "+k3s1", "managed": "-eks-a737599" if len(style.cluster) % 3 == 0 else ""}.get(style.flavour, "")
    return f"v1.{style.minor}.{patch}{tail}"


def add_kube_proxy(scene: Scene) -> Program:
    """For clusters that were drawn without one."""
    if not scene.has_agent("kube-proxy"):
        _agent(
            scene,
            "kube-proxy",
            "DaemonSet",
            f"registry.k8s.io/kube-proxy:{version(scene.style)}",
            {"k8s-app": "kube-proxy"},
            0,
            host=True,
        )
    return scene.agent("kube-proxy")


def _agent(
    scene: Scene,
    name: str,
    kind: str,
    image: str,
    labels: dict[str, str],
    replicas: int,
    *,
    host: bool = False,
    namespace: str = "kube-system",
) -> Program:
    container: Object = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": {"cpu": "100m", "memory": "70Mi"}},
    }
    container |= {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
    spec: Object = {
        "containers": [container],
        "serviceAccountName": name,
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
    }
    spec["priorityClassName"] = "system-node-critical" if kind == "DaemonSet" else "system-cluster-critical"
    spec["tolerations"] = (
        [{"operator": "Exists"}]
        if kind == "DaemonSet"
        else [{"key": "CriticalAddonsOnly", "operator": "Exists"}, dict(CONTROL_TAINT)]
    )
    if host:
        spec["hostNetwork"] = True
    created = scene.nodes[0].created
    template: Object = {"metadata": {"labels": dict(labels)}, "spec": spec}
    program = Program(
        namespace,
        name,
        kind,
        "agent",
        "go",
        template,
        dict(labels),
        replicas or len(scene.nodes),
        created,
        labels=dict(labels),
    )
    program.revisions = [Revision(1, scene.letters(10), template, created)]
    nodes = scene.nodes if kind == "DaemonSet" else [scene.workers[i % len(scene.workers)] for i in range(replicas)]
    for node in nodes:
        scene.new_pod(program, created + timedelta(minutes=scene.dice.uniform(1, 9)), node)
    scene.add("ServiceAccount", name, namespace, created=created)
    scene.agents.append(program)
    return program


def _configure_dns(scene: Scene, dns: Program) -> None:
    dns.listens = 53
    dns.container["ports"] = [
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
    ]
    dns.container["args"] = ["-conf", "/etc/coredns/Corefile"]
    dns.container["readinessProbe"] = {
        "httpGet": {"path": "/ready", "port": 8181, "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    dns.pod_spec["dnsPolicy"] = "Default"
    dns.pod_spec["volumes"] = [
        {
            "name": "config-volume",
            "configMap": {"name": "coredns", "items": [{"key": "Corefile", "path": "Corefile"}], "defaultMode": 420},
        }
    ]
    base = scene.style.service_cidr.rsplit(".", 1)[0]
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
    ]
    dns.service = Service("kube-dns", "kube-system", {"k8s-app": "kube-dns"}, ports, f"{base}.10", created=dns.created)
    corefile = (
        ".:53 {\n    errors\n    health {\n       lameduck 5s\n    }\n    ready\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n"
        "       pods insecure\n       fallthrough in-addr.arpa ip6.arpa\n       ttl 30\n    }\n    prometheus :9153\n"
        "    forward . /etc/resolv.conf {\n       max_concurrent 1000\n    }\n    cache 30\n    loop\n    reload\n    loadbalance\n}\n"
    )
    scene.add("ConfigMap", "coredns", "kube-system", created=dns.created, data={"Corefile": corefile})


def _static(scene: Scene, part: str, cpu: int) -> None:
    """One static pod on each control-plane node: its owner is the Node."""
    for node in (one for one in scene.nodes if one.is_control_plane):
        port = {"kube-apiserver": 6443, "kube-scheduler": 10259, "kube-controller-manager": 10257, "etcd": 2381}[part]
        scheme = "HTTP" if part == "etcd" else "HTTPS"
        image = f"registry.k8s.io/{part}:{'3.5.15-0' if part == 'etcd' else version(scene.style)}"
        probe = {
            "httpGet": {
                "host": node.ip if part == "kube-apiserver" else "127.0.0.1",
                "path": "/healthz" if part != "etcd" else "/health?serializable=true",
                "port": port,
                "scheme": scheme,
            },
            "initialDelaySeconds": 10,
            "timeoutSeconds": 15,
            "periodSeconds": 10,
            "successThreshold": 1,
            "failureThreshold": 8,
        }
        container: Object = {
            "name": part,
            "image": image,
            "command": [part, f"--bind-address={node.ip}"],
            "resources": {"requests": {"cpu": f"{cpu}m"}},
            "livenessProbe": probe,
            "imagePullPolicy": "IfNotPresent",
        }
        labels = {"component": part, "tier": "control-plane"}
        spec: Object = {
            "containers": [container],
            "hostNetwork": True,
            "priorityClassName": "system-node-critical",
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "tolerations": [{"effect": "NoExecute", "operator": "Exists"}],
        }
        template: Object = {
            "metadata": {"labels": labels, "annotations": {"kubernetes.io/config.source": "file"}},
            "spec": spec,
        }
        program = Program("kube-system", part, "Node", "agent", "go", template, {}, 1, node.created)
        pod = Pod(
            program,
            f"{part}-{node.name}",
            None,
            template,
            node.created,
            node,
            node.ip,
            scene.uid(),
            started=node.created + timedelta(seconds=20),
        )
        pod.quiet = True
        program.pods = [pod]
        scene.agents.append(program)


def _long_ago(scene: Scene, agent: Program) -> None:
    """Clusters that were rebooted once, or whose parts were restarted weeks ago and have run since."""
    if scene.dice.random() < 0.35:
        for pod in agent.pods:
            restarted_long_ago(scene, pod, scene.dice.randrange(1, 4))


def restarted_long_ago(
    scene: Scene, pod: Pod, times: int, days: float = 0, reason: str = "Error", code: int = 255
) -> None:
    from tests.evaluation.casebook.model import State, stamp

    oldest = (scene.taken_at - pod.created).total_seconds() / 86400
    at = scene.ago(days=min(days or scene.dice.uniform(6, 40), oldest * 0.8))
    before = {
        "terminated": {"exitCode": code, "reason": reason, "startedAt": stamp(pod.created), "finishedAt": stamp(at)}
    }
    pod.states[pod.program.main] = State(
        {"running": {"startedAt": stamp(at + timedelta(seconds=5))}}, True, times, before
    )
    pod.not_ready_since = None
    pod.started = at + timedelta(seconds=5)


def draw_style(dice: Random, flavour: str) -> Style:
    from tests.evaluation.casebook.words import DOMAINS, REGISTRIES, TEAMS

    domain, team = dice.choice(sorted(DOMAINS)), dice.choice(TEAMS)
    chosen = flavour or dice.choice(FLAVOURS)
    cni = {
        "kubeadm": dice.choice(["calico", "flannel", "cilium"]),
        "managed": dice.choice(["vpc", "cilium", "calico"]),
        "kind": "kindnet",
        "k3s": "none",
    }[chosen]
    minor = dice.randrange(24, 34)
    service, pod = {
        "kubeadm": ("10.96.0.0", "10.244.0.0"),
        "managed": ("172.20.0.0", "10.60.0.0"),
        "k3s": ("10.43.0.0", "10.42.0.0"),
        "kind": ("10.96.0.0", "10.244.0.0"),
    }[chosen]
    return Style(
        flavour=chosen,
        minor=minor,
        labels=dice.choice(["name", "name", "app", "app", "k8s-app", "run", "component"]),
        addresses=dice.choice(["env-host", "env-url", "env-url", "envfrom", "file"]),
        event_api=dice.choice(["v1", "v1", "v1", "events.k8s.io"]),
        managed_fields=dice.random() < 0.15,
        zone=dice.choice([0, 0, 0, 0, 1, 2, 8, -5]),
        registry=dice.choice(REGISTRIES).format(team=team, domain=domain),
        team=team,
        domain=domain,
        cni=cni,
        service_cidr=service,
        pod_cidr=pod,
        secret_form=dice.choice(["hash", "hash", "base64"]),
        config_file=dice.choice(["application.yml", "application.yml", "config.toml", "settings.env", "config.json"]),
        cluster=dice.choice([team, f"{team}-prod", f"{domain[:4]}{dice.randrange(1, 9)}", "prod", f"{team[:4]}-eu"]),
        helm=dice.random() < 0.5,
        old_endpoints=dice.random() < 0.7,
    )
