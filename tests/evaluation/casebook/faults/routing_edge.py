"""The edge: gateways' tables, Ingresses and their backends, certificates."""

from datetime import timedelta

from tests.evaluation.casebook.acts import answer
from tests.evaluation.casebook.complaints import complaint
from tests.evaluation.casebook.model import Answer, Component, Object, Program, stamp
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.ways import way

NETWORKING = "networking.k8s.io/v1"


def routed(scene: Scene) -> list[Program]:
    """The services behind the edge, at least two."""
    found = [call.callee for call in scene.programs[0].calls if call.callee.role == "service"]
    return found if len(found) > 1 else [one for one in scene.programs if one.role == "service"][:3]


def domain(scene: Scene) -> str:
    return f"{scene.dice.choice(['www', 'api', 'app', 'shop'])}.{scene.style.team}.example"


def ingress(scene: Scene, name: str, host: str, backends: dict[str, Object], tls: str = "") -> Object:
    """Backends by path."""
    paths = [
        {"path": path, "pathType": "Prefix", "backend": {"service": service}} for path, service in backends.items()
    ]
    spec: Object = {
        "ingressClassName": scene.dice.choice(["nginx", "traefik", "haproxy"]),
        "rules": [{"host": host, "http": {"paths": paths}}],
    }
    if tls:
        spec["tls"] = [{"hosts": [host], "secretName": tls}]
    return scene.add(
        "Ingress",
        name,
        scene.namespace,
        api=NETWORKING,
        spec=spec,
        status={"loadBalancer": {"ingress": [{"ip": "203.0.113.7"}]}},
    )


def backend(program: Program, *, name: str = "", port: int = 0) -> Object:
    service = program.service
    assert service is not None
    return {"name": name or service.name, "port": {"number": port or service.port}}


def _path(program: Program) -> str:
    return f"/{program.name}"


def component(one: Object) -> Component:
    return Component(one["kind"], one["metadata"]["name"], one["metadata"].get("namespace"))


def _as_proxy(scene: Scene, edge: Program, table: dict[str, str]) -> None:
    """The edge as an nginx with its table of routes in a ConfigMap."""
    edge.language = "nginx"
    keys = {call.key for call in edge.calls}
    edge.container["image"] = "nginx:1.25.4"
    edge.container["env"] = [
        one
        for one in edge.container.get("env", ())
        if one["name"] not in keys and not one["name"].endswith(("_HOST", "_PORT", "_URL"))
    ]
    edge.container.pop("envFrom", None)
    blocks = "".join(
        f"  location {path}/ {{\n    proxy_pass {url};\n    proxy_set_header Host $host;\n  }}\n"
        for path, url in table.items()
    )
    name = f"{edge.name}-routes"
    scene.add(
        "ConfigMap",
        name,
        edge.namespace,
        created=edge.created,
        data={"default.conf": f"server {{\n  listen {edge.listens};\n{blocks}}}\n"},
    )
    edge.container["volumeMounts"] = [{"name": "routes", "mountPath": "/etc/nginx/conf.d", "readOnly": True}]
    edge.pod_spec["volumes"] = [{"name": "routes", "configMap": {"name": name, "defaultMode": 420}}]


def _url(program: Program) -> str:
    assert program.service is not None
    return f"http://{program.service.name}.{program.namespace}.svc.cluster.local:{program.service.port}"


def _not_found(scene: Scene, edge: Program, lost: Program, wrong: Program) -> None:
    """The wrong one answers with 404; the lost one hears nothing any more."""
    for pod in edge.pods:
        for _ in range(9):
            scene.say(
                pod,
                "INFO",
                f'"GET {_path(lost)}/api/v1/items/{scene.dice.randrange(999)} HTTP/1.1" 404 {scene.dice.randrange(19, 190)} "-" "Mozilla/5.0"',
            )
    for pod in wrong.pods:
        for _ in range(7):
            scene.say(pod, "WARN", f"GET {_path(lost)}/api/v1/items/{scene.dice.randrange(999)} 404 1ms")
    scene.bend(lost, "requests", times=0.02)
    scene.bend(wrong, "requests", times=1.8)
    scene.bend(wrong, "errors", to=0.4)
    scene.bend(edge, "errors", to=0.2)


