"""Calls that go nowhere: selectors, ports, protocols and addresses inside the cluster. The edge and its tables are in routing_edge.py."""

import copy

from tests.evaluation.casebook.acts import answer, last_words, server
from tests.evaluation.casebook.addresses import readdress
from tests.evaluation.casebook.complaints import complaint
from tests.evaluation.casebook.faults import routing_edge, routing_policy
from tests.evaluation.casebook.model import Answer, Call, Program
from tests.evaluation.casebook.scene import Scene
from tests.evaluation.casebook.ways import way

ALL = (routing_edge, routing_policy)
"""The other files of the family, loaded with this one."""


def _slipped(scene: Scene, text: str) -> str:
    """As a person mistypes or misremembers a name."""
    at = scene.dice.randrange(1, max(2, len(text) - 1))
    return scene.dice.choice(
        [
            text[:at] + text[at + 1 :],
            f"{text}-v2",
            f"{text}s",
            text.replace("-", "", 1) if "-" in text else f"{text}-api",
            text[:at] + text[at] + text[at:],
        ]
    )


def _lost(scene: Scene, program: Program, how: str = "refused") -> None:
    scene.starve(program, how, times=scene.dice.randrange(4, 9))
    scene.bend(program, "requests", to=0.0)
    if program.service and scene.dice.random() < 0.6:
        target = f"{program.namespace}/{program.service.name}:{program.service.port}"
        told = {"refused": "dial tcp: connect: connection refused", "timed_out": "dial tcp: i/o timeout"}.get(how, how)
        scene.probe("tcp", target, False, told)


# --- selector ---------------------------------------------------------------------------------------------------------------------


@way("service_selector_mismatch")
def selector_with_a_slip(scene: Scene) -> Answer:
    program = scene.called("service", "cache", "database")
    assert program.service is not None
    key = next(iter(program.service.selector))
    program.service.selector[key] = _slipped(scene, program.service.selector[key])
    _lost(scene, program)
    return answer("service_selector_mismatch", program, "objects", keeps=("Service", "Pod"))


@way("service_selector_mismatch")
def selector_wants_a_version_no_pod_has(scene: Scene) -> Answer:
    program = server(scene)
    assert program.service is not None
    key, value = scene.dice.choice(
        [("version", "v2"), ("track", "stable"), ("slot", "blue"), ("app.kubernetes.io/component", "api")]
    )
    program.service.selector[key] = value
    _lost(scene, program)
    return answer("service_selector_mismatch", program, "objects", keeps=("Service", "Pod"))


@way("service_selector_mismatch")
def pods_lost_a_label_that_the_service_selects(scene: Scene) -> Answer:
    """The Deployment's own selector does not have it, so the roll-out went through."""
    program = server(scene)
    assert program.service is not None
    old = {"tier": "backend"}
    program.service.selector |= old

    def edit(one: Program) -> None:
        labels = one.template["metadata"]["labels"] = dict(one.template["metadata"]["labels"])
        labels["tier"] = "api"

    for revision in program.revisions:
        revision.template = copy.deepcopy(revision.template)
        revision.template["metadata"]["labels"] |= old
    program.template = program.revisions[-1].template
    scene.recreate(program, edit, revise=True)
    _lost(scene, program)
    return answer("service_selector_mismatch", program, "objects", keeps=("Service", "Pod"))


# --- port mapping -----------------------------------------------------------------------------------------------------------------


@way("service_port_mapping_mismatch")
def target_port_that_no_container_opens(scene: Scene) -> Answer:
    program = scene.called("service", "cache", "database")
    assert program.service is not None
    wrong = scene.dice.choice([one for one in (8081, 9090, 80, 3001, program.listens + 1) if one != program.listens])
    program.service.ports[0]["targetPort"] = wrong
    _lost(scene, program)
    return answer("service_port_mapping_mismatch", program, "objects", keeps=("Service", "Pod"))


@way("service_port_mapping_mismatch")
def target_port_named_as_no_container_names_it(scene: Scene) -> Answer:
    program = server(scene)
    assert program.service is not None
    program.service.ports[0]["targetPort"] = scene.dice.choice(["web", "http-api", "rest", "main-http", "https"])
    _lost(scene, program)
    return answer("service_port_mapping_mismatch", program, "objects", keeps=("Service", "Pod"))


