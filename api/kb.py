"""`firstmate kb`: pages brought, listed, searched and removed at a running server, with progress where there is much.

A folder is uploaded file by file: its hashes go first, and only what the server does not have is sent. What it had of the folder before
and the folder holds no more is told, and removed with `--sync`. Progress goes to standard error; what is printed is the outcome.
"""

import asyncio
import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from api.checkout import files_of
from api.client import Client
from core.errors import Invalid
from knowledge_base.formats.table import MAX_BYTES, SUFFIXES

FILES_AT_ONCE = 50
"""In one upload."""
BYTES_AT_ONCE = 8 * 1024 * 1024
POLL = 0.5
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Wish:
    tags: tuple[str, ...] = ()
    language: str | None = None
    collection: str | None = None
    sync: bool = False

    def params(self, collection: str) -> dict[str, Any]:
        found: dict[str, Any] = {"collection": collection, "tag": list(self.tags)}
        return found | ({"language": self.language} if self.language else {})


@dataclass(slots=True)
class Outcome:
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    """Not removed, for nobody asked for it."""

    def count(self, fates: Sequence[dict[str, Any]]) -> None:
        for fate in fates:
            if fate["outcome"] == "refused":
                self.refused.append({"name": fate["name"], "why": fate["why"]})
            else:
                setattr(self, fate["outcome"], getattr(self, fate["outcome"]) + 1)

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


async def add(client: Client, target: str, wish: Wish) -> Outcome:
    if target.startswith(("http://", "https://")):
        outcome = Outcome()
        body = {"url": target, "tags": list(wish.tags), "language": wish.language}
        outcome.count([await client.post("/assistant/add-document", body)])
        return outcome
    path = Path(target)
    if await asyncio.to_thread(path.is_dir):
        return await _add_folder(client, path, wish)
    if path.suffix.lower() not in SUFFIXES:
        raise Invalid(f"{target} is of no kind that is read: {', '.join(sorted(SUFFIXES))}.")
    return await _add_file(client, path, wish)


async def refresh(client: Client) -> dict[str, Any]:
    with _bar() as progress:
        task = progress.add_task("refreshing", total=None)
        work = asyncio.ensure_future(client.post("/assistant/refresh", {}))
        while not work.done():
            await asyncio.wait({work}, timeout=POLL)
            if not work.done():
                now = (await client.get("/knowledge/status"))["progress"]
                progress.update(task, description=now["step"], completed=now["done"], total=now["total"] or None)
    report: dict[str, Any] = work.result()
    return report


async def _add_file(client: Client, path: Path, wish: Wish) -> Outcome:
    outcome = Outcome()
    raw = await asyncio.to_thread(_read, path)
    if raw is None:
        outcome.refused.append({"name": path.name, "why": _TOO_LARGE})
        return outcome
    found = await client.upload([(path.name, raw)], wish.params(wish.collection or ""))
    outcome.count(found["files"])
    return outcome


async def _add_folder(client: Client, folder: Path, wish: Wish) -> Outcome:
    root = await asyncio.to_thread(folder.resolve)
    collection = wish.collection if wish.collection is not None else root.name
    outcome = Outcome()
    files = {path.relative_to(root).as_posix(): path for path in await asyncio.to_thread(files_of, folder, SUFFIXES)}
    with _bar() as progress:
        digests = await _hashed(files, outcome, progress)
        body = {
            "collection": collection,
            "files": digests,
            "tags": list(wish.tags),
            "language": wish.language,
            "remove": wish.sync,
        }
        told = await client.post("/knowledge/sync", body)
        outcome.unchanged, outcome.removed = told["unchanged"], told["removed"]
        outcome.gone = [] if wish.sync else told["gone"]
        await _send(client, {name: files[name] for name in told["wanted"]}, collection, wish, outcome, progress)
    return outcome


async def _hashed(files: dict[str, Path], outcome: Outcome, progress: Progress) -> dict[str, str]:
    task = progress.add_task("hashing", total=len(files))
    digests: dict[str, str] = {}
    for name, path in files.items():
        raw = await asyncio.to_thread(_read, path)
        if raw is None:
            outcome.refused.append({"name": name, "why": _TOO_LARGE})
        else:
            digests[name] = sha256(raw).hexdigest()
        progress.advance(task)
    return digests


