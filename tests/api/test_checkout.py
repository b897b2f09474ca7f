"""What of a folder or a checkout is brought: the files that are read, and not what git leaves out."""

import subprocess
from pathlib import Path

import pytest

from api import checkout
from api.checkout import files_of
from core.errors import Invalid

KINDS = {".md", ".txt"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "wiki"
    folder.mkdir()
    return folder


def put(root: Path, *names: str, text: str = "x") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(folder: Path, root: Path | None = None) -> list[str]:
    return [path.relative_to(root or folder).as_posix() for path in files_of(folder, KINDS)]


def test_files_of_known_kinds_come_in_a_fixed_order_and_hidden_ones_stay_out(root: Path) -> None:
    put(root, "b.md", "a.md", "deep/er/c.TXT", "tool.exe", ".hidden.md", ".config/d.md", "README")
    assert names(root) == ["a.md", "b.md", "deep/er/c.TXT"]


def test_links_are_passed_over_wherever_they_lead(root: Path, tmp_path: Path) -> None:
    put(tmp_path, "secret/key.md")
    put(root, "a.md")
    (root / "link.md").symlink_to(tmp_path / "secret" / "key.md")
    (root / "folder").symlink_to(tmp_path / "secret")
    (root / "circle").symlink_to(root)
    assert names(root) == ["a.md"]


def test_without_a_checkout_an_ignore_file_is_no_word_of_anybody(root: Path) -> None:
    put(root, "a.md", "build/b.md")
    put(root, ".gitignore", text="build/\n")
    assert names(root) == ["a.md", "build/b.md"]


CASES = [
    ("build/", "build/a.md src/build/b.md build.md"),
    ("/build", "build/a.md src/build/b.md"),
    ("*.txt", "a.txt b/c.txt d.md"),
    ("docs/*.md", "docs/a.md docs/deep/b.md a.md"),
    ("docs/**/b.md", "docs/b.md docs/x/b.md docs/x/y/b.md b.md"),
    ("**/old", "old/a.md x/old/b.md older/c.md"),
    ("old/**", "old/a.md old/x/b.md x/old/c.md"),
    ("a?.md", "a1.md a.md ab.md x/a2.md"),
    ("a[0-9].md", "a1.md ax.md"),
    ("a[!0-9].md", "a1.md ax.md"),
    ("*.md\n!keep.md", "a.md keep.md x/keep.md"),
    ("x/*\n!x/keep.md", "x/a.md x/keep.md"),
    ("x/\n!x/keep.md", "x/a.md x/keep.md"),
    ("# a.md\n\n  \n\\#b.md", "a.md #b.md"),
    ("\\!a.md", "!a.md a.md"),
    ("a.md   ", "a.md b.md"),
    ("a\\*.md", "a*.md ab.md"),
    ("a(b).md\na+.md", "a(b).md ab.md a+.md aa.md"),
    ("x/y/", "x/y/a.md z/x/y/b.md"),
    ("a[.md", "a[.md a.md"),
]


@pytest.mark.parametrize(("ignore", "files"), CASES)
def test_patterns_mean_what_they_mean_to_git(root: Path, ignore: str, files: str) -> None:
    put(root, *files.split())
    put(root, ".gitignore", text=ignore + "\n")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    listed = subprocess.run(
        ["git", "-c", "core.quotePath=false", "ls-files", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    theirs = sorted(line for line in listed.stdout.splitlines() if line != ".gitignore")
    assert sorted(names(root)) == theirs


def test_a_folder_of_a_checkout_obeys_what_is_said_above_and_in_it(root: Path) -> None:
    put(root, "docs/a.md", "docs/draft.md", "docs/own.md", "docs/mine.md", "draft.md")
    put(root, ".gitignore", text="draft.md\n/docs/own.md\n")
    put(root, "docs/.gitignore", text="mine.md\n")
    put(root, ".git/info/exclude", text="nothing.md\n")
    assert names(root / "docs") == ["a.md"]


def test_the_nearer_word_wins(root: Path) -> None:
    put(root, "a/x.md", "b/x.md", ".git/HEAD")
    put(root, ".gitignore", text="x.md\n")
    put(root, "b/.gitignore", text="!x.md\n")
    assert names(root) == ["b/x.md"]


def test_what_only_one_clone_leaves_out_is_left_out_too(root: Path) -> None:
    put(root, "a.md", "private.md")
    put(root, ".git/info/exclude", text="private.md\n")
    assert names(root) == ["a.md"]


def test_a_pattern_made_to_take_for_ever_takes_no_time(root: Path) -> None:
    put(root, "a" * 200 + ".md", ".git/HEAD")
    put(root, ".gitignore", text="*a" * 100 + "*b\n")
    assert len(names(root)) == 1


def test_a_folder_with_too_much_in_it_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout, "MAX_FILES", 2)
    put(root, "a.md", "b.md")
    assert len(names(root)) == 2
    put(root, "c.md")
    with pytest.raises(Invalid, match="more than 2 files"):
        files_of(root, KINDS)
