"""The application of a scene: an edge, services that call each other, workers, and the data stores that they stand on."""

from collections.abc import Collection
from datetime import timedelta

from tests.evaluation.casebook.model import Call, Object, Program, Revision, Service
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.things import add_claim, add_secret, storage_class
from tests.evaluation.casebook.words import (
    CACHES,
    DATABASES,
    DOMAINS,
    EDGES,
    LANGUAGES,
    PREFIXES,
    QUEUES,
    STAGES,
    SUFFIXES,
    WORKERS,
)

PORTS = {"mysql": 3306, "postgres": 5432, "mongo": 27017, "redis": 6379, "rabbitmq": 5672, "kafka": 9092, "nats": 4222}
IMAGES = {
    "mysql": "mysql:8.0.36",
    "postgres": "postgres:15.6",
    "mongo": "mongo:6.0.14",
    "redis": "redis:7.2.4-alpine",
    "rabbitmq": "rabbitmq:3.12-management",
    "kafka": "bitnami/kafka:3.6.1",
    "nats": "nats:2.10.11",
}
DATA_DIRS = {
    "mysql": "/var/lib/mysql",
    "postgres": "/var/lib/postgresql/data",
    "mongo": "/data/db",
    "redis": "/data",
    "rabbitmq": "/var/lib/rabbitmq",
    "kafka": "/bitnami/kafka",
    "nats": "/data",
}
LISTENS = {
    "go": (8080, 9000, 7070),
    "java": (8080, 8081, 8443),
    "python": (8000, 5000, 8080),
    "node": (3000, 8080, 4000),
    "dotnet": (8080, 5000, 80),
}


def draw_application(scene: Scene, wants: Collection[str]) -> None:
    """`wants`: features that a way needs, of mysql, postgres, mongo, cache, queue, pvc, java, go, python, node, dotnet, many, ..."""
    dice, style = scene.dice, scene.style
    stage = dice.choice(STAGES)
    main = dice.choice([stage or style.domain, f"{style.domain}-{stage}" if stage else style.team, style.domain])
    scene.namespaces = [main]
    data_space = main
    if dice.random() < 0.3:
        data_space = dice.choice(["data", "databases", f"{style.domain}-data"])
        scene.namespaces.append(data_space)
    stores = _stores(scene, data_space, wants)
    services = _services(scene, main, wants)
    workers = [
        _plain(scene, main, name, "worker", _language(scene, ()))
        for name in dice.sample(WORKERS, dice.choice([0, 1, 1, 2] if "worker" not in wants else [1, 2]))
    ]
    edge = _plain(scene, main, dice.choice(EDGES), "edge", dice.choice(["nginx", "node", "go", "java"]))
    scene.programs = [edge, *services, *workers, *stores]
    _connect(scene, edge, services, workers, stores)
    for program in scene.programs:
        _deploy(scene, program)


def _language(scene: Scene, wants: Collection[str]) -> str:
    wanted = [one for one in LANGUAGES if one in wants]
    return scene.dice.choice(wanted or list(LANGUAGES))


def _stores(scene: Scene, namespace: str, wants: Collection[str]) -> list[Program]:
    dice = scene.dice
    engines = [one for one in DATABASES if one in wants] or [dice.choice(list(DATABASES))]
    if dice.random() < 0.25 and len(engines) == 1:
        engines.append(dice.choice([one for one in DATABASES if one not in engines]))
    made = [_store(scene, namespace, dice.choice(DATABASES[one]), "database", one) for one in engines]
    if "cache" in wants or dice.random() < 0.6:
        made.append(_store(scene, namespace, dice.choice(CACHES), "cache", "redis"))
    if "queue" in wants or dice.random() < 0.4:
        engine = dice.choice(list(QUEUES))
        made.append(_store(scene, namespace, dice.choice(QUEUES[engine]), "queue", engine))
    return made


def _services(scene: Scene, namespace: str, wants: Collection[str]) -> list[Program]:
    dice = scene.dice
    count = dice.randrange(3, 9)
    prefix, suffix = dice.choice(PREFIXES), dice.choice(SUFFIXES)
    names = dice.sample(DOMAINS[scene.style.domain], count)
    only = [one for one in LANGUAGES if one in wants]
    house = dice.choice(LANGUAGES)
    made = []
    for number, name in enumerate(names):
        language = only[0] if only and number < 2 else (house if dice.random() < 0.5 else _language(scene, ()))
        made.append(_plain(scene, namespace, f"{prefix}{name}{suffix}", "service", language))
    return made


