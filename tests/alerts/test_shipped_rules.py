"""The rules that come with the product: complete in both languages, each with a runbook that exists, and thresholds that name nothing."""

import re
from pathlib import Path

import pytest

from alerts.rules import SHIPPED, Rule, load_rules
from alerts.templates import Facts

RULES = {rule.name: rule for group in load_rules() for rule in group.rules}
RUNBOOKS = Path(__file__).parents[2] / "knowledge_base" / "runbooks"
CATCH = {
    "KubePodImagePull": "incorrect_image_reference",
    "KubeContainerOOMKilled": "oom_killed",
    "KubeServiceWithoutEndpoints": "service_selector_mismatch",
    "ContainerCpuNearLimit": "pod_cpu_overload",
}


@pytest.mark.parametrize(("name", "runbook"), CATCH.items())
def test_each_of_the_four_faults_has_its_rule_and_runbook(name: str, runbook: str) -> None:
    assert RULES[name].annotations["runbook"] == runbook


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_speaks_both_languages(rule: Rule) -> None:
    for name in ("summary", "description"):
        assert not re.search(r"[\u4e00-\u9fff]", rule.annotations[name])
        assert re.search(r"[\u4e00-\u9fff]", rule.annotations[f"{name}_zh"])


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_names_its_severity_and_a_runbook_that_exists(rule: Rule) -> None:
    assert rule.labels["severity"] in ("critical", "warning")
    runbook = rule.annotations.get("runbook")
    if runbook:
        for language in ("en", "zh"):
            assert (RUNBOOKS / language / f"{runbook}.md").is_file()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_both_languages_name_the_same_labels_and_render(rule: Rule) -> None:
    labels = (
        "namespace",
        "pod",
        "container",
        "service",
        "deployment",
        "replicaset",
        "persistentvolumeclaim",
        "node",
        "condition",
        "instance",
        "mountpoint",
        "job",
    )
    facts = Facts({name: f"<{name}>" for name in labels}, 0.97, {})
    shown = rule.annotations_of(facts)
    assert all("error expanding" not in text and "no value" not in text for text in shown.values())
    for name in ("summary", "summary_zh"):
        assert re.findall(r"<\w+>", shown[name])
    assert sorted(re.findall(r"<\w+>", shown["summary"])) == sorted(re.findall(r"<\w+>", shown["summary_zh"]))


def test_every_shipped_file_is_loaded() -> None:
    assert {rule.source for rule in RULES.values()} == {path.name for path in SHIPPED.glob("*.yaml")}
    assert len(RULES) == sum(len(group.rules) for group in load_rules())
