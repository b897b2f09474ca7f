"""Images that cannot be pulled or cannot run: of the startup family."""

from tests.evaluation.casebook.faults.aftermath import crash_alert, suffer
from tests.evaluation.casebook.model import Answer, Pod, Program
from tests.evaluation.casebook.scene import Edit, Scene
from tests.evaluation.casebook.things import add_secret
from tests.evaluation.casebook.ways import way

KEEPS = frozenset({"ReplicaSet"})


def _plain(scene: Scene) -> Program:
    """Mostly a service; now and then a store."""
    if scene.dice.random() < 0.15:
        return scene.pick("database", "queue", "cache")
    return scene.pick(where=lambda one: one.kind == "Deployment")


def _full(image: str) -> str:
    """As containerd spells a reference out."""
    first, _, rest = image.partition("/")
    if rest and ("." in first or ":" in first):
        return image
    return f"docker.io/{image}" if rest else f"docker.io/library/{image}"


def _host(image: str) -> str:
    found = _full(image).split("/")[0]
    return "registry-1.docker.io" if found == "docker.io" else found


def cannot_pull(scene: Scene, pod: Pod, image: str, why: str, *, kind: str = "") -> None:
    """The events of a failed pull, and a container that waits: with the reason in its message only as kubelets of that age say it."""
    code = {"": "Unknown", "NotFound": "NotFound"}[kind]
    told = f'rpc error: code = {code} desc = failed to pull and unpack image "{_full(image)}": {why}'
    begun = scene.later(pod.created, 1, 4)
    tries = max(2, int((scene.taken_at - begun).total_seconds() / 170))
    name = pod.program.main
    scene.event(pod, "Pulling", f'Pulling image "{image}"', type="Normal", count=tries, first=begun, container=name)
    scene.event(pod, "Failed", f'Failed to pull image "{image}": {told}', count=tries, first=begun, container=name)
    scene.event(pod, "Failed", "Error: ErrImagePull", count=tries, first=begun, container=name)
    scene.event(
        pod,
        "BackOff",
        f'Back-off pulling image "{image}"',
        type="Normal" if scene.style.minor < 33 else "Warning",
        count=tries * 4,
        first=begun,
        container=name,
    )
    scene.event(pod, "Failed", "Error: ImagePullBackOff", count=tries * 4, first=begun, container=name)
    if scene.dice.random() < 0.35:
        scene.waiting(pod, "ErrImagePull", told)
    else:
        tail = f": ErrImagePull: {told}" if scene.style.minor >= 31 else ""
        scene.waiting(pod, "ImagePullBackOff", f'Back-off pulling image "{image}"{tail}')


def _image(image: str) -> Edit:
    return lambda one: one.container.update(image=image)


def _pull_fails(
    scene: Scene,
    fault: str,
    program: Program,
    image: str,
    why: str,
    *,
    edit: Edit | None = None,
    kind: str = "",
    how: str = "",
) -> Answer:
    pods = scene.afflict(program, edit or _image(image), how=how)
    for pod in pods:
        cannot_pull(scene, pod, image, why, kind=kind)
    suffer(scene, program, pods)
    # Old kubelets keep the reason in the events only.
    spoken = scene.style.minor >= 31 or any("rpc error" in str(pod.states) for pod in pods)
    return Answer(fault, program.component, frozenset({"objects"} if spoken else {"objects", "events"}), KEEPS)


@way("incorrect_image_reference")
def tag_that_was_never_pushed(scene: Scene) -> Answer:
    program = _plain(scene)
    image = (
        program.container["image"].rsplit(":", 1)[0]
        + f":{scene.dice.choice(['v9.9.9', '2.41.0-rc7', 'lastest', 'sha-0d1c9fe'])}"
    )
    full = _full(image)
    return _pull_fails(
        scene,
        "incorrect_image_reference",
        program,
        image,
        f'failed to resolve reference "{full}": {full}: not found',
        kind="NotFound",
    )


@way("incorrect_image_reference")
def reference_cannot_be_parsed(scene: Scene) -> Answer:
    program = _plain(scene)
    image = program.container["image"].rsplit(":", 1)[0] + scene.dice.choice(
        [":", ":v1.2:latest", ":${TAG}", ":Release Candidate"]
    )
    pods = scene.afflict(program, _image(image))
    told = (
        f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": invalid reference format'
    )
    for pod in pods:
        scene.waiting(pod, "InvalidImageName", told)
        scene.event(pod, "InspectFailed", told, count=12, container=program.main)
        scene.event(pod, "Failed", "Error: InvalidImageName", count=12, container=program.main)
    suffer(scene, program, pods)
    return Answer("incorrect_image_reference", program.component, frozenset({"objects"}), KEEPS)