def labels_of(scene: Scene, name: str, role: str, version: str) -> tuple[dict[str, str], dict[str, str]]:
    """(selector, labels of the template) in the customer's habit."""
    key = {
        "name": "app.kubernetes.io/name",
        "app": "app",
        "k8s-app": "k8s-app",
        "run": "run",
        "component": "component",
    }[scene.style.labels]
    selector = {key: name}
    more: dict[str, str] = {}
    if scene.style.labels == "name":
        selector["app.kubernetes.io/instance"] = scene.style.team
        more = {"app.kubernetes.io/version": version, "app.kubernetes.io/part-of": scene.style.domain}
        if scene.style.helm:
            more["app.kubernetes.io/managed-by"] = "Helm"
    elif scene.style.labels == "component":
        selector["app"] = scene.style.domain
    elif scene.style.labels == "app" and scene.style.helm:
        more = {"version": version, "tier": {"edge": "frontend", "service": "backend"}.get(role, role)}
    return selector, {**selector, **more}


def _resources(cpu: int, memory: int) -> Object:
    return {
        "requests": {"cpu": f"{cpu}m", "memory": f"{memory}Mi"},
        "limits": {"cpu": f"{cpu * 4}m", "memory": f"{memory * 2}Mi"},
    }


def _plain(scene: Scene, namespace: str, name: str, role: str, language: str) -> Program:
    dice = scene.dice
    version = f"{dice.randrange(1, 6)}.{dice.randrange(0, 20)}.{dice.randrange(0, 9)}"
    selector, labels = labels_of(scene, name, role, version)
    port = dice.choice(LISTENS.get(language, (8080, 80)))
    image = (
        f"nginx:1.25.{dice.randrange(1, 6)}"
        if language == "nginx"
        else f"{scene.style.registry}/{name}:{dice.choice(['v', ''])}{version}"
    )
    memory = {"java": 512, "dotnet": 256, "go": 64, "node": 192, "python": 192, "nginx": 64}[language]
    container: Object = {
        "name": dice.choice([name, name, "app", "main", "server"]),
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": "LOG_LEVEL", "value": "info"}],
        "resources": _resources(dice.choice([50, 100, 150, 200]), memory),
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }
    if role != "worker":
        named = dice.random() < 0.5
        container["ports"] = [{**({"name": "http"} if named else {}), "containerPort": port, "protocol": "TCP"}]
        path = {"java": "/actuator/health", "go": "/healthz", "dotnet": "/health", "nginx": "/"}.get(
            language, "/health"
        )
        _probes(scene, container, path, port, language)
    spec: Object = {
        "containers": [container],
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }
    account = name if dice.random() < 0.35 else "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = account
    program = Program(
        namespace,
        name,
        "Deployment",
        role,
        language,
        {"metadata": {"labels": labels}, "spec": spec},
        selector,
        _replicas(scene, role),
        scene.ago(days=dice.uniform(15, 240)),
        port,
    )
    if account != "default":
        scene.add("ServiceAccount", account, namespace, created=program.created)
    if role != "worker":
        program.service = _service(scene, program, port)
    return program


def _replicas(scene: Scene, role: str) -> int:
    return scene.dice.choice([1, 1, 2, 2, 3] if role == "worker" else [1, 2, 2, 2, 3, 3, 4])


