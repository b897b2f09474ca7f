"""What distinguishes faults is in the scenes: what the kubelet, a Service, a series or a policy would really show."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.evaluation.casebook.cases import Case, Drawn, cases, drawn
from tests.evaluation.casebook.model import Object, Pod, Program
from tests.evaluation.casebook.objects import objects_of
from tests.evaluation.casebook.telemetry import files_of
from tests.evaluation.casebook.ways import WAYS

ALL = cases()


def of(fault: str) -> list[Drawn]:
    return [drawn(case) for case in ALL if case.faults == [fault] and case.category not in ("removed", "control")]


def culprit(made: Drawn) -> Program:
    return next(one for one in made.scene.everyone() if one.component == made.answers[0].component)


def logged(made: Drawn, program: Program) -> str:
    rows = [row for (pod, _, _), row in made.scene.said.items() if pod.program is program]
    return "\n".join(line for row in rows for _, lines in row for line in lines)


def find(made: Drawn, kind: str) -> list[Object]:
    return [one for one in objects_of(made.scene) if one["kind"] == kind]


def unhealthy(made: Drawn, pod: Pod) -> str:
    return "\n".join(one.message for one in made.scene.happenings if one.name == pod.name and one.reason == "Unhealthy")


def test_answers_of_these_families_exist_among_the_objects() -> None:
    families = {"runtime", "service routing", "performance", "change"}
    for case in [one for one in ALL if one.category in families]:
        made = drawn(case)
        place = made.answers[0].component
        known = {
            (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in objects_of(made.scene)
        }
        assert (place.kind, place.namespace, place.name) in known, case.id


def test_faults_come_about_in_more_than_one_way() -> None:
    mine = [
        name
        for name, ways in WAYS.items()
        if ways[0].build.__module__.rsplit(".", 1)[1].startswith(("runtime", "routing", "performance"))
    ]
    assert [
        name for name in mine if len(WAYS[name]) < 2 and name not in ("noisy_neighbour", "hpa_maxed", "cache_stampede")
    ] == []


@pytest.mark.parametrize(
    "fault",
    [
        "liveness_probe_incorrect_port",
        "liveness_probe_incorrect_protocol",
        "liveness_probe_incorrect_timing",
        "startup_probe_too_short",
    ],
)
def test_a_failing_liveness_restarts_and_a_failing_readiness_does_not(fault: str) -> None:
    for made in of(fault):
        hurt = [pod for pod in culprit(made).pods if unhealthy(made, pod)]
        assert hurt
        assert all(any(state.restarts for state in pod.states.values()) for pod in hurt)
    for made in of(fault.replace("liveness", "readiness")) if "port" in fault else []:
        assert all(not state.restarts for pod in culprit(made).pods for state in pod.states.values())


def test_a_selector_that_slipped_leaves_no_endpoints() -> None:
    for made in of("service_selector_mismatch"):
        service = culprit(made).service
        assert service is not None
        slices = [
            one
            for one in find(made, "EndpointSlice")
            if one["metadata"]["labels"]["kubernetes.io/service-name"] == service.name
        ]
        assert slices
        assert all(not one["endpoints"] for one in slices)


def test_a_wrong_target_port_leaves_endpoints_on_a_port_that_nobody_opens() -> None:
    for made in of("service_port_mapping_mismatch"):
        program = culprit(made)
        assert program.service is not None
        target = program.service.ports[0]["targetPort"]
        opened = [port for one in program.pod_spec["containers"] for port in one.get("ports", ())]
        assert all(target not in (port.get("name"), port["containerPort"]) for port in opened)


def test_a_wrong_port_of_the_client_differs_from_a_wrong_password() -> None:
    for made in of("mysql_invalid_port"):
        call = next(
            one
            for one in culprit(made).calls
            if one.callee.language == "mysql" and one.callee.service and one.port != one.callee.service.port
        )
        assert call.port != 3306
    for made in of("mysql_invalid_credentials"):
        assert "Access denied" in logged(made, culprit(made))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("db_read_only", ("read-only", "not primary")),
        ("db_auth_revoked", ("denied", "not authorized")),
        ("db_connection_exhaustion", ("oo many",)),
    ],
)
def test_faults_of_a_store_are_told_by_its_clients(fault: str, words: tuple[str, ...]) -> None:
    for made in of(fault):
        store = culprit(made)
        assert store.role == "database"
        told = "\n".join(logged(made, one) for one in made.scene.callers(store))
        assert any(word in told for word in words), made.case.id


def _is_ramp(values: list[float]) -> bool:
    third = len(values) // 3
    parts = [sum(values[start : start + third]) / third for start in (0, third, 2 * third)]
    return parts[0] < parts[1] < parts[2]


def test_a_leak_only_grows() -> None:
    for made in of("memory_leak"):
        pod, scene = culprit(made).pods[0], made.scene
        rows = [
            row
            for name, found in files_of(scene, scene.sources.metrics).items()
            if "memory" in name
            for row in found
            if row["metric"].get("pod") == pod.name
        ]
        if rows and not any(state.restarts for state in pod.states.values()):
            assert _is_ramp([float(value) for _, value in rows[0]["values"]]), made.case.id


def test_performance_is_told_in_several_forms() -> None:
    forms = set()
    for case in [one for one in ALL if one.category == "performance"]:
        sources = drawn(case).scene.sources
        forms.add("alerts" if not sources.metrics else "points" if sources.points else "whole")
    assert forms == {"alerts", "points", "whole"}


def test_only_the_last_points_are_kept_when_asked() -> None:
    made = of("pod_cpu_overload")[0]
    made.scene.sources.points = 4
    rows = [row for found in files_of(made.scene, ["computed"]).values() for row in found]
    assert rows
    assert all(len(row["values"]) <= 4 for row in rows)


def test_who_waits_is_slower_too() -> None:
    for made in of("slow_dependency"):
        hurt = [made.scene.curves.get((one.name, "latency")) for one in made.scene.callers(culprit(made))]
        assert any(curve and curve.after and curve.after > 3 * curve.base for curve in hurt)


def test_an_overloaded_pod_is_near_its_limit_and_a_throttled_one_uses_little() -> None:
    for fault, check in (("pod_cpu_overload", lambda used: used > 0.9), ("cpu_throttled", lambda used: used < 0.11)):
        _busy(fault, check)


def _busy(fault: str, check: Callable[[float], bool]) -> None:
    for made in of(fault):
        curves = [made.scene.curve(pod, "cpu") for pod in culprit(made).pods]
        assert any(check(curve.after if curve.after is not None else curve.base) for curve in curves), made.case.id


def test_a_lowered_quota_has_more_in_use_than_it_allows() -> None:
    for made in of("quota_lowered"):
        quota = next(one for one in find(made, "ResourceQuota") if one["metadata"].get("managedFields"))
        (resource,) = quota["spec"]["hard"]
        assert _amount(quota["status"]["used"][resource]) > _amount(quota["spec"]["hard"][resource]), made.case.id


def _amount(text: str) -> float:
    units = {"m": 0.001, "Gi": 1024.0**3}
    unit = next((one for one in units if text.endswith(one)), "")
    return float(text.removesuffix(unit)) * units.get(unit, 1.0)


def test_two_faults_never_meet_on_one_component() -> None:
    assert [case.id for case in ALL if case.category == "double" and drawn(case).met] == []


def _control(name: str) -> Any:
    case: Case = next(one for one in ALL if one.is_control and one.id.endswith(name.replace("_", "-")))
    return drawn(case)


def test_on_ordinary_days_every_pod_runs() -> None:
    for case in [one for one in ALL if one.is_control and one.ways[0].build.__module__.endswith("control_daily")]:
        scene = drawn(case).scene
        assert all(pod.is_ready for one in scene.programs for pod in one.pods if not pod.phase), case.id


def test_a_policy_that_allows_names_every_caller() -> None:
    made = _control("policy_that_lets_the_callers_in")
    policy = next(one for one in find(made, "NetworkPolicy") if one["metadata"]["name"].endswith("-clients"))
    program = next(one for one in made.scene.programs if policy["metadata"]["name"] == f"{one.name}-clients")
    peers = [peer["podSelector"]["matchLabels"] for rule in policy["spec"]["ingress"] for peer in rule["from"]]
    assert all(dict(caller.selector) in peers for caller in made.scene.callers(program))
