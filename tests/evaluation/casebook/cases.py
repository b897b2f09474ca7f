"""Cases: a seed, one way or two, herrings, and what was taken away. The same id and seed give the same bytes."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from tests.evaluation.casebook import faults
from tests.evaluation.casebook import herrings as misleading
from tests.evaluation.casebook.application import draw_application
from tests.evaluation.casebook.cluster import draw_agents, draw_nodes, draw_style
from tests.evaluation.casebook.model import Answer, Sources
from tests.evaluation.casebook.scene import Scene, Unfit
from tests.evaluation.casebook.telemetry import DIALECTS, hash_of
from tests.evaluation.casebook.ways import WAYS, Way

EACH = 5
TRIES = 12
WITH_HERRINGS = (1, 3, 4)
# Of these families somebody sends no more than `kubectl get pods,deployments,events` and what the sentence is about.
NARROW = ("admission", "scheduling", "startup", "infrastructure")


@dataclass(frozen=True)
class Case:
    id: str
    seed: int
    ways: tuple[Way, ...]
    category: str
    herrings: int = 0
    removed: str = ""

    @property
    def faults(self) -> list[str]:
        return [one.fault for one in self.ways]

    @property
    def is_control(self) -> bool:
        return self.category == "control"


@dataclass
class Drawn:
    """A case as it came out: the scene to write, and what is right."""

    case: Case
    scene: Scene
    answers: list[Answer] = field(default_factory=list)

    @property
    def met(self) -> bool:
        """Whether two answers name one component."""
        places = [{str(one.component), *one.places} for one in self.answers]
        return any(one & other for number, one in enumerate(places) for other in places[:number])


def scene_of(seed: int, flavours: Sequence[str] = (), wants: Iterable[str] = ()) -> Scene:
    """A healthy cluster."""
    dice = Random(seed)
    style = draw_style(dice, dice.choice(list(flavours)) if flavours else "")
    taken_at = datetime(2024, 2, 1, tzinfo=UTC) + timedelta(
        minutes=dice.randrange(0, 60 * 24 * 700), seconds=dice.randrange(60)
    )
    scene = Scene(
        dice,
        taken_at,
        taken_at - timedelta(minutes=dice.choice([dice.uniform(2.5, 8), dice.uniform(7, 50), dice.uniform(7, 50)])),
        style,
    )
    draw_nodes(scene, dice.randrange(3, 9))
    draw_agents(scene)
    draw_application(scene, set(wants))
    scene.sources = _sources(scene)
    return scene


def _sources(scene: Scene) -> Sources:
    dice = scene.dice
    metrics = [
        one
        for one in DIALECTS
        if dice.random() < {"cadvisor": 0.4, "node": 0.4, "computed": 0.3, "ksm": 0.3}.get(one, 0.2)
    ]
    without = {
        kind
        for kind, chance in (
            ("Lease", 0.4),
            ("ServiceAccount", 0.3),
            ("Namespace", 0.2),
            ("EndpointSlice", 0.2),
            ("ReplicaSet", 0.12),
            ("PersistentVolume", 0.1),
            ("Secret", 0.35),
        )
        if dice.random() < chance
    }
    if "EndpointSlice" in without:
        scene.style.old_endpoints = True
    if dice.random() < 0.2:
        without |= {
            "ConfigMap",
            "Secret",
            "ServiceAccount",
            "Namespace",
            "Lease",
            "StorageClass",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "ReplicaSet",
            "EndpointSlice",
            "Endpoints",
        }
    return Sources(
        events=dice.random() < 0.85,
        logs=dice.random() < 0.75,
        metrics=metrics if dice.random() < 0.65 else [],
        alerts=dice.random() < 0.5,
        probes=dice.random() < 0.5,
        without=without,
        layout=dice.choice(["lists", "lists", "kinds", "kinds", "each", "yaml", "dump"]),
        only_namespace=dice.random() < 0.2,
    )


def drawn(case: Case) -> Drawn:
    """Build it, from the first seed whose cluster has what the ways need.

    Two faults that met on one component are drawn again, too, for nobody could be asked to tell them apart.
    """
    found = (_built(replace(case, seed=case.seed + number)) for number in range(TRIES))
    return replace(next(one for one in found if one and not one.met), case=case)


def _built(case: Case) -> Drawn | None:
    """The healthy cluster, then each way, then herrings, then what is taken away."""
    flavours = next((one.flavours for one in case.ways if one.flavours), ())
    wants = [want for one in case.ways for want in one.wants]
    scene = scene_of(case.seed, flavours, wants)
    made = Drawn(case, scene)
    for each in case.ways:
        try:
            answer = each.build(scene)
        except Unfit:
            return None
        if not case.is_control:
            made.answers.append(answer)
            scene.picked += [one for one in scene.programs if str(one.component) == str(answer.component)]
    _keep_what_is_needed(scene, made.answers)
    culprit = made.answers[0].component.name if made.answers else ""
    for herring in scene.dice.sample(misleading.HERRINGS, case.herrings):
        herring(scene, culprit)
    if case.category in NARROW and scene.dice.random() < 0.12:
        keeps = frozenset(kind for answer in made.answers for kind in answer.keeps)
        scene.sources.only = frozenset({"Pod", "Event", "Deployment", "StatefulSet"}) | keeps
    _take_away(case, scene, made.answers)
    return made


def _keep_what_is_needed(scene: Scene, answers: Iterable[Answer]) -> None:
    for answer in answers:
        sources = scene.sources
        sources.events = sources.events or "events" in answer.needs
        sources.logs = sources.logs or "logs" in answer.needs
        sources.alerts = sources.alerts or "alerts" in answer.needs
        sources.probes = sources.probes or "probes" in answer.needs
        sources.without -= answer.keeps
        if "metrics" in answer.needs and not set(sources.metrics) & {
            "cadvisor",
            "computed",
            "app",
            "istio",
            "spring",
            "node",
        }:
            sources.metrics = ["cadvisor", "computed", "node"]
        if answer.component.namespace not in (None, *scene.namespaces) or answer.component.kind == "Node":
            sources.only_namespace = False


def _take_away(case: Case, scene: Scene, answers: Iterable[Answer]) -> None:
    if not case.removed:
        return
    for source in {one for answer in answers for one in answer.needs} | {case.removed}:
        if source == "metrics":
            scene.sources.metrics = []
        else:
            setattr(scene.sources, source, False)
    scene.sources.layout = "lists"


def cases(first_seed: int = 0) -> list[Case]:
    _load()
    return [*_single(first_seed), *_controls(first_seed), *_removed(first_seed), *_double(first_seed)]


def _load() -> None:
    """All files of ways: a family may fill several."""
    for module in sorted(one.name for one in pkgutil.iter_modules(faults.__path__)):
        importlib.import_module(f"{faults.__name__}.{module}")


def category_of(fault: str) -> str:
    # A family may fill several files: runtime.py, runtime_stores.py, ...
    module = WAYS[fault][0].build.__module__.rsplit(".", 1)[1].split("_")[0]
    return {"routing": "service routing", "storage": "scheduling", "images": "startup", "batch": "startup"}.get(
        module, module
    )
    return {"routing": "service routing", "storage": "scheduling", "images": "startup", "batch": "startup"}.get(
        module, module
    )


def _seed(first_seed: int, name: str) -> int:
    return hash_of(f"{first_seed}/{name}")


def _single(first_seed: int) -> Iterator[Case]:
    for fault in (one for one in WAYS if not one.startswith("control-")):
        ways = WAYS[fault]
        for number in range(max(EACH, len(ways))):
            name = f"{fault}-{number + 1}"
            herring = 2 + number % 2 if number in WITH_HERRINGS else 0
            yield Case(name, _seed(first_seed, name), (ways[number % len(ways)],), category_of(fault), herring)


def _controls(first_seed: int) -> Iterator[Case]:
    ways = [way for name, found in WAYS.items() if name.startswith("control-") for way in found]
    for number in range(max(42, len(ways)) if ways else 0):
        way = ways[number % len(ways)]
        name = f"{way.fault}-{number // len(ways) + 1}-{way.build.__name__.replace('_', '-')}"
        yield Case(name, _seed(first_seed, name), (way,), "control", herrings=number % 4)


def _removed(first_seed: int) -> Iterator[Case]:
    """One way in every few faults, without any of the sources that decide it."""
    faults = sorted(one for one in WAYS if not one.startswith("control-"))
    for number, fault in enumerate(faults[::4]):
        name = f"{fault}-unseen"
        way = WAYS[fault][number % len(WAYS[fault])]
        yield Case(name, _seed(first_seed, name), (way,), "removed", removed="events")


def _double(first_seed: int) -> Iterator[Case]:
    """Two faults at once, of different families, on different components."""
    for number, (one, other) in enumerate(PAIRS):
        if one in WAYS and other in WAYS:
            name = f"double-{number + 1}-{one}-{other}"
            ways = (WAYS[one][number % len(WAYS[one])], WAYS[other][number % len(WAYS[other])])
            yield Case(name, _seed(first_seed, name), ways, "double", herrings=number % 2)


PAIRS = (
    ("incorrect_image_reference", "namespace_cpu_quota_exceeded"),
    ("missing_config_map", "node_disk_pressure"),
    ("missing_service_account", "node_selector_mismatch"),
    ("bad_command", "pvc_storage_class_mismatch"),
    ("service_selector_mismatch", "missing_secret_binding"),
    ("oom_killed", "incorrect_image_reference"),
    ("kubelet_unavailable", "missing_config_key"),
    ("liveness_probe_incorrect_port", "storage_class_missing"),
    ("deployment_zero_replicas", "cpu_capacity_mismatch"),
    ("service_port_mapping_mismatch", "init_container_failed"),
    ("pod_security_rejected", "host_port_conflict"),
    ("gateway_misroute", "taint_toleration_mismatch"),
    ("db_read_only", "service_selector_mismatch"),
    ("service_env_var_address_mismatch", "oom_killed"),
    ("mysql_invalid_credentials", "readiness_probe_incorrect_port"),
    ("network_policy_blocked", "application_crash"),
    ("hpa_maxed", "missing_env_var"),
    ("pod_cpu_overload", "deployment_zero_replicas"),
    ("cache_auth_failed", "service_port_mapping_mismatch"),
    ("quota_lowered", "config_parse_error"),
)
