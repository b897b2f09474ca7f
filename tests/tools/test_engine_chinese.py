"""What our comparisons say is told in Chinese, number for number; what was read from elsewhere stays as it was."""

import re

import pytest

from core.language import Text
from tools.engines.chinese import in_chinese
from tools.engines.diagnosis import Component
from tools.engines.finding import Finding, beginning, ending, evidence

SAID = [
    ("cpu: 24.15 asked, 3.75 of 4 free", "cpu: 请求 24.15，可用 3.75（共 4）"),
    ("1 of 2 pods of revision 3 are not ready", "第 3 版的 2 个 Pod 中有 1 个未就绪"),
    ("（baker-1 is already in zone=a）", "（baker-1 已在 zone=a）"),
    ("（it has no label rack）", "（节点没有标签 rack）"),
    ("（9100/TCP is taken by town/oven）", "（9100/TCP 已被 town/oven 占用）"),
    ("（there is no Service town/oven）", "（不存在 Service town/oven）"),
    ("（Service town/oven serves 80, 81, not 8443）", "（Service town/oven 提供端口 80, 81，没有 8443）"),
    ("9Gi used of 4Gi: more than it allows", "已用 9Gi，上限仅 4Gi"),
    ("98% of its CPU limit", "已用其 CPU 上限的 98%"),
    ("logs are 7 h ahead of taken_at", "日志时间与采集时间（taken_at）相差 7 h"),
]


@pytest.mark.parametrize(("ours", "chinese"), SAID)
def test_what_a_comparison_says_is_told_in_chinese(ours: str, chinese: str) -> None:
    assert in_chinese(ours) == chinese


@pytest.mark.parametrize(("ours", "chinese"), SAID)
def test_no_number_is_lost_or_added(ours: str, chinese: str) -> None:
    assert sorted(re.findall(r"\d+", ours)) == sorted(re.findall(r"\d+", chinese))


@pytest.mark.parametrize(
    "said", ["dial tcp 10.0.0.1:80: connect: connection refused", "Insufficient cpu", "12 of 14 loaves"]
)
def test_what_others_said_stays_as_it_was(said: str) -> None:
    assert in_chinese(said) == said


def test_a_finding_is_said_in_the_readers_language() -> None:
    where = Component(kind="Deployment", namespace="town", name="baker")
    words = Text("baker: it has no label rack", "baker：it has no label rack")
    finding = Finding("x", "scheduling", where, words, (evidence("event", "r", "q"),))
    assert (finding.said("en"), finding.said("zh")) == ("baker: it has no label rack", "baker：节点没有标签 rack")


@pytest.mark.parametrize("most", range(4, 30))
def test_a_sentence_that_is_cut_keeps_whole_words(most: int) -> None:
    text = "the oven of the baker is cold"
    kept = set(beginning(text, most).split()) | set(ending(text, most).split())
    assert kept <= {*text.split(), "…"}


def test_a_sentence_that_fits_is_not_cut() -> None:
    assert beginning("the oven", 8) == ending("the oven", 8) == "the oven"


def test_the_ways_to_close_a_gap_are_told_in_chinese() -> None:
    for text in (
        "grant this right; deploy/rbac/read.yaml holds all that a diagnosis reads",
        "check PROMETHEUS_URL and that it can be reached",
        "check K8S_CONFIG_PATH and that the API server can be reached",
        "name the namespace that is meant, or * for all",
    ):
        assert in_chinese(text).startswith("请")
