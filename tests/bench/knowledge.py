"""A knowledge base of 20,000 passages, half of them Chinese: from its files, from its database, asked, and changed.

The pages are made up from the sentences of the shipped runbooks, mixed anew under headings and with names, numbers and codes that differ,
so that many passages are close to each other. All goes the product's own way, from Markdown files through the database into the index, each
stage in a process of its own: what it holds is that stage's memory and nobody else's. Two processes that start on the same database are
asked the same questions, and have to give the same answers to the last digit.
"""

import asyncio
import json
import logging
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from time import perf_counter, process_time
from typing import Any, TypeVar

import numpy as np
import psutil

from core import logs
from core.clock import SystemClock
from core.database import Database
from core.language import Language
from core.metrics import Metrics
from core.redact import Redactor
from knowledge_base.index.choice import Wish, chosen
from knowledge_base.index.port import Passages, Shown
from knowledge_base.knowledge import SHIPPED, Knowledge
from knowledge_base.parse import parse
from knowledge_base.search import ask, search
from knowledge_base.store import Document, Store, StoredPassage
from tests.bench.table import Line, spread
from tests.knowledge_base.questions import CROSSING, SAME_LANGUAGE, UNANSWERABLE

T = TypeVar("T")
Spent = tuple[float, float]
"""Seconds on the clock, and of the processor."""
PASSAGES = 20_000
PASSAGES_A_PAGE = 8
SENTENCES = 7
ROUNDS = 2
PASTED = 60
REDIS_URL = os.environ.get("REDIS_URL", "")
COPIES = 5
STRANGE = 0.2
"""Of a copy's terms, the share that is taken from another passage; its vector moves along."""
_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n+")
_HEADINGS = {
    "en": ("Symptoms", "Causes", "First look", "Checks", "Repair", "Afterwards", "Background", "Escalation"),
    "zh": ("现象", "原因", "先看什么", "检查", "修复", "善后", "背景", "升级"),
}
_NAMES = ("ledger", "basket", "courier", "harbour", "invoice", "lantern", "meadow", "orchard", "quarry", "saffron")
_ROLES = ("api", "worker", "gateway", "cache", "db", "sync", "batch", "proxy")


