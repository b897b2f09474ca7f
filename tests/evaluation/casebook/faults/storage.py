"""Claims that no volume fits, and volumes that nobody makes. Of the scheduling family, in a file of its own."""

from dataclasses import dataclass

from tests.evaluation.casebook.faults.aftermath import suffer
from tests.evaluation.casebook.model import Answer, Object, Pod, Program
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.things import add_claim, add_volume, storage_class
from tests.evaluation.casebook.ways import way

KEEPS = frozenset({"PersistentVolumeClaim", "PersistentVolume", "StorageClass", "ReplicaSet"})
NO_CLASS = "no persistent volumes available for this claim and no storage class is set"
NO_PLUGIN = "no volume plugin matched name: kubernetes.io/no-provisioner"


@dataclass
class Claimant:
    program: Program
    pods: list[Pod]
    claim: str


def _claimant(scene: Scene) -> Claimant:
    """Who needs a claim that does not get bound: a service with a new volume, a database installed just now, or one scaled up."""
    stateful = [one for one in scene.programs if one.kind == "StatefulSet" and one.pods and one not in scene.picked]
    chosen = scene.dice.choice(["service", "install", "scale"] if stateful else ["service"])
    if chosen == "service":
        return _service(scene)
    program = scene.dice.choice(stateful)
    if chosen == "scale":
        program.replicas += 1
        pod = scene.new_pod(program, scene.onset)
        return Claimant(program, [pod], f"data-{pod.name}")
    _forget_claims(scene, program)
    pods = scene.afflict(program, lambda _: None, how="first")
    return Claimant(program, pods, f"data-{pods[0].name}")


def _service(scene: Scene) -> Claimant:
    program = scene.pick("service", "worker", where=lambda one: one.kind == "Deployment")
    claim = f"{program.name}-{scene.dice.choice(['data', 'uploads', 'cache', 'index'])}"

    def edit(one: Program) -> None:
        one.pod_spec["volumes"] = [
            *one.pod_spec.get("volumes", ()),
            {"name": "data", "persistentVolumeClaim": {"claimName": claim}},
        ]
        one.container["volumeMounts"] = [
            *one.container.get("volumeMounts", ()),
            {"name": "data", "mountPath": "/var/data"},
        ]

    return Claimant(program, scene.afflict(program, edit), claim)


def _forget_claims(scene: Scene, program: Program) -> None:
    names = {f"data-{pod.name}" for pod in program.pods}
    gone = [
        one
        for one in scene.extra
        if one["kind"] == "PersistentVolumeClaim"
        and one["metadata"]["name"] in names
        and one["metadata"].get("namespace") == program.namespace
    ]
    volumes = {one["spec"].get("volumeName") for one in gone}
    scene.extra = [
        one
        for one in scene.extra
        if one not in gone and not (one["kind"] == "PersistentVolume" and one["metadata"]["name"] in volumes)
    ]


def _unbound(scene: Scene, who: Claimant) -> None:
    total = len(scene.nodes)
    what = "pod has unbound immediate PersistentVolumeClaims"
    text = (
        f"0/{total} nodes are available: {total} {what}."
        if scene.style.minor < 25
        else f"0/{total} nodes are available: {what}. preemption: 0/{total} nodes are available: {total} Preemption is not helpful for scheduling."
    )
    for pod in who.pods:
        scene.unscheduled(pod, text)
    suffer(scene, who.program, who.pods)


def _nothing_to_bind(scene: Scene, who: Claimant) -> None:
    """Of a class that waits for its first consumer."""
    free = sum(not node.taints and not node.cordoned for node in scene.nodes)
    text = scene.unschedulable_text(
        {**scene.taint_reasons(), "node(s) didn't find available persistent volumes to bind": free}
    )
    for pod in who.pods:
        scene.unscheduled(pod, text)
    suffer(scene, who.program, who.pods)


def _told(
    scene: Scene,
    who: Claimant,
    reason: str,
    message: str,
    *,
    type_: str = "Warning",
    by: str = "persistentvolume-controller",
    count: int = 0,
) -> None:
    about = ("PersistentVolumeClaim", who.program.namespace, who.claim)
    minutes = (scene.taken_at - scene.onset).total_seconds() / 60
    scene.event(about, reason, message, count=count or max(2, int(minutes * 4)), type=type_, by=by)


