"""Containers that never come to run: missing references, volumes, init containers, commands, sandboxes. Images are in `images.py`."""

from tests.evaluation.casebook.faults.aftermath import crash_alert, suffer
from tests.evaluation.casebook.model import Answer, Object, Pod, Program
from tests.evaluation.casebook.scene import Edit, Scene
from tests.evaluation.casebook.things import add_claim, add_secret, storage_class
from tests.evaluation.casebook.ways import way

KEEPS = frozenset({"ConfigMap", "Secret", "ReplicaSet"})


def _plain(scene: Scene) -> Program:
    """Mostly a service; now and then a store."""
    if scene.dice.random() < 0.15:
        return scene.pick("database", "queue", "cache")
    return scene.pick(where=lambda one: one.kind == "Deployment")


def _right(fault: str, program: Program, needs: tuple[str, ...] = ("objects",)) -> Answer:
    return Answer(fault, program.component, frozenset(needs), KEEPS)


# --- references ---------------------------------------------------------------------------------------------------------------


def _config_error(scene: Scene, pods: list[Pod], told: str) -> None:
    """An environment that cannot be made: the container is not created."""
    for pod in pods:
        name = pod.program.main
        scene.waiting(pod, "CreateContainerConfigError", told)
        tries = max(3, int((scene.taken_at - pod.created).total_seconds() / 13))
        scene.event(pod, "Failed", f"Error: {told}", count=tries, first=scene.later(pod.created, 1, 4), container=name)
        scene.event(
            pod,
            "Pulled",
            f'Container image "{pod.program.container["image"]}" already present on machine',
            type="Normal",
            count=tries,
            first=scene.later(pod.created, 1, 4),
            container=name,
        )


def _mount_error(scene: Scene, pods: list[Pod], volume: str, told: str) -> None:
    """A volume that cannot be set up: the pod stays in ContainerCreating."""
    for pod in pods:
        for container in pod.template["spec"]["containers"]:
            scene.waiting(pod, "ContainerCreating", container=container["name"])
        minutes = (scene.taken_at - pod.created).total_seconds() / 60
        scene.event(
            pod,
            "FailedMount",
            f'MountVolume.SetUp failed for volume "{volume}" : {told}',
            count=max(3, int(4 + minutes / 2)),
            first=scene.later(pod.created, 1, 3),
        )
        if minutes > 3 and scene.dice.random() < 0.6:
            token = f"kube-api-access-{scene.letters(5)}"
            why = "timed out waiting for the condition" if scene.style.minor < 28 else "context deadline exceeded"
            old = f"Unable to attach or mount volumes: unmounted volumes=[{volume}], unattached volumes=[{volume} {token}]: {why}"
            scene.event(
                pod,
                "FailedMount",
                old
                if scene.style.minor < 28
                else f"Unable to attach or mount volumes: unmounted volumes=[{volume}], unattached volumes=[], failed to process volumes=[]: {why}",
                count=max(1, int(minutes / 2)),
            )


def _env_ref(name: str, kind: str, holder: str, key: str) -> Edit:
    ref = {"secretKeyRef" if kind == "Secret" else "configMapKeyRef": {"name": holder, "key": key}}
    return lambda one: one.container["env"].append({"name": name, "valueFrom": ref})


def _env_from(kind: str, holder: str) -> Edit:
    ref = {"secretRef" if kind == "Secret" else "configMapRef": {"name": holder}}
    return lambda one: one.container.update(envFrom=[*one.container.get("envFrom", ()), ref])


def _volume(name: str, source: Object, path: str) -> Edit:
    def edit(one: Program) -> None:
        one.pod_spec["volumes"] = [*one.pod_spec.get("volumes", ()), {"name": name, **source}]
        one.container["volumeMounts"] = [
            *one.container.get("volumeMounts", ()),
            {"name": name, "mountPath": path, "readOnly": True},
        ]

    return edit


