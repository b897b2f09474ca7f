"""Unit tests of the rules kept here, in promtool's format, run by promtool itself.

The format is users' own, and what a rule finds in given series is Prometheus's to say, so its tool says it: the kept rules are written
beside the tests as the rule file that they already are, and `rule_files` is that one, whatever the tests name, so that no other file
of this machine is read. Tests come from outside: their size and the samples they spell out (`1+1x1000000`) are bounded before they run,
the run is bounded in time, and one runs at a time.
"""

import asyncio
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from alerts.fields import listed, mapping, read_yaml, text
from alerts.rulebook.definition import GROUP, Definition
from core.errors import Invalid, NotConfigured, Unready

TIMEOUT = 30.0
MAX_SAMPLES = 200_000
MAX_SAID = 20_000
RULES, TESTS = "firstmate-rules.yaml", "tests.yaml"
_SERIES = "the tests, input_series:"
_REPEATED = re.compile(r"x(\d+)")


@dataclass(frozen=True, slots=True)
class Verdict:
    passed: bool
    said: str
    left_out: tuple[str, ...] = ()
    """Rules that a rule file cannot say, so no test can reach them."""

    def to_json(self) -> dict[str, Any]:
        return {"passed": self.passed, "said": self.said, "left_out": list(self.left_out)}


@dataclass
class UnitTests:
    find: Callable[[str], str | None] = shutil.which
    timeout: float = TIMEOUT
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, content: str, rules: Sequence[Definition]) -> Verdict:
        promtool = self.find("promtool")
        if promtool is None:
            raise NotConfigured("promtool", "install it where Firstmate runs; Debian's package prometheus has it")
        tests = yaml.safe_dump(checked(content), sort_keys=False, allow_unicode=True)
        sayable = [each.as_prometheus() for each in rules if not each.forest]
        written = yaml.safe_dump({"groups": [{"name": GROUP, "rules": sayable}]}, sort_keys=False, allow_unicode=True)
        left_out = tuple(each.name for each in rules if each.forest)
        async with self._one_at_a_time:
            with tempfile.TemporaryDirectory(prefix="firstmate-rules-") as folder:
                await asyncio.to_thread(_write, Path(folder), {RULES: written, TESTS: tests})
                code = await self._run(promtool, Path(folder))
                said = await asyncio.to_thread(_read, Path(folder) / "said")
        return Verdict(code == 0, said.strip(), left_out)

    async def _run(self, promtool: str, folder: Path) -> int:
        with (folder / "said").open("wb") as said:
            process = await asyncio.create_subprocess_exec(
                promtool,
                "test",
                "rules",
                TESTS,
                cwd=folder,
                env={},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        try:
            async with asyncio.timeout(self.timeout):
                return await process.wait()
        except TimeoutError:
            raise Unready("promtool", f"did not end the tests within {self.timeout:g} s") from None
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def checked(content: str) -> dict[str, Any]:
    """The tests as they may run: bounded, and of the rules kept here."""
    tests = dict(mapping(read_yaml(content, "the tests"), "the tests:", "a mapping"))
    samples = sum(_samples(test) for test in listed(tests.get("tests"), "the tests:", "tests"))
    if samples > MAX_SAMPLES:
        raise Invalid(f"The tests spell out {samples} samples; at most {MAX_SAMPLES} are taken.", field="content")
    return {**tests, "rule_files": [RULES]}


def _samples(test: Any) -> int:
    series = listed(mapping(test, "the tests:", "a mapping").get("input_series"), "the tests:", "input_series")
    values = [text(mapping(each, _SERIES, "a mapping").get("values"), _SERIES, "values") for each in series]
    return sum(len(said.split()) + sum(int(times[:9]) for times in _REPEATED.findall(said)) for said in values)


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, written in files.items():
        (folder / name).write_text(written, encoding="utf-8")


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MAX_SAID).decode(errors="replace")