def _set_class(who: Claimant, klass: str | None, size: str, modes: list[str] | None = None) -> None:
    """A StatefulSet's claims follow its template."""
    for template in who.program.spec.get("volumeClaimTemplates", ()):
        spec: Object = {
            "accessModes": modes or ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
            "volumeMode": "Filesystem",
        }
        template["spec"] = {**spec, **({"storageClassName": klass} if klass is not None else {})}


def _claim(
    scene: Scene, who: Claimant, klass: str | None, size: str, *, modes: list[str] | None = None, **spec: object
) -> None:
    _set_class(who, klass, size, modes)
    add_claim(scene, who.claim, who.program.namespace, size=size, klass=klass, modes=modes, bound=False, **spec)


def _static_class(scene: Scene, name: str, *, waits: bool) -> None:
    mode = "WaitForFirstConsumer" if waits else "Immediate"
    scene.add(
        "StorageClass",
        name,
        api="storage.k8s.io/v1",
        provisioner="kubernetes.io/no-provisioner",
        reclaimPolicy="Retain",
        volumeBindingMode=mode,
    )


def _right(fault: str, who: Claimant, also: tuple[str, ...] = ()) -> Answer:
    return Answer(fault, who.program.component, frozenset({"objects"}), KEEPS, frozenset(also))


def _stay_unbound(scene: Scene, who: Claimant, klass: str) -> None:
    """The sentence depends on the class: none at all, one without a provisioner, or one that waits for its consumer."""
    if klass == "":
        _told(scene, who, "FailedBinding", NO_CLASS, type_="Normal")
        _unbound(scene, who)
        return
    waits = scene.dice.random() < 0.5
    _static_class(scene, klass, waits=waits)
    if waits:
        _told(
            scene,
            who,
            "WaitForFirstConsumer",
            "waiting for first consumer to be created before binding",
            type_="Normal",
            count=1,
        )
        _nothing_to_bind(scene, who)
    else:
        _told(scene, who, "ProvisioningFailed", NO_PLUGIN)
        _unbound(scene, who)


MANUAL = ("manual", "local-storage", "nfs-static", "")


@way("pv_binding_occupied")
def volume_is_bound_to_another_claim(scene: Scene) -> Answer:
    who = _service(scene)
    other = add_claim(
        scene,
        f"{scene.dice.choice(['legacy', 'backup', 'old'])}-{who.claim}",
        who.program.namespace,
        size="20Gi",
        klass="manual",
    )
    taken = other["spec"]["volumeName"]
    volume = scene.find("PersistentVolume", taken)
    volume["metadata"]["name"] = other["spec"]["volumeName"] = f"pv-{scene.style.domain}-01"
    _static_class(scene, "manual", waits=False)
    _claim(scene, who, "manual", "20Gi", volumeName=volume["metadata"]["name"])
    _told(scene, who, "FailedBinding", f'volume "{volume["metadata"]["name"]}" already bound to a different claim.')
    _unbound(scene, who)
    return _right("pv_binding_occupied", who)


@way("pv_binding_occupied")
def volume_was_released_but_keeps_its_old_claim(scene: Scene) -> Answer:
    """The claim was deleted and made anew; a retained volume remembers the old one by uid."""
    who = _claimant(scene)
    klass = scene.dice.choice(MANUAL)
    old = {"metadata": {"name": who.claim, "namespace": who.program.namespace, "uid": scene.uid()}}
    volume = add_volume(
        scene, f"pv-{who.program.name}", size="20Gi", klass=klass, modes=["ReadWriteOnce"], claim=old, phase="Released"
    )
    volume["spec"]["persistentVolumeReclaimPolicy"] = "Retain"
    _claim(scene, who, klass, "20Gi")
    _stay_unbound(scene, who, klass)
    return _right("pv_binding_occupied", who)


@way("pv_binding_occupied")
def volume_is_reserved_for_a_claim_elsewhere(scene: Scene) -> Answer:
    who = _service(scene)
    klass = scene.dice.choice(MANUAL)
    elsewhere = {"metadata": {"name": who.claim, "namespace": f"{who.program.namespace}-old", "uid": scene.uid()}}
    volume = add_volume(
        scene, f"vol-{scene.style.domain}-a", size="50Gi", klass=klass, modes=["ReadWriteOnce"], claim=elsewhere
    )
    _claim(scene, who, klass, "50Gi", volumeName=volume["metadata"]["name"])
    if klass:
        _static_class(scene, klass, waits=False)
    _told(scene, who, "FailedBinding", f'volume "{volume["metadata"]["name"]}" already bound to a different claim.')
    _unbound(scene, who)
    return _right("pv_binding_occupied", who)