def _holder(scene: Scene, program: Program, kind: str) -> str:
    words = {
        "Secret": ("credentials", "api-keys", "tls", "oauth", "signing-key"),
        "ConfigMap": ("settings", "features", "config-v2", "rules", "locale"),
    }
    return f"{scene.dice.choice([program.name, scene.style.domain, scene.style.team])}-{scene.dice.choice(words[kind])}"


def _absent(scene: Scene, fault: str, kind: str, how: str) -> Answer:
    program = _plain(scene)
    holder = _holder(scene, program, kind)
    told = f'{kind.lower()} "{holder}" not found'
    if how == "env":
        pods = scene.afflict(
            program, _env_ref("EXTRA_SETTING" if kind == "ConfigMap" else "API_TOKEN", kind, holder, "value")
        )
        _config_error(scene, pods, told)
    elif how == "envfrom":
        pods = scene.afflict(program, _env_from(kind, holder))
        _config_error(scene, pods, told)
    else:
        source: Object = (
            {"secret": {"secretName": holder, "defaultMode": 420}}
            if kind == "Secret"
            else {"configMap": {"name": holder, "defaultMode": 420}}
        )
        pods = scene.afflict(program, _volume("extra", source, "/etc/extra"))
        _mount_error(scene, pods, "extra", told)
    suffer(scene, program, pods)
    return _right(fault, program)


@way("missing_secret_binding")
def variable_from_a_secret_that_is_none(scene: Scene) -> Answer:
    return _absent(scene, "missing_secret_binding", "Secret", "env")


@way("missing_secret_binding")
def volume_of_a_secret_that_is_none(scene: Scene) -> Answer:
    return _absent(scene, "missing_secret_binding", "Secret", "volume")


@way("missing_secret_binding")
def password_of_the_store_was_deleted(scene: Scene) -> Answer:
    """The Secret of a database's password was removed: whoever starts anew cannot, the database included."""
    program = scene.pick("database")
    holder = f"{program.name}-auth"
    scene.drop("Secret", holder, program.namespace)
    pods = scene.recreate(program, lambda _: None)
    program.pods = [pod for pod in program.pods if pod in pods]
    _config_error(scene, pods, f'secret "{holder}" not found')
    suffer(scene, program, pods)
    return _right("missing_secret_binding", program)


@way("missing_config_map")
def variable_from_a_config_map_that_is_none(scene: Scene) -> Answer:
    return _absent(scene, "missing_config_map", "ConfigMap", "env")


@way("missing_config_map")
def volume_of_a_config_map_that_is_none(scene: Scene) -> Answer:
    return _absent(scene, "missing_config_map", "ConfigMap", "volume")


@way("missing_config_map")
def all_variables_of_a_config_map_that_is_none(scene: Scene) -> Answer:
    return _absent(scene, "missing_config_map", "ConfigMap", "envfrom")


def _present(scene: Scene, program: Program, kind: str) -> str:
    holder = _holder(scene, program, kind)
    keys = ["region", "currency", "timeout"]
    if kind == "Secret":
        add_secret(scene, holder, program.namespace, ["username", "password"])
    else:
        scene.add("ConfigMap", holder, program.namespace, data=dict.fromkeys(keys, "x"))
    return holder


@way("missing_config_key")
def key_of_a_config_map_was_renamed(scene: Scene) -> Answer:
    return _no_key(scene, "ConfigMap", scene.dice.choice(["REGION", "default_currency", "timeout_ms"]))


@way("missing_config_key")
def key_of_a_secret_is_another(scene: Scene) -> Answer:
    return _no_key(scene, "Secret", scene.dice.choice(["passwd", "user", "db-password"]))


def _no_key(scene: Scene, kind: str, key: str) -> Answer:
    program = _plain(scene)
    holder = _present(scene, program, kind)
    pods = scene.afflict(program, _env_ref("SETTING", kind, holder, key))
    _config_error(scene, pods, f"couldn't find key {key} in {kind} {program.namespace}/{holder}")
    suffer(scene, program, pods)
    return _right("missing_config_key", program)