async def measure() -> list[Line]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await asyncio.to_thread(_write, folder / "pages")
        built = await _stage("built", folder)
        first, second = await _stage("served", folder), await _stage("served", folder)
        on_redis = await _stage("on_redis", folder) if REDIS_URL else {}
    same = "the same" if first["answers"] == second["answers"] else "NOT THE SAME"
    pace = f"{built['loaded'][1] / built['passages'] * 1000:.2f} ms a passage; {built['peak']:.0f} MB at most"
    held = f"resident, {first['before']:.0f} MB before, {first['after']:.0f} MB after {len(first['asked'])} questions"
    asked = _cpu(sorted(first["asked"], key=lambda spent: spent[1])[int(len(first["asked"]) * 0.95)])
    changed = sorted(first["changed"])[len(first["changed"]) // 2]
    return [
        _line("20,000 passages from files", "60 s", built["loaded"], f"read, cut, weighed, stored, indexed: {pace}"),
        _line("20,000 passages at a start", "-", first["loaded"], "from the database, every file looked at"),
        Line(
            "search in 20,000 passages",
            "20 ms at p95",
            spread([wall for wall, _ in first["asked"]], 0.5, 0.95),
            f"one client, some ask whole passages; p95 {asked}; {same} answers after a restart",
        ),
        Line("memory of 20,000 passages", "300 MB", f"{first['after'] - first['before']:.0f} MB", held),
        _line(
            "one page of 20,000 passages changed", "2 s", changed, f"all {built['pages']:,} files looked at, one taken"
        ),
        _on_redis(on_redis),
    ]


def _on_redis(found: dict[str, Any]) -> Line:
    figure, mark = "search in 100,000 passages on Redis", "30 ms at p95"
    if not found:
        return Line(figure, mark, "not measured", "REDIS_URL names no server with the Query Engine")
    asked = spread([wall for wall, _ in found["asked"]], 0.5, 0.95)
    how = f"one client over {found['passages']:,} passages, {found['loaded'][0]:.0f} s to load them"
    return Line(figure, mark, asked, f"{how}; a page taken away in {found['changed'][0]:.2f} s")


def _line(figure: str, mark: str, spent: Spent, how: str) -> Line:
    return Line(figure, mark, f"{spent[0]:.1f} s", f"{how}; {_cpu(spent)}")


def _cpu(spent: Spent) -> str:
    """Others on the machine lengthen a wait and not the work."""
    return f"{spent[1]:.1f} s of the processor" if spent[1] >= 0.1 else f"{spent[1] * 1000:.1f} ms of the processor"


async def _stage(name: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.knowledge", name, str(folder)]
    done = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True, timeout=900)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def _timed(work: Awaitable[T]) -> tuple[T, Spent]:
    wall, cpu = perf_counter(), process_time()
    done = await work
    return done, (perf_counter() - wall, process_time() - cpu)


async def _built(folder: Path) -> dict[str, Any]:
    base, database = await _base(folder)
    report, loaded = await _timed(base.load())
    await database.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {"loaded": loaded, "peak": peak, "pages": report.pages, "passages": report.passages}


async def _served(folder: Path) -> dict[str, Any]:
    base, database = await _base(folder)
    await asyncio.to_thread(base._segmenter.warm)
    before = _resident()
    _, loaded = await _timed(base.load())
    asked, digest = [], sha256()
    for text, language in _questions(folder / "pages"):
        answer, spent = await _timed(base.search(text, language=language))
        asked.append(spent)
        digest.update(json.dumps([hit.model_dump() for hit in answer.hits]).encode())
    after = _resident()
    pages = await asyncio.to_thread(lambda: sorted((folder / "pages").glob("*/*.md")))
    changed = [await _changed(base, page) for page in pages[10:13]]
    await database.close()
    found = {"loaded": loaded, "before": before, "after": after, "asked": asked}
    return found | {"answers": digest.hexdigest(), "changed": changed}


async def _on_redis_stage(folder: Path) -> dict[str, Any]:
    index = await chosen(Wish(url=REDIS_URL, owner=f"bench-{token_hex(4)}"))
    if index is None:
        return {}
    base, database = await _base(folder)
    try:
        async with Store(database).view() as view:
            copies = Copies(await view.documents(), view.passages)
            _, loaded = await _timed(index.update(copies.shown, copies.read))
            asked = []
            for text, language in _questions(folder / "pages"):
                question = ask(text, language, base._segmenter, base._embedder)
                asked.append((await _timed(search(index, question, 5, base._segmenter)))[1])
            _, changed = await _timed(index.update(copies.shown[1:], copies.read))
        return {"loaded": loaded, "asked": asked, "changed": changed, "passages": len(index)}
    finally:
        await index.wipe()
        await index.close()
        await database.close()


class Copies:
    """A store of several times as many passages, each near to what it was copied from."""

    def __init__(self, documents: Sequence[Document], read: Passages) -> None:
        self._read = read
        self._dice = np.random.default_rng(7)
        self.shown = [
            Shown(
                f"{one.known.id}-{copy}",
                f"{one.known.version}-{copy}",
                f"{one.page.id}-{copy}",
                one.page.title,
                one.page.language,
                one.known.path,
                one.page.tags,
            )
            for one in documents
            for copy in range(COPIES)
        ]

    async def read(self, revisions: Sequence[str]) -> AsyncIterator[Mapping[str, Sequence[StoredPassage]]]:
        originals = list(dict.fromkeys(revision.rpartition("-")[0] for revision in revisions))
        wanted = set(revisions)
        async for batch in self._read(originals):
            every = [passage for passages in batch.values() for passage in passages]
            copies = {
                f"{version}-{copy}": [self._copied(passage, every) for passage in passages]
                for version, passages in batch.items()
                for copy in range(COPIES)
            }
            yield {revision: passages for revision, passages in copies.items() if revision in wanted}

    def _copied(self, passage: StoredPassage, every: Sequence[StoredPassage]) -> StoredPassage:
        other = every[int(self._dice.integers(len(every)))]
        kept = len(passage.terms) - int(STRANGE * len(passage.terms))
        vector = passage.vector.astype(np.float32) + STRANGE * other.vector.astype(np.float32)
        terms = (*passage.terms[:kept], *other.terms[kept:])
        return StoredPassage(passage.heading, passage.text, terms, (vector / np.linalg.norm(vector)).astype(np.float16))


async def _base(folder: Path) -> tuple[Knowledge, Database]:
    database = Database(f"sqlite:///{folder / 'knowledge.db'}")
    await database.create_tables()
    return Knowledge(database=database, clock=SystemClock(), folders=(folder / "pages",), metrics=Metrics()), database


async def _changed(base: Knowledge, page: Path) -> Spent:
    text = await asyncio.to_thread(page.read_text)
    await asyncio.to_thread(page.write_text, f"{text}\nAsk the harbour master, too.\n")
    report, spent = await _timed(base.refresh())
    await asyncio.to_thread(page.write_text, text)
    await base.refresh()
    if report.changed != 1:
        raise RuntimeError(f"{report.changed} pages were taken for changed")
    return spent


def _resident() -> float:
    return float(psutil.Process().memory_info().rss) / 1e6


def _questions(pages: Path) -> Iterator[tuple[str, Language | None]]:
    for _ in range(ROUNDS):
        for question in (*SAME_LANGUAGE, *CROSSING, *UNANSWERABLE):
            yield question.text, question.reads
    for page in sorted(pages.glob("*/*.md"))[:: max(1, PASSAGES // PASSAGES_A_PAGE // PASTED)]:
        yield page.read_text().split("\n\n")[2][:1000], None


def _write(folder: Path) -> None:
    dice = random.Random(7)
    languages: tuple[Language, ...] = ("en", "zh")
    for language in languages:
        stock = _stock(language)
        (folder / language).mkdir(parents=True)
        for number in range(PASSAGES // PASSAGES_A_PAGE // 2):
            (folder / language / f"page-{number:04}.md").write_text(_page(language, number, stock, dice))


def _page(language: Language, number: int, stock: list[str], dice: random.Random) -> str:
    name = f"{dice.choice(_NAMES)}-{dice.choice(_ROLES)}-{number % 97}"
    title = f"{dice.choice(stock)[:60]} ({name})".replace(":", " ").replace("`", "").replace("#", "")
    parts = [f"---\nid: page-{number:04}\nlanguage: {language}\ntags: [team-{number % 9}]\n---\n# {title}"]
    for heading in dice.sample(_HEADINGS[language], PASSAGES_A_PAGE):
        sentences = [_told(sentence, name, dice) for sentence in dice.sample(stock, SENTENCES)]
        parts += [f"## {heading}", "\n".join(sentences)]
    return "\n\n".join(parts) + "\n"


def _told(sentence: str, name: str, dice: random.Random) -> str:
    extra = dice.choice(
        ("", "", f" ({name})", f" {dice.randrange(1000, 9999)}", f" E{dice.randrange(100, 999)}-{dice.choice(_ROLES)}")
    )
    return re.sub(r"^[#>|*`~ -]+", "", sentence) + extra


def _stock(language: Language) -> list[str]:
    found = {
        sentence
        for path in sorted(SHIPPED.glob(f"{language}/*.md"))
        for sentence in _END.split(parse(path.read_bytes(), path.name).text)
        if 20 < len(sentence) < 200 and not sentence.startswith(("#", "|", "```"))
    }
    return sorted(found)


def main() -> None:
    logs.configure("CRITICAL", json=True, redactor=Redactor("a-key-for-the-bench-only"))
    logging.disable(logging.CRITICAL)
    stages = {"built": _built, "served": _served, "on_redis": _on_redis_stage}
    sys.stdout.write(json.dumps(asyncio.run(stages[sys.argv[1]](Path(sys.argv[2])))))


if __name__ == "__main__":
    main()
