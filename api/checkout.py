"""The files of a folder that are worth bringing to the knowledge base: of kinds that are read, and not what git leaves out.

A git checkout is known by its `.git`, in the folder or above it, and read as plain files: no git, no shell. Its `.gitignore` files say what
is left out, the last pattern that matches deciding and a folder left out not being entered, as gitignore(5) has it. Hidden entries and
links are passed over always. Patterns run on an engine that is linear, for a checkout may be anybody's.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import re2

from core.errors import Invalid

MAX_FILES = 5_000
MAX_DEPTH = 24
MAX_RULES = 2_000
_MAX_IGNORE_FILE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Rule:
    base: Path
    pattern: Any
    keeps: bool
    folders_only: bool

    def matches(self, path: Path, *, is_folder: bool) -> bool:
        if (self.folders_only and not is_folder) or not path.is_relative_to(self.base):
            return False
        return self.pattern.fullmatch(path.relative_to(self.base).as_posix()) is not None


def files_of(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """In a fixed order, as paths that begin with the folder."""
    root = folder.resolve(strict=True)
    kinds = frozenset(suffixes)
    found: list[Path] = []
    for path in _walk(root, _rules_above(root), is_checkout=_checkout(root) is not None, depth=0):
        if path.suffix.lower() in kinds:
            found.append(path)
        if len(found) > MAX_FILES:
            raise Invalid(f"{folder} holds more than {MAX_FILES} files to add: add its parts by themselves.")
    return found


def _walk(here: Path, rules: list[Rule], *, is_checkout: bool, depth: int) -> Iterator[Path]:
    if is_checkout:
        rules = [*rules, *_rules_of(here, here / ".gitignore")]
    for entry in sorted(os.scandir(here), key=lambda entry: entry.name):
        is_folder = entry.is_dir(follow_symlinks=False)
        path = Path(entry.path)
        if entry.name.startswith(".") or entry.is_symlink() or _left_out(path, rules, is_folder=is_folder):
            continue
        if not is_folder:
            yield path
        elif depth < MAX_DEPTH:
            yield from _walk(path, rules, is_checkout=is_checkout, depth=depth + 1)


def _left_out(path: Path, rules: list[Rule], *, is_folder: bool) -> bool:
    last = next((rule for rule in reversed(rules) if rule.matches(path, is_folder=is_folder)), None)
    return last is not None and not last.keeps


def _checkout(folder: Path) -> Path | None:
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)


def _rules_above(folder: Path) -> list[Rule]:
    """What applies from the checkout's root down to the folder, that of the folder itself left to the walk."""
    root = _checkout(folder)
    if root is None:
        return []
    rules = _rules_of(root, root / ".git" / "info" / "exclude")
    between = [one for one in reversed((folder, *folder.parents)) if one.is_relative_to(root) and one != folder]
    for one in between:
        rules.extend(_rules_of(one, one / ".gitignore"))
    return rules


def _rules_of(base: Path, file: Path) -> list[Rule]:
    if file.is_symlink() or not file.is_file() or file.stat().st_size > _MAX_IGNORE_FILE:
        return []
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return [rule for line in lines[:MAX_RULES] if (rule := _rule(base, line))]


def _rule(base: Path, line: str) -> Rule | None:
    text = line.rstrip() if not line.rstrip().endswith("\\") else line.rstrip() + " "
    if not text or text.startswith("#"):
        return None
    keeps = text.startswith("!")
    text = text.removeprefix("!")
    folders_only = text.endswith("/")
    text = text.rstrip("/")
    anchored = "/" in text
    try:
        pattern = re2.compile(("" if anchored else "(?:.*/)?") + _regex(text.lstrip("/")))
    except re2.error:
        return None  # a pattern that is none matches nothing, as in git
    return Rule(base, pattern, keeps, folders_only)


def _regex(glob: str) -> str:
    made, place = [], 0
    while place < len(glob):
        token, place = _token(glob, place)
        made.append(token)
    return "".join(made)


def _token(glob: str, at: int) -> tuple[str, int]:
    begins = at == 0 or glob[at - 1] == "/"
    if begins and glob.startswith("**/", at):
        return "(?:.*/)?", at + 3
    if begins and glob[at:] == "**":
        return ".*", len(glob)
    char = glob[at]
    if char == "*":
        return "[^/]*", at + 1
    if char == "?":
        return "[^/]", at + 1
    if char == "[":
        end = glob.find("]", at + 2)
        # One that never closes is no pattern, which the engine says too.
        return ("[", len(glob)) if end < 0 else (_class(glob[at + 1 : end]), end + 1)
    if char == "\\" and at + 1 < len(glob):
        return re2.escape(glob[at + 1]), at + 2
    return re2.escape(char), at + 1


def _class(inside: str) -> str:
    negated = inside[0] in "!^"
    escaped = (inside[1:] if negated else inside).replace("\\", "\\\\").replace("[", "\\[")
    return f"[{'^/' if negated else ''}{escaped}]"
