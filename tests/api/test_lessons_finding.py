"""Which cause is kept for the record of an incident, and what of it."""

import pytest

from api.lessons.finding import MAX_QUOTES, SINCE, chosen, examiner, finding_of
from core.language import detect
from knowledge_base.cases.case import Words
from tests.tools.objects import NS, container, deployment, killed, pod, replica_set, snapshot, waiting
from tools.engines.diagnosis import Cause, Component, Evidence, EvidenceSource
from tools.engines.objects import name_of
from tools.engines.snapshot import Snapshot


def evidence(quote: str, weight: float = 1.0, source: EvidenceSource = "kubernetes") -> Evidence:
    return Evidence(source=source, ref="Pod", quote=quote, weight=weight)


def cause(name: str, confidence: float, *affected: str, proofs: tuple[Evidence, ...] = ()) -> Cause:
    return Cause(
        rank=1,
        fault="oom_killed",
        category="resources",
        component=Component(kind="Deployment", namespace="shop", name=name),
        confidence=confidence,
        statement=f"{name} needs more",
        evidence=[*proofs] or [evidence("seen")],
        affected=[Component(kind="Deployment", namespace="shop", name=each) for each in affected],
    )


@pytest.mark.parametrize(
    ("causes", "name"),
    [
        ([cause("db", 0.9), cause("cart", 0.4)], "cart"),
        ([cause("web", 0.9), cause("db", 0.5, "cart")], "db"),
        ([cause("web", 0.3), cause("db", 0.5)], "db"),
        ([], None),
    ],
    ids=["its own", "one it suffers from", "the likeliest", "none"],
)
def test_the_cause_that_concerns_the_incident_is_kept(causes: list[Cause], name: str | None) -> None:
    found = chosen(causes, "cart")
    assert (found.component.name if found else None) == name


def test_the_weightiest_evidence_is_kept_and_its_log_lines_first() -> None:
    proofs = tuple(evidence(f"n{number}", number) for number in range(12))
    line = evidence("cannot allocate", 99, "log")
    found = finding_of(cause("cart", 0.9, proofs=(*proofs, line)), Words(en="x"), ["cannot allocate", "other error"])
    assert [one.quote for one in found.quotes][:3] == ["cannot allocate", "n11", "n10"]
    assert len(found.quotes) == MAX_QUOTES
    assert found.logs == ["cannot allocate", "other error"]
    assert (found.name.en, found.component.name) == ("killed for memory", "cart")


async def test_a_killed_container_is_found_and_said_in_both_languages() -> None:
    owner = deployment("baker", container(memory="64Mi"))
    made = replica_set(owner, 8, container(memory="64Mi"))
    hurt = pod(made, ready=False, restartCount=2, lastState=killed(1), state=waiting("CrashLoopBackOff"))
    asked: list[tuple[str | None, int]] = []

    async def collect(namespace: str | None, *, since_seconds: int) -> Snapshot:
        asked.append((namespace, since_seconds))
        return snapshot(owner, made, hurt)

    found = await examiner(collect)(NS, name_of(owner))
    assert found is not None
    assert (found.fault, found.component.name, found.component.namespace) == ("oom_killed", name_of(owner), NS)
    assert detect(found.statement.zh) == "zh" != detect(found.statement.en)
    assert found.quotes
    assert asked == [(NS, SINCE)]


async def test_without_a_namespace_all_are_read_and_health_is_no_finding() -> None:
    asked: list[str | None] = []

    async def collect(namespace: str | None, *, since_seconds: int) -> Snapshot:  # noqa: ARG001
        asked.append(namespace)
        return snapshot(deployment())

    assert await examiner(collect)("", "") is None
    assert asked == [None]