@way("missing_config_key")
def file_of_a_volume_is_no_key(scene: Scene) -> Answer:
    program = _plain(scene)
    kind = scene.dice.choice(["ConfigMap", "Secret"])
    holder = _present(scene, program, kind)
    key = scene.dice.choice(["app.yaml", "logback.xml", "ca.crt"])
    items = [{"key": key, "path": key}]
    source: Object = (
        {"configMap": {"name": holder, "items": items}}
        if kind == "ConfigMap"
        else {"secret": {"secretName": holder, "items": items}}
    )
    pods = scene.afflict(program, _volume("files", source, "/etc/files"))
    told = (
        "configmap references non-existent config key" if kind == "ConfigMap" else "references non-existent secret key"
    )
    _mount_error(scene, pods, "files", f"{told}: {key}")
    suffer(scene, program, pods)
    return _right("missing_config_key", program)


# --- volumes ------------------------------------------------------------------------------------------------------------------


def _crash_words(scene: Scene, pods: list[Pod], lines: list[str], code: int = 1, *, raw: bool = False) -> None:
    for pod in pods:
        scene.crashing(pod, code, lived=3)
        for previous in (False, True):
            at = scene.ago(seconds=30 if not previous else 200)
            scene.say(pod, "ERROR", lines, at=at, previous=previous, raw=raw)
        crash_alert(scene, pod)


_STORE_WORDS = {
    "mysql": [
        "mysqld: Can't create/write to file '/var/lib/mysql/is_writable' (OS errno 13 - Permission denied)",
        "2024-05-02T08:11:09.112233Z 0 [ERROR] [MY-010457] [Server] --initialize specified but the data directory has files in it. Aborting.",
    ],
    "postgres": [
        "chmod: changing permissions of '/var/lib/postgresql/data/pgdata': Operation not permitted",
        'initdb: error: could not create directory "/var/lib/postgresql/data/pgdata": Permission denied',
    ],
    "mongo": [
        '{"s":"E","c":"STORAGE","id":22435,"msg":"WiredTiger error","attr":{"error":13,"message":"__posix_open_file:/data/db/WiredTiger.wt: handle-open: open: Permission denied"}}'
    ],
}


@way("volume_mount_permission_denied", wants=("postgres",))
def database_may_not_write_its_volume(scene: Scene) -> Answer:
    """Without fsGroup the volume belongs to root, and the image runs as somebody else."""
    program = scene.pick("database", where=lambda one: one.language in _STORE_WORDS)

    def edit(one: Program) -> None:
        one.pod_spec["securityContext"] = {"runAsUser": 999, "runAsNonRoot": True}

    pods = scene.recreate(program, edit)
    program.pods = [pod for pod in program.pods if pod in pods]
    lines = _STORE_WORDS[program.language]
    _crash_words(scene, pods, lines[:1] if program.language == "mysql" else lines, raw=True)
    suffer(scene, program, pods)
    return _right("volume_mount_permission_denied", program, ("logs",))


@way("volume_mount_permission_denied")
def program_may_not_write_its_directory(scene: Scene) -> Answer:
    program = _plain(scene)
    path = scene.dice.choice(["/var/cache/app", "/data/uploads", "/app/tmp", "/var/lib/index"])
    claim = f"{program.name}-files"
    add_claim(scene, claim, program.namespace, size="5Gi", klass=storage_class(scene))

    def edit(one: Program) -> None:
        one.pod_spec["volumes"] = [
            *one.pod_spec.get("volumes", ()),
            {"name": "files", "persistentVolumeClaim": {"claimName": claim}},
        ]
        one.container["volumeMounts"] = [*one.container.get("volumeMounts", ()), {"name": "files", "mountPath": path}]
        one.pod_spec["securityContext"] = {"runAsUser": 10001, "runAsGroup": 10001}

    words = {
        "go": f"open {path}/.lock: permission denied",
        "java": f"java.nio.file.AccessDeniedException: {path}/.lock",
        "python": f"PermissionError: [Errno 13] Permission denied: '{path}/.lock'",
        "node": f"Error: EACCES: permission denied, open '{path}/.lock'",
        "dotnet": f"System.UnauthorizedAccessException: Access to the path '{path}/.lock' is denied.",
        "nginx": f'nginx: [emerg] mkdir() "{path}/client_temp" failed (13: Permission denied)',
    }
    pods = scene.afflict(program, edit)
    _crash_words(scene, pods, [words.get(program.language, f"open {path}/.lock: permission denied")])
    suffer(scene, program, pods)
    return _right("volume_mount_permission_denied", program, ("logs",))


