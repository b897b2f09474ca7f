"""Shared by all tests: real programs are used where they are installed, and a test that misses one is skipped aloud and counted."""

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from core.clock import ManualClock
from core.metrics import Metrics
from core.redact import Redactor
from tests.services import Postgres, postgres_server, redis_server

PROGRAMS = {
    "prometheus": ("prometheus", "promtool"),
    "alertmanager": ("prometheus-alertmanager", "amtool"),
    "postgres": ("/usr/lib/postgresql/*/bin/initdb",),
    "redis": ("redis-server",),
    "chromium": ("chromium",),
    "kubectl": ("kubectl",),
}
NEEDS = "needs the real "


def missing_program(name: str) -> str | None:
    """The first program of a real service that is not installed here."""
    for program in PROGRAMS[name]:
        found = any(Path("/").glob(program.lstrip("/"))) if program.startswith("/") else shutil.which(program)
        if not found:
            return program
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("real"):
        name = str(marker.args[0])
        program = missing_program(name)
        if program:
            pytest.skip(f"{NEEDS}{name}: {program} is not installed (make services)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Counted from the reports, which come back from every process that runs tests."""
    reasons = (str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", []))
    missing = Counter(reason.split(NEEDS)[1].split(":")[0] for reason in reasons if NEEDS in reason)
    for name, count in sorted(missing.items()):
        terminalreporter.write_line(
            f"SKIPPED ALOUD: {count} test(s) need {name}; run `make services` to have it.", yellow=True
        )


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own environment must not decide a test."""
    for name in (
        "KUBECONFIG",
        "PROMETHEUS_URL",
        "LLM_API_KEY",
        "LLM_BASE_URL",
        "DATABASE_URL",
        "SECRET_KEY",
        "FIRSTMATE_CONFIG",
        "ENV",
    ):
        if name in os.environ:
            monkeypatch.delenv(name)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def redactor() -> Redactor:
    return Redactor("a-key-for-tests-only")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    # Not in pytest's own folder: another run of it closes that to the user that PostgreSQL runs as.
    with TemporaryDirectory(prefix="firstmate-postgres-") as folder, postgres_server(Path(folder)) as server:
        yield server


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the long form of the kill-and-recover tests")


def pytest_configure(config: pytest.Config) -> None:
    """Drawn examples are the same in every ordinary run, and new ones in a soak; none of them fails by the clock."""
    settings.register_profile("firstmate", derandomize=not config.getoption("--soak"), deadline=None, database=None)
    settings.load_profile("firstmate")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long runs wait for `make soak`; their short form is an ordinary test."""
    if config.getoption("--soak"):
        return
    items[:] = [item for item in items if item.get_closest_marker("soak") is None]
