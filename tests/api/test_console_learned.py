"""What the pages about knowledge and cases work out before anything is drawn."""

import re

import pytest

from api.console.door import _PAGE
from api.console.frame import LOOK, WAYS
from api.console.pages.knowledge import MAX_TAGS, _tags, page_address
from api.console.pages.learned_words import LEARNED
from api.console.pages.words import PAGES
from knowledge_base.knowledge import PageInfo


def info(*tags: str) -> PageInfo:
    return PageInfo(id="p", language="en", title="P", tags=list(tags), faults=[], alerts=[], path="p.md")


def test_the_most_used_tags_are_offered_in_their_order_and_the_chosen_one_however_rare() -> None:
    pages = [info("common", f"rare{number:03}") for number in range(MAX_TAGS + 20)]
    offered = _tags(pages, "rare059")
    assert len(offered) == MAX_TAGS + 1
    assert offered == sorted(offered)
    assert {"common", "rare059"} <= set(offered)
    assert "unknown" not in _tags(pages, "unknown")


def test_a_pages_address_names_its_language() -> None:
    assert page_address("oom_killed", "zh") == "/console/knowledge/oom_killed?language=zh"


@pytest.mark.parametrize(
    "path", ["/console/knowledge", "/console/knowledge/oom_killed", "/console/cases/0123456789abcdef"]
)
def test_the_door_leads_back_to_these_pages_after_signing_in(path: str) -> None:
    assert _PAGE.fullmatch(path)


@pytest.mark.parametrize(
    "path", ["/console/cases/../../x", "/console/knowledge/a/b", "/console/casesx", "//evil.example"]
)
def test_the_door_leads_nowhere_else(path: str) -> None:
    assert not _PAGE.fullmatch(path)


def test_no_word_of_other_pages_is_said_anew() -> None:
    assert not set(LEARNED) & set(PAGES)
    assert {"knowledge", "cases"} <= set(WAYS) & set(LEARNED)


def test_on_paper_there_is_neither_navigation_nor_colour() -> None:
    printed = LOOK[LOOK.index("@media print") :]
    hidden = re.search(r"([^{}]*)\{ display: none !important; \}", printed)
    assert hidden is not None
    assert {".fm-head", ".fm-actions", ".fm-no-print"} <= {each.strip() for each in hidden.group(1).split(",")}
    assert "--paper: #fff" in printed