@way("volume_mount_permission_denied")
def server_of_files_refuses(scene: Scene) -> Answer:
    program = _plain(scene)
    source: Object = {"nfs": {"server": "10.0.0.9", "path": f"/exports/{program.name}"}}
    pods = scene.afflict(program, _volume("shared", source, "/srv/shared"))
    told = f"mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs 10.0.0.9:/exports/{program.name} /var/lib/kubelet/pods/{scene.uid()}/volumes/kubernetes.io~nfs/shared\nOutput: mount.nfs: access denied by server while mounting 10.0.0.9:/exports/{program.name}\n"
    _mount_error(scene, pods, "shared", told)
    suffer(scene, program, pods)
    return _right("volume_mount_permission_denied", program, ("objects", "events"))


@way("volume_attach_conflict")
def new_pod_is_on_another_node(scene: Scene) -> Answer:
    """A rolling update starts the new pod elsewhere while the old one still holds a volume for one node."""
    program = scene.pick("service", "worker", where=lambda one: one.kind == "Deployment")
    claim = _own_claim(scene, program)
    del program.pods[1:]
    program.replicas = 1
    old = program.pods[0]
    pods = scene.roll_out(program, lambda one: one.set_env("RELEASE", "8"))
    return _attached(scene, program, pods, claim, f"Volume is already used by pod(s) {old.name}", old)


@way("volume_attach_conflict")
def lost_node_still_holds_it(scene: Scene) -> Answer:
    program = scene.pick(
        "database", "queue", "cache", where=lambda one: one.kind == "StatefulSet" and len(one.pods) == 1
    )
    claim = scene.find("PersistentVolumeClaim", f"data-{program.pods[0].name}", program.namespace)
    old = program.pods[0]
    pods = scene.recreate(program, lambda _: None)
    return _attached(
        scene,
        program,
        pods,
        claim,
        "Volume is already exclusively attached to one node and can't be attached to another",
        old,
    )


