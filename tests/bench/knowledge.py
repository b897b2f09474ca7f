"""A knowledge base of 20,000 passages, half of them Chinese: from its files, from its database, asked, and changed.

The pages are made up from the sentences of the shipped runbooks, mixed anew under headings and with names, numbers and codes that differ,
so that many passages are close to each other. All goes the product's own way, from Markdown files through the database into the index, each
stage in a process of its own: what it holds is that stage's memory and nobody else's. Two processes that start on the same database are
asked the same questions, and have to give the same answers to the last digit.
"""

import asyncio
import json
import logging
import random
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Iterator
from hashlib import sha256
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, TypeVar

import psutil

from core import logs
from core.clock import SystemClock
from core.database import Database
from core.language import Language
from core.metrics import Metrics
from core.redact import Redactor
from knowledge_base.knowledge import SHIPPED, Knowledge
from knowledge_base.parse import parse
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
    ]


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
    for page in sorted(pages.glob("*/*.md"))[:: 2 * PASSAGES // PASSAGES_A_PAGE // PASTED // 2]:
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
    stages = {"built": _built, "served": _served}
    sys.stdout.write(json.dumps(asyncio.run(stages[sys.argv[1]](Path(sys.argv[2])))))


if __name__ == "__main__":
    main()