@way("incorrect_image_reference")
def repository_has_a_slip(scene: Scene) -> Answer:
    program = _plain(scene)
    name, _, tag = program.container["image"].rpartition(":")
    image = f"{name[:-1]}:{tag}" if scene.dice.random() < 0.5 else f"{name}-prod:{tag}"
    full = _full(image)
    why = f'failed to resolve reference "{full}": {full}: not found'
    if scene.dice.random() < 0.4:
        why = f'failed to resolve reference "{full}": unexpected status from HEAD request to https://{_host(image)}/v2/{full.split("/", 1)[1].rsplit(":", 1)[0]}/manifests/{tag}: 404 Not Found'
    return _pull_fails(scene, "incorrect_image_reference", program, image, why, kind="NotFound")


@way("image_registry_dns_failure")
def registry_has_a_slip_in_its_name(scene: Scene) -> Answer:
    program = _plain(scene)
    path = program.container["image"].split("/", 1)[-1]
    image = f"{scene.dice.choice(['regsitry', 'harbour', 'images', 'docker'])}.{scene.style.team}.{scene.dice.choice(['exmaple', 'internal', 'lan'])}/{path}"
    return _no_host(scene, program, image, None)


@way("image_registry_dns_failure")
def registry_can_no_longer_be_resolved(scene: Scene) -> Answer:
    program = _plain(scene)
    image = f"registry.{scene.style.team}.example/{program.name}:4.{scene.dice.randrange(9)}.1"
    for revision in program.revisions:
        revision.template["spec"]["containers"][0]["image"] = image
    return _no_host(scene, program, image, lambda _: None)


def _no_host(scene: Scene, program: Program, image: str, edit: Edit | None) -> Answer:
    host, resolver = _host(image), scene.dice.choice(["127.0.0.53", "10.0.0.2", "192.168.1.1", "169.254.169.253"])
    path, tag = _full(image).split("/", 1)[1].rsplit(":", 1)
    why = scene.dice.choice(
        ["no such host", "no such host", "server misbehaving", "Temporary failure in name resolution"]
    )
    said = f'failed to resolve reference "{image}": failed to do request: Head "https://{host}/v2/{path}/manifests/{tag}": dial tcp: lookup {host} on {resolver}:53: {why}'
    return _pull_fails(scene, "image_registry_dns_failure", program, image, said, edit=edit)


@way("missing_image_pull_secret")
def credentials_were_dropped_from_the_template(scene: Scene) -> Answer:
    """The repository was private all along; the new template no longer says with what to read it."""
    program = _plain(scene)
    name, _, tag = f"ghcr.io/{scene.style.team}/{program.name}:1.{scene.dice.randrange(30)}.0".rpartition(":")
    for revision in program.revisions:
        revision.template["spec"]["containers"][0]["image"] = f"{name}:{tag}"
        revision.template["spec"]["imagePullSecrets"] = [{"name": "ghcr-pull"}]
    add_secret(scene, "ghcr-pull", program.namespace, [".dockerconfigjson"])["type"] = "kubernetes.io/dockerconfigjson"
    return _unauthorized(scene, program, f"{name}:{tag}", lambda one: one.pod_spec.pop("imagePullSecrets", None))


@way("missing_image_pull_secret")
def named_credentials_do_not_exist(scene: Scene) -> Answer:
    program = _plain(scene)
    image = (
        program.container["image"]
        if "/" in program.container["image"]
        else f"ghcr.io/{scene.style.team}/{program.name}:3.1.0"
    )
    secret = scene.dice.choice(["regcred", "registry-auth", "gitlab-pull", f"{scene.style.team}-docker"])

    def edit(one: Program) -> None:
        one.container["image"] = image
        one.pod_spec["imagePullSecrets"] = [{"name": secret}]

    answer = _unauthorized(scene, program, image, edit)
    for pod in (one for one in program.pods if one.silent):
        text = f"Unable to retrieve some image pull secrets ({secret}); attempting to pull the image may not succeed."
        scene.event(pod, "FailedToRetrieveImagePullSecret", text, count=14)
    return answer


@way("missing_image_pull_secret")
def private_image_on_docker_hub(scene: Scene) -> Answer:
    program = _plain(scene)
    image = f"docker.io/{scene.style.team}/{program.name}:2.{scene.dice.randrange(9)}"
    why = f'failed to resolve reference "{image}": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed'
    answer = _pull_fails(scene, "missing_image_pull_secret", program, image, why)
    return Answer(answer.fault, answer.component, answer.needs, answer.keeps, frozenset({"incorrect_image_reference"}))