@way("gateway_misroute")
def route_of_a_proxy_leads_to_another_service(scene: Scene) -> Answer:
    edge, found = scene.programs[0], routed(scene)
    lost, wrong = scene.dice.sample(found, 2)
    table = {_path(one): _url(one) for one in found}
    table[_path(lost)] = _url(wrong)
    _as_proxy(scene, edge, table)
    _not_found(scene, edge, lost, wrong)
    return answer(
        "gateway_misroute",
        lost,
        "objects",
        keeps=("ConfigMap",),
        places=(edge.component, Component("ConfigMap", f"{edge.name}-routes", edge.namespace)),
    )


@way("gateway_misroute")
def ingress_path_leads_to_another_service(scene: Scene) -> Answer:
    edge, found = scene.programs[0], routed(scene)
    lost, wrong = scene.dice.sample(found, 2)
    table = {_path(one): backend(one) for one in found}
    table[_path(lost)] = backend(wrong)
    made = ingress(scene, scene.dice.choice(["public", "main", "edge-routes"]), domain(scene), table)
    _not_found(scene, edge, lost, wrong)
    return answer("gateway_misroute", lost, "objects", keeps=("Ingress",), places=(component(made),))


@way("gateway_misroute")
def http_route_leads_to_another_service(scene: Scene) -> Answer:
    edge, found = scene.programs[0], routed(scene)
    lost, wrong = scene.dice.sample(found, 2)
    made = _http_routes(scene, found, {lost.name: wrong})
    _not_found(scene, edge, lost, wrong)
    return answer("gateway_misroute", lost, "objects", keeps=("HTTPRoute",), places=(component(made[lost.name]),))


@way("gateway_misroute")
def virtual_service_leads_to_another_service(scene: Scene) -> Answer:
    edge, found = scene.programs[0], routed(scene)
    lost, wrong = scene.dice.sample(found, 2)
    rules = []
    for one in found:
        target = wrong if one is lost else one
        place = {
            "host": f"{target.name}.{target.namespace}.svc.cluster.local",
            "port": {"number": backend(target)["port"]["number"]},
        }
        rules.append({"match": [{"uri": {"prefix": _path(one)}}], "route": [{"destination": place}]})
    made = scene.add(
        "VirtualService",
        "public-routes",
        scene.namespace,
        api="networking.istio.io/v1beta1",
        spec={"hosts": [domain(scene)], "gateways": ["istio-system/public"], "http": rules},
    )
    _not_found(scene, edge, lost, wrong)
    return answer("gateway_misroute", lost, "objects", keeps=("VirtualService",), places=(component(made),))


def _http_routes(
    scene: Scene, found: list[Program], instead: dict[str, Program], missing: str = ""
) -> dict[str, Object]:
    """One HTTPRoute for each service; some lead elsewhere, one to a name that is `missing`."""
    made = {}
    for one in found:
        target = instead.get(one.name, one)
        assert target.service is not None
        ref = {
            "group": "",
            "kind": "Service",
            "name": f"{target.service.name}-http" if one.name == missing else target.service.name,
            "port": target.service.port,
            "weight": 1,
        }
        spec: Object = {
            "parentRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public"}],
            "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": _path(one)}}], "backendRefs": [ref]}],
        }
        resolved: Object = {
            "type": "ResolvedRefs",
            "status": "True",
            "reason": "ResolvedRefs",
            "message": "Resolved all the Object references for the Route",
        }
        if one.name == missing:
            resolved = {
                "type": "ResolvedRefs",
                "status": "False",
                "reason": "BackendNotFound",
                "message": f"Service {one.namespace}/{ref['name']} not found",
            }
        conditions = [
            {"type": "Accepted", "status": "True", "reason": "Accepted", "message": "Route is accepted"},
            resolved,
        ]
        status = {
            "parents": [
                {
                    "controllerName": "gateway.envoyproxy.io/gatewayclass-controller",
                    "parentRef": spec["parentRefs"][0],
                    "conditions": [{**each, "lastTransitionTime": stamp(scene.onset)} for each in conditions],
                }
            ]
        }
        made[one.name] = scene.add(
            "HTTPRoute", one.name, one.namespace, api="gateway.networking.k8s.io/v1", spec=spec, status=status
        )
    return made