@way("pvc_selector_mismatch")
def selector_names_another_label(scene: Scene) -> Answer:
    who = _claimant(scene)
    klass = scene.dice.choice(MANUAL)
    key, have, want = scene.dice.choice(
        [("tier", "gold", "fast"), ("environment", "production", "prod"), ("volume", "data-01", "data-1")]
    )
    add_volume(scene, f"pv-{who.program.name}-0", size="20Gi", klass=klass, modes=["ReadWriteOnce"], labels={key: have})
    add_volume(
        scene, f"pv-{who.program.name}-1", size="20Gi", klass=klass, modes=["ReadWriteOnce"], labels={key: "archive"}
    )
    _claim(scene, who, klass, "10Gi", selector={"matchLabels": {key: want}})
    _stay_unbound(scene, who, klass)
    return _right("pvc_selector_mismatch", who)


@way("pvc_selector_mismatch")
def volumes_carry_no_label_at_all(scene: Scene) -> Answer:
    who = _claimant(scene)
    klass = scene.dice.choice(MANUAL)
    add_volume(
        scene,
        f"nfs-{scene.style.domain}-1",
        size="100Gi",
        klass=klass,
        modes=["ReadWriteOnce", "ReadWriteMany"],
        source={"nfs": {"server": "10.0.0.9", "path": "/exports/a"}},
    )
    expression = {"key": "app", "operator": "In", "values": [who.program.name]}
    _claim(scene, who, klass, "10Gi", selector={"matchExpressions": [expression]})
    _stay_unbound(scene, who, klass)
    return _right("pvc_selector_mismatch", who)


@way("pvc_storage_class_mismatch")
def class_of_the_volume_is_another(scene: Scene) -> Answer:
    who = _claimant(scene)
    _static_class(scene, "local-fast", waits=False)
    add_volume(scene, f"pv-{who.program.name}", size="20Gi", klass="local-fast", modes=["ReadWriteOnce"])
    klass = scene.dice.choice(["local-slow", "manual", ""])
    _claim(scene, who, klass, "20Gi")
    _stay_unbound(scene, who, klass)
    return _right("pvc_storage_class_mismatch", who)


@way("pvc_storage_class_mismatch")
def class_is_misspelt_beside_a_volume_that_would_fit(scene: Scene) -> Answer:
    who = _claimant(scene)
    _static_class(scene, "manual", waits=False)
    add_volume(scene, f"pv-{who.program.name}", size="20Gi", klass="manual", modes=["ReadWriteOnce"])
    wrong = scene.dice.choice(["manaul", "Manual", "manual-v1"])
    _claim(scene, who, wrong, "20Gi")
    _told(scene, who, "ProvisioningFailed", f'storageclass.storage.k8s.io "{wrong}" not found')
    _unbound(scene, who)
    return _right("pvc_storage_class_mismatch", who, ("storage_class_missing",))


def _too_small(scene: Scene, sizes: tuple[str, ...], wanted: str) -> Answer:
    who = _claimant(scene)
    klass = scene.dice.choice(MANUAL)
    for number, size in enumerate(sizes):
        add_volume(scene, f"pv-{who.program.name}-{number}", size=size, klass=klass, modes=["ReadWriteOnce"])
    _claim(scene, who, klass, wanted)
    _stay_unbound(scene, who, klass)
    return _right("pvc_capacity_mismatch", who)


@way("pvc_capacity_mismatch")
def the_one_volume_is_too_small(scene: Scene) -> Answer:
    return _too_small(scene, ("10Gi",), scene.dice.choice(["20Gi", "50Gi", "100Gi"]))


@way("pvc_capacity_mismatch")
def every_volume_is_a_little_too_small(scene: Scene) -> Answer:
    return _too_small(scene, ("10G", "10G", "9Gi"), "10Gi")


def _wrong_mode(scene: Scene, have: list[str], want: list[str]) -> Answer:
    who = _claimant(scene)
    klass = scene.dice.choice(MANUAL)
    add_volume(scene, f"pv-{who.program.name}", size="50Gi", klass=klass, modes=have)
    _claim(scene, who, klass, "20Gi", modes=want)
    _stay_unbound(scene, who, klass)
    return _right("pvc_access_mode_mismatch", who)