@way("service_port_mapping_mismatch")
def program_listens_elsewhere_since_its_last_release(scene: Scene) -> Answer:
    """Port, probe and template were moved together; the Service was forgotten."""
    program = server(scene)
    assert program.service is not None
    old, new = program.listens, program.listens + scene.dice.choice([1, 10, 1000])
    program.service.ports[0]["targetPort"] = old

    def edit(one: Program) -> None:
        one.container["ports"] = [{"containerPort": new, "protocol": "TCP"}]
        one.set_env("PORT", str(new))
        for kind in ("readinessProbe", "livenessProbe"):
            for how in one.container.get(kind, {}).values():
                if isinstance(how, dict) and "port" in how:
                    how["port"] = new

    scene.recreate(program, edit, revise=True)
    program.listens = new
    _lost(scene, program)
    return answer("service_port_mapping_mismatch", program, "objects", keeps=("Service", "Pod"))


# --- protocol ---------------------------------------------------------------------------------------------------------------------


@way("service_protocol_mismatch")
def service_forwards_udp_only(scene: Scene) -> Answer:
    program = scene.called("service", "cache", "database")
    assert program.service is not None
    program.service.ports[0]["protocol"] = "UDP"
    _lost(scene, program, scene.dice.choice(["refused", "timed_out"]))
    return answer("service_protocol_mismatch", program, "objects", keeps=("Service", "Pod"))


@way("service_protocol_mismatch")
def service_was_made_anew_with_another_protocol(scene: Scene) -> Answer:
    program = server(scene)
    assert program.service is not None
    program.service.ports[0]["protocol"] = scene.dice.choice(["SCTP", "UDP"])
    program.service.created = scene.onset
    _lost(scene, program, "timed_out")
    return answer("service_protocol_mismatch", program, "objects", keeps=("Service", "Pod"))


# --- an address in a client -------------------------------------------------------------------------------------------------------


def _caller(scene: Scene, *, data: bool = False) -> tuple[Program, Call]:
    """A client with an address of a service (or of a store that is not MySQL)."""
    found = [
        (one, call)
        for one in scene.programs
        for call in one.calls
        if one.language != "nginx"
        and (call.callee.is_data if data else not call.callee.is_data)
        and call.callee.language != "mysql"
    ]
    if not found:
        raise LookupError("nobody calls anybody")
    return scene.dice.choice(found)


def _misled(
    scene: Scene, caller: Program, call: Call, how: str, *, host: str = "", port: int = 0, dies: bool = False
) -> None:
    before = {id(pod) for pod in caller.pods}
    pods = scene.afflict(
        caller,
        lambda one: readdress(scene, one, call, host=host, port=port),
        how=scene.dice.choice(["recreate", "recreate", "roll_out"]),
    )
    for pod in pods:
        if dies:
            level, lines = complaint(caller, call, how, scene.dice)
            scene.crashing(pod, 1, lived=5)
            last_words(scene, pod, level, lines)
            continue
        for _ in range(scene.dice.randrange(4, 10)):
            level, lines = complaint(caller, call, how, scene.dice)
            scene.say(
                pod,
                level,
                lines,
                at=max(pod.created, scene.onset) + (scene.taken_at - scene.onset) * scene.dice.uniform(0.05, 0.95),
            )
    scene.bend(caller, "errors", to=0.5)
    if not before & {id(pod) for pod in caller.pods}:
        scene.starve(caller, "refused" if dies else "failed", times=3)


@way("service_env_var_address_mismatch")
def address_of_a_service_that_does_not_exist(scene: Scene) -> Answer:
    caller, call = _caller(scene, data=scene.dice.random() < 0.3)
    name, dot, rest = call.host.partition(".")
    _misled(
        scene, caller, call, "no_such_host", host=f"{_slipped(scene, name)}{dot}{rest}", dies=scene.dice.random() < 0.3
    )
    return answer("service_env_var_address_mismatch", caller, "objects", keeps=("Service", "ConfigMap"))


@way("service_env_var_address_mismatch")
def address_with_a_wrong_port(scene: Scene) -> Answer:
    caller, call = _caller(scene)
    port = scene.dice.choice([one for one in (8081, 8090, 9000, 5001, 8888) if one != call.port])
    _misled(scene, caller, call, scene.dice.choice(["refused", "timed_out"]), port=port)
    return answer("service_env_var_address_mismatch", caller, "objects", keeps=("Service", "ConfigMap"))


@way("service_env_var_address_mismatch")
def address_in_a_namespace_where_nothing_is(scene: Scene) -> Answer:
    caller, call = _caller(scene, data=scene.dice.random() < 0.4)
    space = scene.dice.choice(["default", "staging", f"{call.callee.namespace}-new", "shared", "backend"])
    tail = scene.dice.choice(["", ".svc.cluster.local", ".svc"])
    _misled(scene, caller, call, "no_such_host", host=f"{call.callee.name}.{space}{tail}")
    return answer("service_env_var_address_mismatch", caller, "objects", keeps=("Service", "ConfigMap"))