# --- backends that are missing ----------------------------------------------------------------------------------------------------


def _unavailable(scene: Scene, lost: Program, made: Object, code: int = 503) -> None:
    host = made["spec"].get("rules", [{}])[0].get("host", "www")
    scene.probe("http", f"{lost.namespace}/{lost.name}:80", False, f"GET https://{host}{_path(lost)}: HTTP {code}")
    scene.bend(lost, "requests", times=0.01)
    if scene.dice.random() < 0.5:
        scene.alert(
            "IngressErrorRate",
            f"{host}{_path(lost)} answers {code}",
            namespace=scene.namespace,
            ingress=made["metadata"]["name"],
        )


@way("ingress_backend_missing")
def ingress_names_a_service_that_is_not_there(scene: Scene) -> Answer:
    found = routed(scene)
    lost = scene.dice.choice(found)
    table = {_path(one): backend(one) for one in found}
    wrong = scene.dice.choice([f"{lost.name}-svc2", f"{lost.name}-http", lost.name[:-1], f"{lost.name}-v2"])
    table[_path(lost)] = backend(lost, name=wrong)
    made = ingress(scene, scene.dice.choice(["public", "web", scene.style.team]), domain(scene), table)
    if made["spec"]["ingressClassName"] == "traefik":
        scene.event(
            ("Ingress", scene.namespace, made["metadata"]["name"]),
            "BackendNotFound",
            f'Cannot create service: service not found: "{scene.namespace}/{wrong}"',
            by="traefik",
            count=3,
        )
    _unavailable(scene, lost, made)
    return answer(
        "ingress_backend_missing", component(made), "objects", keeps=("Ingress", "Service"), places=(lost.component,)
    )


@way("ingress_backend_missing")
def ingress_names_a_port_the_service_has_not(scene: Scene) -> Answer:
    found = routed(scene)
    lost = scene.dice.choice(found)
    assert lost.service is not None
    table = {_path(one): backend(one) for one in found}
    table[_path(lost)] = backend(
        lost, port=scene.dice.choice([one for one in (8443, 9999, 8089, 3333) if one != lost.service.port])
    )
    made = ingress(scene, "public", domain(scene), table)
    _unavailable(scene, lost, made)
    return answer(
        "ingress_backend_missing", component(made), "objects", keeps=("Ingress", "Service"), places=(lost.component,)
    )


@way("ingress_backend_missing")
def http_route_names_a_service_that_is_not_there(scene: Scene) -> Answer:
    found = routed(scene)
    lost = scene.dice.choice(found)
    made = _http_routes(scene, found, {}, missing=lost.name)[lost.name]
    _unavailable(scene, lost, made, 500)
    return answer(
        "ingress_backend_missing", component(made), "objects", keeps=("HTTPRoute", "Service"), places=(lost.component,)
    )


# --- certificates -----------------------------------------------------------------------------------------------------------------


def certificate(scene: Scene, name: str, host: str, *, expired: bool = True) -> Object:
    """As cert-manager keeps it: when it ended and why it was not renewed."""
    ends = scene.onset if expired else scene.taken_at + timedelta(days=61)
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "Expired",
        "message": f"Certificate expired on {ends:%a, %d %b %Y %H:%M:%S} UTC",
        "lastTransitionTime": stamp(scene.onset),
    }
    if not expired:
        condition |= {"status": "True", "reason": "Ready", "message": "Certificate is up to date and has not expired"}
    spec = {"secretName": name, "dnsNames": [host], "issuerRef": {"kind": "ClusterIssuer", "name": "letsencrypt"}}
    status = {
        "conditions": [condition],
        "notAfter": stamp(ends),
        "notBefore": stamp(ends - timedelta(days=90)),
        "renewalTime": stamp(ends - timedelta(days=30)),
        "revision": 3,
    }
    return scene.add(
        "Certificate",
        name,
        scene.namespace,
        api="cert-manager.io/v1",
        created=ends - timedelta(days=200),
        spec=spec,
        status=status,
    )


def _after(scene: Scene) -> str:
    return f"x509: certificate has expired or is not yet valid: current time {stamp(scene.taken_at)} is after {stamp(scene.onset)}"