@way("pvc_access_mode_mismatch")
def shared_claim_on_a_volume_for_one(scene: Scene) -> Answer:
    return _wrong_mode(scene, ["ReadWriteOnce"], ["ReadWriteMany"])


@way("pvc_access_mode_mismatch")
def volume_can_only_be_read(scene: Scene) -> Answer:
    return _wrong_mode(scene, ["ReadOnlyMany"], ["ReadWriteOnce"])


@way("storage_class_missing")
def class_does_not_exist(scene: Scene) -> Answer:
    return _no_class(scene, scene.dice.choice(["gp2", "fast-ssd", "premium-rwo", "ceph-block", "longhorn"]))


@way("storage_class_missing")
def class_has_a_slip_in_its_name(scene: Scene) -> Answer:
    return _no_class(scene, f"{storage_class(scene)}{scene.dice.choice(['-ssd', '1', '-encrypted'])}")


def _no_class(scene: Scene, wrong: str) -> Answer:
    storage_class(scene)
    who = _claimant(scene)
    _claim(scene, who, wrong, "10Gi")
    _told(scene, who, "ProvisioningFailed", f'storageclass.storage.k8s.io "{wrong}" not found')
    _unbound(scene, who)
    return _right("storage_class_missing", who)


_REFUSALS = (
    'rpc error: code = Internal desc = Could not create volume "{v}": could not create volume in EC2: UnauthorizedOperation: You are not authorized to perform this operation.',
    "rpc error: code = ResourceExhausted desc = CreateVolume failed: googleapi: Error 403: QUOTA_EXCEEDED - Quota 'SSD_TOTAL_GB' exceeded.  Limit: 500.0 in region europe-west4.",
    "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
    "unable to create directory to provision new pv: mkdir /persistentvolumes/{c}: permission denied",
)


@way("provisioner_failed")
def backend_refuses_to_make_it(scene: Scene) -> Answer:
    klass = storage_class(scene)
    who = _claimant(scene)
    _claim(scene, who, klass, "20Gi")
    provisioner = scene.find("StorageClass", klass)["provisioner"]
    said = scene.dice.choice(_REFUSALS).format(v=f"pvc-{scene.uid()}", c=who.claim)
    by = f"{provisioner}_{provisioner.split('.')[0].split('/')[0]}-controller-{scene.letters(9)}-{scene.letters(5)}_{scene.uid()}"
    _told(
        scene,
        who,
        "Provisioning",
        f'External provisioner is provisioning volume for claim "{who.program.namespace}/{who.claim}"',
        type_="Normal",
        by=by,
        count=9,
    )
    _told(
        scene,
        who,
        "ProvisioningFailed",
        f'failed to provision volume with StorageClass "{klass}": {said}',
        by=by,
        count=9,
    )
    _waiting(scene, who, provisioner)
    return Answer("provisioner_failed", who.program.component, frozenset({"objects", "events"}), KEEPS)


@way("provisioner_failed")
def provisioner_does_not_run(scene: Scene) -> Answer:
    """The claim waits for somebody who is not there: no pod of the provisioner is ready."""
    klass = storage_class(scene)
    who = _claimant(scene)
    _claim(scene, who, klass, "20Gi")
    provisioner = scene.find("StorageClass", klass)["provisioner"]
    from tests.evaluation.casebook.herrings import stranger

    names = {one.name: one for one in scene.agents}
    maker = names.get("local-path-provisioner") or stranger(
        scene, "storage-system", f"{klass}-provisioner", scene.ago(days=90)
    )
    for pod in maker.pods:
        scene.crashing(pod, 1, restarts=9)
    _waiting(scene, who, provisioner)
    places = frozenset({str(maker.component)})
    return Answer(
        "provisioner_failed",
        who.program.component,
        frozenset({"objects", "events"}),
        KEEPS,
        frozenset({"application_crash"}),
        places,
    )


def _waiting(scene: Scene, who: Claimant, provisioner: str) -> None:
    old = f'waiting for a volume to be created, either by external provisioner "{provisioner}" or manually created by system administrator'
    new = f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
    _told(scene, who, "ExternalProvisioning", old if scene.style.minor < 28 else new, type_="Normal")
    _unbound(scene, who)