def _probes(scene: Scene, container: Object, path: str, port: int, language: str) -> None:
    rest = {
        "timeoutSeconds": scene.dice.choice([1, 2, 3]),
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    how: Object = (
        {"tcpSocket": {"port": port}}
        if scene.dice.random() < 0.2
        else {"httpGet": {"path": path, "port": port, "scheme": "HTTP"}}
    )
    slow = 30 if language == "java" else 5
    if scene.dice.random() < 0.8:
        container["readinessProbe"] = {**how, "initialDelaySeconds": slow // 2, **rest}
    if scene.dice.random() < 0.6:
        container["livenessProbe"] = {**how, "initialDelaySeconds": slow * 2, **rest}


def _service(scene: Scene, program: Program, port: int) -> Service:
    dice = scene.dice
    outer = dice.choice([80, 80, port, 8080]) if program.role in ("service", "edge") else port
    named = bool(program.container.get("ports", [{}])[0].get("name"))
    target: object = "http" if named and dice.random() < 0.5 else port
    ip = f"{scene.style.service_cidr.rsplit('.', 2)[0]}.{dice.randrange(1, 250)}.{dice.randrange(2, 250)}"
    row = {**({"name": "http"} if dice.random() < 0.6 else {}), "port": outer, "protocol": "TCP", "targetPort": target}
    kind = "ClusterIP"
    if program.role == "edge":
        kind = dice.choice(["LoadBalancer", "NodePort", "ClusterIP", "ClusterIP"])
        row |= {"nodePort": dice.randrange(30000, 32767)} if kind != "ClusterIP" else {}
    return Service(program.name, program.namespace, dict(program.selector), [row], ip, kind, program.created)


def _store(scene: Scene, namespace: str, name: str, role: str, engine: str) -> Program:
    dice = scene.dice
    selector, labels = labels_of(scene, name, role, IMAGES[engine].split(":")[1])
    port = PORTS[engine]
    container: Object = {
        "name": engine,
        "image": IMAGES[engine],
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"name": engine, "containerPort": port, "protocol": "TCP"}],
        "resources": _resources(250, 512),
        "env": _store_env(scene, namespace, name, engine),
        "volumeMounts": [{"name": "data", "mountPath": DATA_DIRS[engine]}],
        "readinessProbe": {
            "tcpSocket": {"port": port},
            "initialDelaySeconds": 10,
            "timeoutSeconds": 2,
            "periodSeconds": 10,
            "successThreshold": 1,
            "failureThreshold": 3,
        },
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }
    if role == "cache":
        container["args"] = ["--requirepass", "$(REDIS_PASSWORD)", "--maxmemory", "256mb"]
    spec: Object = {
        "containers": [container],
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "securityContext": {"fsGroup": 999},
        "terminationGracePeriodSeconds": 60,
        "serviceAccountName": "default",
        "serviceAccount": "default",
    }
    kind = "Deployment" if role == "cache" and dice.random() < 0.6 else "StatefulSet"
    program = Program(
        namespace,
        name,
        kind,
        role,
        engine,
        {"metadata": {"labels": labels}, "spec": spec},
        selector,
        1,
        scene.ago(days=dice.uniform(40, 300)),
        port,
    )
    program.service = _service(scene, program, port)
    program.service.ports = [{"name": engine, "port": port, "protocol": "TCP", "targetPort": port}]
    if kind == "StatefulSet":
        program.spec["serviceName"] = name
        _claim_template(scene, program)
    else:
        spec["volumes"] = [{"name": "data", "emptyDir": {}}]
    return program


SECRET_KEYS = {
    "mysql": "mysql-password",
    "postgres": "postgres-password",
    "mongo": "mongodb-password",
    "redis": "redis-password",
    "rabbitmq": "rabbitmq-password",
    "kafka": "client-password",
    "nats": "token",
}
_STORE_ENV = {
    "mysql": "MYSQL_PASSWORD",
    "postgres": "POSTGRES_PASSWORD",
    "mongo": "MONGO_INITDB_ROOT_PASSWORD",
    "redis": "REDIS_PASSWORD",
    "rabbitmq": "RABBITMQ_DEFAULT_PASS",
    "kafka": "KAFKA_CLIENT_PASSWORDS",
    "nats": "NATS_TOKEN",
}


def _store_env(scene: Scene, namespace: str, name: str, engine: str) -> list[Object]:
    """The password from a Secret beside it, and the user and database where the engine has them."""
    add_secret(scene, f"{name}-auth", namespace, [SECRET_KEYS[engine]])
    found: list[Object] = [
        {
            "name": _STORE_ENV[engine],
            "valueFrom": {"secretKeyRef": {"name": f"{name}-auth", "key": SECRET_KEYS[engine]}},
        }
    ]
    if engine == "mysql":
        found += [
            {"name": "MYSQL_USER", "value": scene.style.domain},
            {"name": "MYSQL_DATABASE", "value": scene.style.domain},
            {"name": "MYSQL_RANDOM_ROOT_PASSWORD", "value": "yes"},
        ]
    elif engine == "postgres":
        found += [
            {"name": "POSTGRES_USER", "value": scene.style.domain},
            {"name": "POSTGRES_DB", "value": scene.style.domain},
            {"name": "PGDATA", "value": "/var/lib/postgresql/data/pgdata"},
        ]
    return found


