"""A stranger's zip archive: what it says of itself is checked before, and what it really unpacks to while it does."""

import struct
import zipfile
from io import BytesIO

import pytest

from core.errors import Invalid
from knowledge_base.formats.archive import Archive
from tests.knowledge_base.formats.making import zipped


def refusal(raw: bytes, part: str = "", most: int = 1_000) -> str:
    with pytest.raises(Invalid) as refused:
        Archive(raw).part(part, most)
    return refused.value.sentence


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_part_is_read_by_its_name(method: int) -> None:
    opened = Archive(zipped({"a/b.xml": "words", "c": ""}, method))
    assert opened.names == ["a/b.xml", "c"]
    assert opened.part("a/b.xml", 100) == b"words"
    assert opened.part("c", 100) == b""


def test_a_part_that_is_not_there_is_empty() -> None:
    assert Archive(zipped({"a": "x"})).part("b", 100) == b""


def test_a_part_is_unpacked_up_to_its_bound_and_no_further() -> None:
    raw = zipped({"a": b"x" * 5_000})
    assert Archive(raw).part("a", 5_000) == b"x" * 5_000
    assert refusal(raw, "a", 4_999) == "The archive's a unpacks to more than is read."


def test_a_part_that_hides_its_size_is_not_read_past_what_it_says() -> None:
    raw = zipped({"a": b"x" * 50_000}).replace(struct.pack("<I", 50_000), struct.pack("<I", 10))
    assert "is broken" in refusal(raw, "a", 100_000)


def test_a_part_whose_bytes_are_not_what_was_packed_is_refused() -> None:
    raw = zipped({"a": b"some words"}, zipfile.ZIP_STORED).replace(b"some words", b"same words")
    assert refusal(raw, "a") == "The archive's a is broken: Bad CRC-32 for file 'a'."


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/a", "\\a", "..\\a", "c:\\a", "C:a", "a/.."])
def test_a_name_that_leads_out_is_refused_with_the_name(name: str) -> None:
    assert "leads out of it" in refusal(zipped({"fine": "x", name: "x"}))


@pytest.mark.parametrize("name", ["a..b", "a/...", "..a", "支付/手册.xml", "a b", "x" * 300])
def test_a_name_that_only_looks_odd_is_taken(name: str) -> None:
    assert Archive(zipped({name: "x"})).part(name, 10) == b"x"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_ways_of_packing_that_cannot_be_stopped_midway_are_refused(method: int) -> None:
    assert "do not use" in refusal(zipped({"a": "x"}, method))


def test_small_parts_may_pack_as_well_as_they_like() -> None:
    assert len(Archive(zipped({"a": b" " * 900_000})).part("a", 1_000_000)) == 900_000


def test_large_parts_that_pack_too_well_are_refused_by_name() -> None:
    assert refusal(zipped({"big": b" " * 3_000_000})) == "The archive's big would swell more than 200 times."


@pytest.mark.parametrize(
    "raw",
    [b"", b"PK\x05\x06", b"PK\x03\x04" + b"\xff" * 200, zipped({"a": "x"})[:-10], b"x" * 100],
    # Named, for an archive holds the time of its making, and a test must be called the same in every process.
    ids=["nothing", "an end alone", "a beginning alone", "cut off", "no zip"],
)
def test_what_is_no_archive_is_refused(raw: bytes) -> None:
    assert refusal(raw).startswith("The archive is broken: ")


def test_two_entries_of_one_name_are_one_part() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        raw = _twice()
    assert Archive(raw).part("a", 10) == b"second"


def _twice() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a", "first")
        archive.writestr("a", "second")
    return out.getvalue()
