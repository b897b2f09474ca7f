"""A diagnosis as people read it: the tree of cause and effects, what was left out is counted, and nothing of a cluster becomes markup."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from rich.cells import cell_len
from rich.console import Console

from api.report.html import html
from api.report.markdown import markdown
from api.report.outline import MAX_EFFECTS, Outline, outline, spark
from api.report.terminal import show
from core.language import Language
from tools.engines.diagnosis import Cause, Component, Diagnosis, Evidence, Gap, Moment, NearMiss, Symptom, Window

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BAKER = Component(kind="Deployment", namespace="town", name="baker")
SHOP = Component(kind="Deployment", namespace="town", name="shop")
HOSTILE = "<script>alert(1)</script> `rm` [x](http://evil) | *bold* \x1b[31mred"


def diagnosis(**more: object) -> Diagnosis:
    window = Window(start=NOW - timedelta(hours=1), end=NOW)
    said: dict[str, object] = {"subject": "town", "window": window, "taken_at": NOW, "healthy": False}
    return Diagnosis.model_validate(said | more)


def cause(**more: object) -> Cause:
    proof = Evidence(source="metric", ref="a query", quote="memory grows", at=NOW, points=(1, 2, 3, 9))
    said: dict[str, object] = {
        "rank": 1,
        "fault": "memory_leak",
        "category": "runtime",
        "component": BAKER,
        "confidence": 0.8,
        "statement": "The baker's memory only grows.",
        "evidence": [proof],
        "onset": NOW - timedelta(minutes=20),
    }
    return Cause.model_validate(said | more)


def shown(read: Outline, language: Language = "en", width: int = 160) -> str:
    console = Console(width=width, record=True, color_system=None)
    with console.capture() as captured:
        show(read, language, console)
    return captured.get()


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.seen.add(tag)


def test_effects_stand_under_the_cause_that_explains_them() -> None:
    suffering = Symptom(component=SHOP, statement="The shop's calls fail.", caused_by=1)
    alone = Symptom(component=SHOP, statement="The shop's disk is slow.")
    read = outline(diagnosis(causes=[cause()], symptoms=[suffering, alone]), "en")
    assert list(read.branches[0].effects) == ["The shop's calls fail."]
    assert list(read.unexplained) == ["The shop's disk is slow."]


def test_a_component_that_suffers_and_of_which_nothing_was_said_is_named() -> None:
    read = outline(diagnosis(causes=[cause(affected=[SHOP])]), "en")
    assert list(read.branches[0].effects) == ["Deployment town/shop"]


def test_what_is_too_much_is_counted() -> None:
    many = [Component(kind="Deployment", namespace="town", name=f"shop-{n}") for n in range(MAX_EFFECTS + 5)]
    effects = outline(diagnosis(causes=[cause(affected=many)]), "en").branches[0].effects
    assert len(effects) == MAX_EFFECTS + 1
    assert effects[-1] == "5 more"


@pytest.mark.parametrize(("language", "word"), [("en", "since 03-02 08:40:00"), ("zh", "自 03-02 08:40:00 起")])
def test_a_terminal_shows_the_tree_in_the_language_asked(language: Language, word: str) -> None:
    text = shown(outline(diagnosis(causes=[cause()]), language), language)
    assert word in text
    assert "▁▂▃█" in text
    assert "memory grows" in text


def test_a_gap_is_always_told_and_with_it_how_to_close_it() -> None:
    read = outline(diagnosis(healthy=None, gaps=[Gap(what="metrics", why="refused", how="set PROMETHEUS_URL")]), "en")
    for text in (shown(read), markdown(read, "en"), html(read, "en")):
        assert "refused" in text
        assert "PROMETHEUS" in text
        assert "Healthy" not in text


def test_only_what_is_healthy_is_called_so() -> None:
    assert "Healthy" in shown(outline(diagnosis(healthy=True), "en"))
    hurt = diagnosis(symptoms=[Symptom(component=SHOP, statement="slow")])
    assert "no cause was found" in shown(outline(hurt, "en"))


def test_a_near_miss_comes_with_what_would_decide() -> None:
    near = NearMiss(fault="oom_killed", component=SHOP, confidence=0.1, statement="Perhaps.", decide="Read the status.")
    assert "What would tell: Read the status." in shown(outline(diagnosis(near_misses=[near]), "en"))


def test_nothing_that_a_cluster_says_becomes_markup_in_a_mail() -> None:
    proof = Evidence(source="log", ref=HOSTILE, quote=HOSTILE)
    found = diagnosis(
        causes=[cause(statement=HOSTILE, evidence=[proof])], timeline=[Moment(at=NOW, what=HOSTILE, ref="")]
    )
    page = html(outline(found, "en"), "en")
    tags = Tags()
    tags.feed(page)
    assert not tags.seen & {"script", "img", "iframe", "link", "a", "form"}
    assert "&lt;script&gt;" in page


def test_nothing_that_a_cluster_says_becomes_markup_in_a_ticket() -> None:
    proof = Evidence(source="log", ref="a `quoted` ref", quote="`` odd ``")
    text = markdown(outline(diagnosis(causes=[cause(statement=HOSTILE, evidence=[proof])]), "en"), "en")
    assert "\\<script\\>" in text
    assert "\\[x\\](http" in text
    assert "``` `` odd `` ```" in text


def test_a_terminal_is_not_steered_by_a_log_line() -> None:
    assert "\x1b[31m" not in shown(outline(diagnosis(causes=[cause(statement=HOSTILE)]), "en"))


@pytest.mark.parametrize(
    ("points", "bars"), [((), ""), ((5, 5), "▁▁"), ((0, 7), "▁█"), ((0, 1, 2, 3, 4, 5, 6, 7), "▁▂▃▄▅▆▇█")]
)
def test_a_course_is_drawn_from_its_lowest_to_its_highest(points: tuple[float, ...], bars: str) -> None:
    assert spark(points) == bars


@pytest.mark.parametrize("width", [60, 100, 200])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_line_is_wider_than_the_terminal_and_long_evidence_is_cut_before_its_place(
    width: int, language: Language
) -> None:
    proof = Evidence(source="log", ref="log town/baker-1", quote="内存不足 out of memory " * 200)
    moments = [Moment(at=NOW, what="烘焙 " * 60, ref="")]
    text = shown(outline(diagnosis(causes=[cause(evidence=[proof])], timeline=moments), language), language, width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "…" in text
    assert "log town/baker-1" in " ".join(text.replace("│", " ").split())
    assert text.count("内存不足") * 23 <= width * 5


def test_a_terminal_leaves_no_gap_out_and_says_how_much_of_the_timeline_it_left_out() -> None:
    gaps = [Gap(what=f"part {number}.", why="refused") for number in range(30)]
    moments = [Moment(at=NOW, what=f"moment {number}.", ref="") for number in range(20)]
    text = shown(outline(diagnosis(healthy=None, gaps=gaps, timeline=moments), "en"))
    assert all(gap.what in text for gap in gaps)
    assert "… 8 more" in text
    assert ("moment 7." in text, "moment 8." in text) == (False, True)


def test_a_page_turns_dark_and_loads_nothing() -> None:
    page = html(outline(diagnosis(causes=[cause()]), "zh"), "zh")
    assert "prefers-color-scheme: dark" in page
    assert not any(word in page for word in ("http://", "https://", "url(", "@import", "src="))
