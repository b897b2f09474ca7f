"""Reading one page: what front matter may say, and how a page that cannot be taken is refused."""

import pytest

from core.errors import Invalid
from knowledge_base.formats.reading import MAX_FACTS, MAX_LINE
from knowledge_base.formats.table import limit_of
from knowledge_base.parse import parse

UNFIT = b"""---
title: "Disk\\0 is full"
tags: ["no\\x07de"]
---

Remove logs.
"""
GOOD = b"""---
id: disk_full
title: Disk is full
language: en
tags: [disk, node]
faults: [node_disk_pressure]
alerts: [NodeFilesystemAlmostFull]
owner: somebody else's key
---

# Disk is full

Remove logs.
"""


def refusal(raw: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        parse(raw, "page.md")
    return refused.value.sentence


def test_front_matter_names_the_page() -> None:
    page = parse(GOOD, "anything.md")
    assert (page.id, page.title, page.language) == ("disk_full", "Disk is full", "en")
    assert page.tags == ("disk", "node")
    assert page.faults == ("node_disk_pressure",)
    assert page.alerts == ("NodeFilesystemAlmostFull",)


def test_the_text_is_without_its_front_matter() -> None:
    assert parse(GOOD, "anything.md").text == "# Disk is full\n\nRemove logs.\n"


def test_a_page_without_front_matter_is_named_after_its_heading_and_file() -> None:
    page = parse("# 支付失败\n\n先看网关的日志。\n".encode(), "team-a/Pay Failures.md")
    assert (page.id, page.title, page.language) == ("team-a-pay-failures", "支付失败", "zh")


def test_a_page_without_any_heading_is_titled_by_its_file() -> None:
    assert parse(b"Call the network team.\n", "who-to-call.md").title == "who-to-call"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    page = parse(b"\xef\xbb\xbf---\r\nid: x\r\n---\r\n# T\r\n\r\nBody\r\n", "x.md")
    assert (page.id, page.text) == ("x", "# T\n\nBody\n")


def test_a_rule_in_the_body_is_not_taken_for_front_matter() -> None:
    assert parse(b"# T\n\nabove\n\n---\n\nbelow\n", "t.md").text.count("---") == 1


def test_a_file_that_is_not_text_is_refused() -> None:
    assert "UTF-8" in refusal(b"\xff\xfe\x00broken")
    assert "NUL" in refusal(b"# T\n\nzero \x00 byte\n")


def test_a_file_too_large_is_refused() -> None:
    assert "larger than" in refusal(b"x\n" * (limit_of("page.md") // 2 + 1))


def test_a_line_too_long_is_refused() -> None:
    assert "longer than" in refusal(b"x" * (MAX_LINE + 1))


def test_front_matter_that_never_closes_is_refused() -> None:
    assert "never closes" in refusal(b"---\nid: x\n\n# T\n")


def test_front_matter_too_large_is_refused() -> None:
    assert "front matter is larger" in refusal(b"---\ntitle: " + b"x" * MAX_FACTS + b"\n---\nbody\n")


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("id: [", "not YAML"),
        ("- a\n- b", "not a mapping"),
        ("id: ../../etc/passwd", "id is wrong"),
        ("id: 7", "id is wrong"),
        ("language: fr", "language is wrong"),
        ("tags: disk", "tags is wrong"),
        ("tags: [[nested]]", "tags.0 is wrong"),
        ("title: ''", "title is wrong"),
        ("title: !!python/object/apply:os.system [ls]", "not YAML"),
    ],
)
def test_front_matter_that_is_wrong_is_refused_by_the_name_of_the_field(front: str, said: str) -> None:
    assert said in refusal(f"---\n{front}\n---\nbody\n".encode())


def test_yaml_that_multiplies_itself_is_refused_quickly() -> None:
    bomb = "a: &a [x, x]\n" + "\n".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]" for n in range(20)
    )
    assert "tags.0 is wrong" in refusal(f"---\n{bomb}\ntags: *u\n---\nbody\n".encode())


def test_an_empty_page_is_refused() -> None:
    assert "empty" in refusal(b"---\nid: x\n---\n\n   \n")
    assert "empty" in refusal(b"")


def test_facts_lose_the_characters_that_no_database_takes() -> None:
    page = parse(UNFIT, "disk.md")
    assert (page.title, page.tags) == ("Disk is full", ("node",))
