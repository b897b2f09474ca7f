"""Looking through a folder: links that lead out, things that are no files, and names that people can read."""

import os
from pathlib import Path

import pytest

from core.errors import Invalid
from knowledge_base import folder as folders
from knowledge_base.folder import read, scan
from knowledge_base.formats.table import limit_of
from tests.knowledge_base.fakes import write_page


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    made = tmp_path / "runbooks"
    made.mkdir()
    (made / "one.md").write_text("# One\n\ntext\n")
    return made


def names(folder: Path) -> list[str]:
    return [found.path for found in scan(folder).files]


def problems(folder: Path) -> dict[str, str]:
    return {problem.path: problem.why for problem in scan(folder).problems}


def test_pages_are_found_at_any_depth_and_other_files_are_passed_over(shelf: Path) -> None:
    (shelf / "team" / "net").mkdir(parents=True)
    (shelf / "team" / "net" / "two.markdown").write_text("# Two\n")
    (shelf / "chart.svg").write_text("not a page")
    (shelf / ".hidden.md").write_text("# Hidden\n")
    assert names(shelf) == ["runbooks/one.md", "runbooks/team/net/two.markdown"]


def test_a_link_out_of_the_folder_is_refused_by_name(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "secrets.md").write_text("# Do not read\n")
    (shelf / "innocent.md").symlink_to(tmp_path / "secrets.md")
    assert names(shelf) == ["runbooks/one.md"]
    assert "leads out" in problems(shelf)["runbooks/innocent.md"]


def test_a_linked_folder_outside_is_refused_by_name(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "page.md").write_text("# Elsewhere\n")
    (shelf / "more").symlink_to(tmp_path / "elsewhere")
    assert names(shelf) == ["runbooks/one.md"]
    assert "leads out" in problems(shelf)["runbooks/more"]


def test_a_name_that_climbs_out_through_a_relative_link_is_refused(shelf: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.md").write_text("# Outside\n")
    (shelf / "climb.md").symlink_to("../outside.md")
    assert "leads out" in problems(shelf)["runbooks/climb.md"]


def test_links_as_a_mounted_configmap_makes_them_are_followed(shelf: Path) -> None:
    (shelf / "..2026_03_02").mkdir()
    (shelf / "..2026_03_02" / "two.md").write_text("# Two\n")
    (shelf / "..data").symlink_to("..2026_03_02")
    (shelf / "two.md").symlink_to("..data/two.md")
    assert names(shelf) == ["runbooks/one.md", "runbooks/two.md"]
    assert problems(shelf) == {}


def test_links_in_a_circle_and_links_to_nothing_are_refused_by_name(shelf: Path) -> None:
    (shelf / "a.md").symlink_to("b.md")
    (shelf / "b.md").symlink_to("a.md")
    (shelf / "gone.md").symlink_to("nowhere.md")
    assert set(problems(shelf)) == {"runbooks/a.md", "runbooks/b.md", "runbooks/gone.md"}


def test_a_pipe_with_the_name_of_a_page_is_refused_without_waiting(shelf: Path) -> None:
    os.mkfifo(shelf / "pipe.md")
    assert "not a plain file" in problems(shelf)["runbooks/pipe.md"]


def test_a_file_that_became_a_pipe_after_the_scan_is_refused_without_waiting(shelf: Path) -> None:
    found = scan(shelf).files[0]
    (shelf / "one.md").unlink()
    os.mkfifo(shelf / "one.md")
    with pytest.raises(Invalid, match="not a plain file"):
        read(found)


def test_a_file_that_became_a_link_after_the_scan_is_not_followed(shelf: Path, tmp_path: Path) -> None:
    found = scan(shelf).files[0]
    (tmp_path / "secret.md").write_text("# Secret\n")
    (shelf / "one.md").unlink()
    (shelf / "one.md").symlink_to(tmp_path / "secret.md")
    with pytest.raises(Invalid, match="cannot be opened"):
        read(found)


def test_a_file_too_large_is_refused_without_being_read(shelf: Path) -> None:
    with (shelf / "huge.md").open("wb") as file:
        file.truncate(limit_of("huge.md") + 1)
    assert "larger than" in problems(shelf)["runbooks/huge.md"]


def test_a_folder_that_is_not_there_is_a_problem_and_not_an_empty_folder(tmp_path: Path) -> None:
    listing = scan(tmp_path / "nowhere")
    assert listing.files == []
    assert "cannot be read" in listing.problems[0].why
    assert listing.unreadable


def test_more_files_than_the_bound_are_left_out_and_said_so(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_FILES", 2)
    for number in range(4):
        (shelf / f"page{number}.md").write_text("# P\n")
    listing = scan(shelf)
    assert len(listing.files) == 2
    assert [problem.why for problem in listing.problems] == [
        "The folder holds more than 2 pages; the rest is left out."
    ]


def test_a_name_that_is_no_text_is_refused_and_the_rest_goes_in(shelf: Path) -> None:
    (shelf / os.fsdecode(b"caf\xe9.md")).write_text("# Two\n")
    write_page(shelf / os.fsdecode(b"caf\xe9"), "three.md", "# Three\n")
    assert names(shelf) == ["runbooks/one.md"]
    assert {path: "UTF-8" in why for path, why in problems(shelf).items()} == {
        "runbooks/caf\\udce9": True,
        "runbooks/caf\\udce9.md": True,
    }


def test_folders_nested_without_end_are_left_out_and_said_so(shelf: Path) -> None:
    deep = shelf.joinpath(*["d"] * (folders.MAX_DEPTH + 2))
    deep.mkdir(parents=True)
    (deep / "deep.md").write_text("# Deep\n")
    assert names(shelf) == ["runbooks/one.md"]
    assert any("nested deeper" in why for why in problems(shelf).values())


def test_the_stamp_moves_when_the_content_does(shelf: Path) -> None:
    before = scan(shelf).files[0].stamp
    assert scan(shelf).files[0].stamp == before
    (shelf / "one.md").write_text("# One\n\nlonger text\n")
    assert scan(shelf).files[0].stamp != before