def _claim_template(scene: Scene, program: Program) -> None:
    size = scene.dice.choice(["8Gi", "10Gi", "20Gi", "50Gi"])
    claim: Object = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": size}},
        "storageClassName": storage_class(scene),
        "volumeMode": "Filesystem",
    }
    program.spec["volumeClaimTemplates"] = [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data"},
            "spec": claim,
            "status": {"phase": "Pending"},
        }
    ]


def _connect(
    scene: Scene, edge: Program, services: list[Program], workers: list[Program], stores: list[Program]
) -> None:
    dice = scene.dice
    for callee in services[: max(2, len(services) // 2)]:
        connect(scene, edge, callee)
    for number, service in enumerate(services):
        later = services[number + 1 :]
        for callee in dice.sample(later, min(len(later), dice.choice([0, 1, 1, 2]))):
            connect(scene, service, callee)
        for store in dice.sample(stores, min(len(stores), dice.choice([1, 1, 2]))):
            connect(scene, service, store)
    for worker in workers:
        connect(scene, worker, dice.choice(stores))
        if dice.random() < 0.6:
            connect(scene, worker, dice.choice(services))
    for one in [*services[1:], *stores]:
        if not any(call.callee is one for other in (edge, *services, *workers) for call in other.calls):
            connect(
                scene,
                dice.choice(
                    [each for each in (*services, *workers) if each is not one and not reaches(one, each)] or [edge]
                ),
                one,
            )


def reaches(program: Program, wanted: Program) -> bool:
    return any(call.callee is wanted or reaches(call.callee, wanted) for call in program.calls)


def connect(scene: Scene, caller: Program, callee: Program) -> Call:
    """Write the callee's address where this customer keeps addresses."""
    from tests.evaluation.casebook.addresses import write

    service = callee.service
    assert service is not None
    host = service.name
    if caller.namespace != callee.namespace or scene.dice.random() < 0.25:
        host = scene.dice.choice(
            [f"{service.name}.{callee.namespace}", f"{service.name}.{callee.namespace}.svc.cluster.local"]
        )
    call = Call(callee, "", "", "", host, service.port, "")
    caller.calls.append(call)
    write(scene, caller, call)
    if callee.role in ("database", "cache") and callee.namespace != caller.namespace:
        _copy_secret(scene, caller, callee)
    return call


def _copy_secret(scene: Scene, caller: Program, store: Program) -> None:
    """A Secret is read from one's own namespace only, so the store's password is there a second time."""
    name = f"{store.name}-auth"
    if not any(
        one["kind"] == "Secret" and one["metadata"]["name"] == name and one["metadata"]["namespace"] == caller.namespace
        for one in scene.extra
    ):
        add_secret(scene, name, caller.namespace, [SECRET_KEYS[store.language]])


def _deploy(scene: Scene, program: Program) -> None:
    """Its pods, from the last of one to four revisions; and the claims of a StatefulSet."""
    dice = scene.dice
    count = dice.choice([1, 1, 2, 3, 4]) if program.kind == "Deployment" else 1
    age = scene.taken_at - program.created
    at = program.created + age * dice.uniform(0.2, 0.95) if count > 1 else program.created
    program.revisions = [
        Revision(n + 1, scene.letters(10), program.template, program.created)
        for n in range(max(0, count - 2), count - 1)
    ]
    program.revisions.append(Revision(count, scene.letters(10), program.template, at))
    for older in program.revisions[:-1]:
        older.template = _older(older.template, older.number)
    program.pods = []
    for _ in range(program.replicas):
        born = (
            at
            + (scene.taken_at - at) * (dice.uniform(0, 0.6) if dice.random() < 0.3 else 0)
            + timedelta(seconds=dice.uniform(0, 40))
        )
        scene.new_pod(program, born, scene.workers[dice.randrange(len(scene.workers))])
    for template in program.spec.get("volumeClaimTemplates", ()):
        for pod in program.pods:
            spec = template["spec"]
            add_claim(
                scene,
                f"{template['metadata']['name']}-{pod.name}",
                program.namespace,
                size=spec["resources"]["requests"]["storage"],
                klass=spec["storageClassName"],
            )


def _older(template: Object, number: int) -> Object:
    spec = template["spec"]
    first = spec["containers"][0]
    image = first["image"].rsplit(":", 1)[0] + f":{number}.0.{number + 2}"
    return {**template, "spec": {**spec, "containers": [{**first, "image": image}, *spec["containers"][1:]]}}