def _tls_edge(scene: Scene) -> tuple[Object, str, Program]:
    found = routed(scene)
    host, name = domain(scene), f"{scene.dice.choice(['www', 'edge', 'wildcard'])}-tls"
    made = ingress(
        scene, "public", host, {_path(one): backend(one) for one in found} | {"/": backend(scene.programs[0])}, tls=name
    )
    scene.add(
        "Secret",
        name,
        scene.namespace,
        type="kubernetes.io/tls",
        data={"tls.crt": "sha256:5b0d", "tls.key": "sha256:91cc"},
        created=scene.onset - timedelta(days=90),
    )
    return made, name, scene.programs[0]


@way("tls_certificate_expired")
def certificate_of_the_ingress_was_not_renewed(scene: Scene) -> Answer:
    made, name, edge = _tls_edge(scene)
    host = made["spec"]["rules"][0]["host"]
    one = certificate(scene, name, host)
    scene.event(
        ("Certificate", scene.namespace, name),
        "Failed",
        'The certificate request has failed to complete and will be retried: Failed to wait for order resource to become ready: order is in "invalid" state: ',
        by="cert-manager-certificates-issuing",
        count=4,
    )
    scene.probe(
        "http",
        f"{scene.namespace}/{edge.name}:443",
        False,
        f'Get "https://{host}/": tls: failed to verify certificate: {_after(scene)}',
    )
    scene.bend(edge, "requests", times=0.05)
    places = (component(one), edge.component, Component("Secret", name, scene.namespace))
    return answer(
        "tls_certificate_expired", component(made), "objects", keeps=("Certificate", "Ingress"), places=places
    )


@way("tls_certificate_expired")
def certificate_at_the_edge_seen_from_outside(scene: Scene) -> Answer:
    """No cert-manager: a Secret by hand, an active check and an alert."""
    made, name, edge = _tls_edge(scene)
    host = made["spec"]["rules"][0]["host"]
    scene.probe(
        "http",
        f"{scene.namespace}/{edge.name}:443",
        False,
        f'Get "https://{host}/": tls: failed to verify certificate: {_after(scene)}',
        origin="outside",
    )
    scene.alert(
        "ProbeTLSCertExpired",
        f"TLS certificate of https://{host} has expired",
        namespace=scene.namespace,
        ingress="public",
        instance=f"https://{host}",
    )
    scene.bend(edge, "requests", times=0.05)
    places = (edge.component, Component("Secret", name, scene.namespace))
    return answer("tls_certificate_expired", component(made), "probes", "alerts", keeps=("Ingress",), places=places)


@way("tls_certificate_expired")
def certificate_between_two_services_has_expired(scene: Scene) -> Answer:
    """The server's own; every caller refuses it."""
    program = scene.pick("service", where=lambda one: any(caller.language != "nginx" for caller in scene.callers(one)))
    name = f"{program.name}-server-tls"
    program.pod_spec.setdefault("volumes", []).append(
        {"name": "tls", "secret": {"secretName": name, "defaultMode": 420}}
    )
    program.container.setdefault("volumeMounts", []).append({"name": "tls", "mountPath": "/etc/tls", "readOnly": True})
    scene.add(
        "Secret",
        name,
        program.namespace,
        type="kubernetes.io/tls",
        data={"tls.crt": "sha256:0aa1", "tls.key": "sha256:77fe"},
        created=scene.onset - timedelta(days=365),
    )
    for caller in scene.callers(program):
        for pod in caller.pods:
            for _ in range(6):
                level, lines = complaint(caller, caller.call_of(program), "expired", scene.dice)
                scene.say(pod, level, lines, at=scene.later(scene.onset, 5, 900))
    for pod in program.pods:
        scene.keeps_saying(
            pod,
            "WARN",
            "http: TLS handshake error from 10.244.2.17:41230: remote error: tls: expired certificate"
            if program.language == "go"
            else "Remote host terminated the handshake: certificate_expired",
            times=6,
        )
    scene.bend(program, "requests", times=0.02)
    return answer("tls_certificate_expired", program, "logs", places=(Component("Secret", name, program.namespace),))