def _own_claim(scene: Scene, program: Program) -> Object:
    claim = add_claim(scene, f"{program.name}-data", program.namespace, size="10Gi", klass=storage_class(scene))
    for revision in program.revisions:
        spec = revision.template["spec"]
        spec["volumes"] = [
            *spec.get("volumes", ()),
            {"name": "data", "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}},
        ]
        spec["containers"][0]["volumeMounts"] = [
            *spec["containers"][0].get("volumeMounts", ()),
            {"name": "data", "mountPath": "/data"},
        ]
    return claim


def _attached(scene: Scene, program: Program, pods: list[Pod], claim: Object, why: str, old: Pod) -> Answer:
    volume = claim["spec"]["volumeName"]
    old_node = old.node or scene.workers[0]
    source = {"attacher": "csi.example", "nodeName": old_node.name, "source": {"persistentVolumeName": volume}}
    scene.add(
        "VolumeAttachment",
        f"csi-{scene.dice.getrandbits(128):032x}",
        api="storage.k8s.io/v1",
        spec=source,
        status={"attached": True},
    )
    for pod in pods:
        others = [node for node in scene.workers if node is not old_node] or scene.nodes
        pod.node = scene.dice.choice(others)
        for container in pod.template["spec"]["containers"]:
            scene.waiting(pod, "ContainerCreating", container=container["name"])
        scene.event(
            pod,
            "FailedAttachVolume",
            f'Multi-Attach error for volume "{volume}" {why}',
            first=scene.later(pod.created, 1, 3),
            by="attachdetach-controller",
        )
        text = "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data]: timed out waiting for the condition"
        scene.event(pod, "FailedMount", text, count=max(1, int((scene.taken_at - pod.created).total_seconds() / 125)))
    suffer(scene, program, pods)
    return Answer(
        "volume_attach_conflict",
        program.component,
        frozenset({"objects", "events"}),
        frozenset({"PersistentVolumeClaim", "PersistentVolume", "ReplicaSet"}),
    )


# --- init containers, commands, sandboxes -------------------------------------------------------------------------------------


def _with_init(name: str, image: str, command: list[str]) -> Edit:
    container: Object = {
        "name": name,
        "image": image,
        "command": command,
        "imagePullPolicy": "IfNotPresent",
        "resources": {},
    }
    return lambda one: one.pod_spec.update(initContainers=[*one.pod_spec.get("initContainers", ()), container])


def _init_fails(scene: Scene, program: Program, edit: Edit, name: str, lines: list[str], code: int) -> Answer:
    pods = scene.afflict(program, edit)
    for pod in pods:
        scene.crashing(pod, code, container=name, lived=5)
        pod.silent = True
        for previous in (False, True):
            scene.say(
                pod,
                "",
                lines,
                at=scene.ago(seconds=400 if previous else 50),
                container=name,
                previous=previous,
                raw=True,
            )
        crash_alert(scene, pod)
    suffer(scene, program, pods)
    return _right("init_container_failed", program)


@way("init_container_failed")
def migration_fails(scene: Scene) -> Answer:
    program = scene.pick("service", where=lambda one: one.kind == "Deployment")
    lines = scene.dice.choice(
        [
            ["Running migrations...", "error: Dirty database version 41. Fix and force version."],
            [
                "INFO  [alembic.runtime.migration] Context impl PostgresqlImpl.",
                'sqlalchemy.exc.ProgrammingError: (psycopg2.errors.DuplicateColumn) column "valid_until" of relation "tariffs" already exists',
            ],
            [
                "Flyway Community Edition 9.22.3",
                "ERROR: Validate failed: Migrations have failed validation",
                "Migration checksum mismatch for migration version 12",
            ],
        ]
    )
    return _init_fails(
        scene, program, _with_init("migrate", program.container["image"], ["./migrate", "up"]), "migrate", lines, 1
    )


@way("init_container_failed")
def download_fails(scene: Scene) -> Answer:
    program = _plain(scene)
    lines = scene.dice.choice(
        [
            ["curl: (22) The requested URL returned error: 404"],
            ["wget: server returned error: HTTP/1.1 403 Forbidden"],
            ["fatal: Remote branch release-9 not found in upstream origin"],
        ]
    )
    return _init_fails(
        scene,
        program,
        _with_init(
            "fetch-assets", "curlimages/curl:8.5.0", ["sh", "-c", "curl -fsSL $ASSETS_URL -o /assets/bundle.tgz"]
        ),
        "fetch-assets",
        lines,
        scene.dice.choice([22, 1, 128]),
    )


@way("init_container_failed")
def archive_is_broken(scene: Scene) -> Answer:
    program = _plain(scene)
    lines = ["unpacking /seed/data.tar.gz", "tar: invalid magic", "tar: short read"]
    return _init_fails(
        scene, program, _with_init("prepare", "busybox:1.36", ["sh", "-eu", "/scripts/prepare.sh"]), "prepare", lines, 2
    )


_RUNC = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: "


def _cannot_start(scene: Scene, program: Program, edit: Edit, why: str) -> Answer:
    """The runtime cannot execute it: StartError 128 and no log at all."""
    pods = scene.afflict(program, edit)
    told = f"{_RUNC}{why}: unknown"
    for pod in pods:
        state = scene.crashing(pod, 128, reason="StartError", message=told, lived=0)
        state.before["terminated"]["startedAt"] = "1970-01-01T00:00:00Z"
        if scene.dice.random() < 0.4:
            state.now = {"waiting": {"reason": "RunContainerError", "message": told}}
        scene.event(pod, "Failed", f"Error: {told}", count=max(2, state.restarts), container=program.main)
        pod.silent = True
        crash_alert(scene, pod)
    suffer(scene, program, pods)
    return _right("bad_command", program)


@way("bad_command")
def executable_does_not_exist(scene: Scene) -> Answer:
    program = _plain(scene)
    command = scene.dice.choice(["/app/strat.sh", "/usr/local/bin/serve", "/opt/app/bin/run"])
    return _cannot_start(
        scene,
        program,
        lambda one: one.container.update(command=[command]),
        f'exec: "{command}": stat {command}: no such file or directory',
    )


@way("bad_command")
def executable_is_not_in_the_path(scene: Scene) -> Answer:
    program = _plain(scene)
    command = scene.dice.choice(["gunicron", "pyhton", "jvaa", "nodejs18"])
    return _cannot_start(
        scene,
        program,
        lambda one: one.container.update(command=[command], args=["--port", str(program.listens)]),
        f'exec: "{command}": executable file not found in $PATH',
    )


@way("bad_command")
def shell_does_not_find_it(scene: Scene) -> Answer:
    program = _plain(scene)
    code, lines = scene.dice.choice(
        [
            (127, ["/bin/sh: 1: srever: not found"]),
            (127, ["sh: start-app: command not found"]),
            (126, ["/bin/sh: /app/entrypoint.sh: Permission denied"]),
        ]
    )
    pods = scene.afflict(
        program, lambda one: one.container.update(command=["/bin/sh", "-c"], args=[lines[0].split(": ")[-2]])
    )
    _crash_words(scene, pods, lines, code, raw=True)
    suffer(scene, program, pods)
    return _right("bad_command", program)


def _no_sandbox(scene: Scene, program: Program, pods: list[Pod], told: str) -> Answer:
    for pod in pods:
        for container in pod.template["spec"]["containers"]:
            scene.waiting(pod, "ContainerCreating", container=container["name"])
        sandbox = f"{scene.dice.getrandbits(256):064x}"
        count = max(3, int((scene.taken_at - pod.created).total_seconds() / 14))
        scene.event(
            pod,
            "FailedCreatePodSandBox",
            f"Failed to create pod sandbox: rpc error: code = Unknown desc = {told.format(s=sandbox)}",
            count=count,
            first=scene.later(pod.created, 2, 6),
        )
    suffer(scene, program, pods)
    places = {str(pod.node.component) for pod in pods if pod.node}
    places |= {str(agent.component) for agent in scene.agents if agent.kind == "DaemonSet"}
    return Answer(
        "sandbox_failed",
        program.component,
        frozenset({"objects", "events"}),
        frozenset({"ReplicaSet"}),
        frozenset(),
        frozenset(places),
    )


_CNI = {
    "calico": 'failed to setup network for sandbox "{s}": plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized',
    "flannel": 'failed to setup network for sandbox "{s}": plugin type="flannel" failed (add): loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory',
    "cilium": 'failed to setup network for sandbox "{s}": plugin type="cilium-cni" failed (add): unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure range is full',
    "vpc": 'failed to setup network for sandbox "{s}": plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container',
    "kindnet": 'failed to setup network for sandbox "{s}": plugin type="ptp" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.244.1.1-10.244.1.254',
    "none": 'failed to setup network for sandbox "{s}": plugin type="bridge" failed (add): failed to set bridge addr: "cni0" already has an IP address different from 10.42.1.1/24',
}


@way("sandbox_failed")
def network_plugin_fails(scene: Scene) -> Answer:
    program = _plain(scene)
    pods = scene.afflict(program, lambda one: one.set_env("RELEASE", "5"))
    node = scene.dice.choice(scene.workers)
    for pod in pods:
        pod.node = node
    return _no_sandbox(scene, program, pods, _CNI[scene.style.cni])


@way("sandbox_failed")
def runtime_class_has_no_handler(scene: Scene) -> Answer:
    program = _plain(scene)
    handler = scene.dice.choice(["gvisor", "kata", "runsc"])
    scene.add("RuntimeClass", handler, api="node.k8s.io/v1", handler=handler)
    pods = scene.afflict(program, lambda one: one.pod_spec.update(runtimeClassName=handler))
    return _no_sandbox(scene, program, pods, f'failed to get sandbox runtime: no runtime for "{handler}" is configured')