async def _send(
    client: Client, files: dict[str, Path], collection: str, wish: Wish, outcome: Outcome, progress: Progress
) -> None:
    task = progress.add_task("uploading", total=len(files))
    params = wish.params(collection)
    for batch in await asyncio.to_thread(_batches, files):
        parts = await asyncio.to_thread(_parts, batch, outcome)
        # Found only after the last one: the index follows once and not with every batch.
        is_last = batch[-1][0] == list(files)[-1]
        if parts:
            found = await client.upload(parts, {**params, "wait": is_last})
            outcome.count(found["files"])
        progress.advance(task, len(batch))


def _batches(files: dict[str, Path]) -> list[list[tuple[str, Path]]]:
    batches: list[list[tuple[str, Path]]] = [[]]
    size = 0
    for name, path in files.items():
        size += path.stat().st_size
        if batches[-1] and (size > BYTES_AT_ONCE or len(batches[-1]) >= FILES_AT_ONCE):
            batches.append([])
            size = path.stat().st_size
        batches[-1].append((name, path))
    return [batch for batch in batches if batch]


def _parts(batch: Sequence[tuple[str, Path]], outcome: Outcome) -> list[tuple[str, bytes]]:
    parts: list[tuple[str, bytes]] = []
    for name, path in batch:
        raw = _read(path)
        if raw is None:
            outcome.refused.append({"name": name, "why": _TOO_LARGE})
        else:
            parts.append((name, raw))
    return parts


_TOO_LARGE = f"The file is larger than {MAX_BYTES // 1024} KiB."


def _read(path: Path) -> bytes | None:
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    return raw if len(raw) <= MAX_BYTES else None


@contextlib.contextmanager
def _bar() -> Iterator[Progress]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield progress


def print_json(value: Any) -> None:
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def print_outcome(outcome: Outcome) -> None:
    counts = ((name, getattr(outcome, name)) for name in ("added", "changed", "unchanged", "removed"))
    told = [f"{count} {name}" for name, count in counts if count]
    out.print(", ".join([*told, *([f"{len(outcome.refused)} refused"] if outcome.refused else [])]) or "nothing to add")
    for one in outcome.refused:
        err.print(f"  not taken: {one['name']}: {one['why']}", style="red", markup=False)
    if outcome.gone:
        shown = ", ".join(outcome.gone[:5]) + (" ..." if len(outcome.gone) > 5 else "")
        err.print(f"  {len(outcome.gone)} no longer in the folder (remove them with --sync): {shown}", markup=False)


def print_report(report: dict[str, Any]) -> None:
    counts = ", ".join(f"{report[name]} {name}" for name in ("added", "changed", "removed", "unchanged"))
    out.print(f"{counts}: {report['pages']} pages, {report['passages']} passages")
    print_problems(report["problems"])


def print_problems(problems: Sequence[dict[str, str]]) -> None:
    for problem in problems:
        err.print(f"  {problem['path']}: {problem['why']}", style="yellow", markup=False)


def print_pages(found: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("id", "language", "title", "source", "tags", "path"):
        table.add_column(name, overflow="fold")
    for page in found["pages"]:
        row = (page["id"], page["language"], page["title"], page["source"], ", ".join(page["tags"]), page["path"])
        table.add_row(*map(_plain, row))
    out.print(table)
    err.print(f"{len(found['pages'])} of {found['total']}")


def print_hits(answer: dict[str, Any]) -> None:
    for notice in answer.get("notices", ()):
        err.print(notice, style="yellow", markup=False)
    if answer["nothing_found"]:
        out.print(answer["reason"], markup=False)
    for number, hit in enumerate(answer["hits"], 1):
        out.print(f"[{number}] {hit['title']} > {hit['heading']}", style="bold", markup=False)
        out.print(f"    {hit['quote']}", markup=False)
        out.print(f"    {hit['path']}  score {hit['score']:.2f}", style="dim", markup=False)


def print_status(status: dict[str, Any]) -> None:
    sources = ", ".join(f"{count} {name}" for name, count in status["sources"].items())
    out.print(f"{status['pages']} pages, {status['passages']} passages; documents: {sources}")
    out.print(f"embedder {status['embedder']}; generation {status['generation']}", markup=False)
    now = status["progress"]
    if status["indexing"]:
        out.print(f"being refreshed: {now['step']} {now['done']}/{now['total']}")
    if status["waiting"]:
        out.print(f"{status['waiting']} documents wait to be cut anew: firstmate kb refresh")
    out.print(f"last refresh: {status['refreshed_at'] or 'never'}")
    print_problems(status["problems"])


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