def _unauthorized(scene: Scene, program: Program, image: str, edit: Edit) -> Answer:
    host, path = _host(image), _full(image).split("/", 1)[1].rsplit(":", 1)[0]
    code = scene.dice.choice(["401 Unauthorized", "401 Unauthorized", "403 Forbidden"])
    said = f"failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://{host}/token?scope=repository%3A{path.replace('/', '%2F')}%3Apull&service={host}: {code}"
    if scene.dice.random() < 0.3:
        said = f'failed to resolve reference "{image}": unexpected status from HEAD request to https://{host}/v2/{path}/manifests/latest: {code}'
    elif scene.dice.random() < 0.5:
        said = f'failed to resolve reference "{image}": {said}'
    return _pull_fails(scene, "missing_image_pull_secret", program, image, said, edit=edit)


@way("image_pull_rate_limited")
def docker_hub_limits(scene: Scene) -> Answer:
    program = _plain(scene)
    image = f"{scene.dice.choice(['nginx', 'python', 'node', 'openjdk'])}:{scene.dice.choice(['1.27', '3.12-slim', '20-alpine', '17-slim'])}"
    full = _full(image)
    limit = scene.dice.choice(["unauthenticated ", ""])
    said = f"failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/{full.split('/', 1)[1].split(':')[0]}/manifests/sha256:{scene.dice.getrandbits(256):064x}: 429 Too Many Requests - Server message: toomanyrequests: You have reached your {limit}pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit"
    return _pull_fails(
        scene, "image_pull_rate_limited", program, image, said, how=scene.dice.choice(["recreate", "roll_out"])
    )


@way("image_pull_rate_limited")
def own_registry_limits(scene: Scene) -> Answer:
    program = _plain(scene)
    image = program.container["image"] if "/" in program.container["image"] else f"quay.io/{scene.style.team}/edge:1.0"
    why = scene.dice.choice(
        [
            "toomanyrequests: Rate exceeded",
            "429 Too Many Requests",
            "toomanyrequests: retry-after: 894.6µs, allowed: 44000/minute",
        ]
    )
    said = f'failed to resolve reference "{_full(image)}": unexpected status from HEAD request to https://{_host(image)}/v2/: {why}'
    return _pull_fails(scene, "image_pull_rate_limited", program, image, said)


_FORMATS = (
    "exec {p}: exec format error",
    "standard_init_linux.go:228: exec user process caused: exec format error",
    "exec user process caused: exec format error",
)


@way("image_architecture_mismatch")
def image_for_arm_on_amd_nodes(scene: Scene) -> Answer:
    program = _plain(scene)
    name = program.container["image"].rsplit(":", 1)[0]
    pods = scene.afflict(program, _image(f"{name}:{scene.dice.choice(['4.0.0', '4.0.0-arm64', 'edge'])}"))
    return _wrong_format(scene, program, pods)


@way("image_architecture_mismatch")
def some_nodes_are_arm(scene: Scene) -> Answer:
    """A cheaper pool of arm64 nodes was added; what lands there cannot run."""
    program = scene.pick(where=lambda one: one.kind == "Deployment" and one.replicas > 1)
    node = scene.workers[-1]
    for key in ("kubernetes.io/arch", "beta.kubernetes.io/arch"):
        node.labels[key] = "arm64"
    node.created = scene.ago(hours=5)
    for one in scene.programs:
        for pod in one.pods:
            if pod.node is node:
                pod.node = scene.workers[0]
                pod.ip = scene.address(pod.node)
    program.pods = program.pods[:-1]
    return _wrong_format(scene, program, [scene.new_pod(program, scene.onset, node)])


def _wrong_format(scene: Scene, program: Program, pods: list[Pod]) -> Answer:
    path = {
        "java": "/usr/bin/java",
        "python": "/usr/local/bin/python",
        "node": "/usr/local/bin/docker-entrypoint.sh",
    }.get(program.language, f"/app/{program.name}")
    line = scene.dice.choice(_FORMATS).format(p=path)
    for pod in pods:
        scene.crashing(pod, 1 if line.startswith("exec /") or "linux.go" in line else 255, lived=0.1)
        pod.started = None
        scene.say(pod, "", line, at=scene.ago(seconds=40), raw=True)
        scene.say(pod, "", line, at=scene.ago(seconds=340), raw=True, previous=True)
        crash_alert(scene, pod)
    suffer(scene, program, pods)
    return Answer("image_architecture_mismatch", program.component, frozenset({"logs", "objects"}), KEEPS)


@way("image_architecture_mismatch")
def manifest_has_no_such_platform(scene: Scene) -> Answer:
    program = _plain(scene)
    image = program.container["image"].rsplit(":", 1)[0] + ":7.2.0"
    return _pull_fails(
        scene,
        "image_architecture_mismatch",
        program,
        image,
        "no match for platform in manifest: not found",
        kind="NotFound",
    )
