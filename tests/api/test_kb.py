"""`firstmate kb` against a running server: what is typed, what it prints, and how it ends."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from api import kb as kb_work
from api import wiring
from api.cli import app
from api.wiring import House
from core.clock import ManualClock
from tests.acceptance.stage import START, product, settings_for
from tests.knowledge_base.fakes import write_page

pytestmark = pytest.mark.asyncio(loop_scope="module")
LOGGED = re.compile(r"\d{4}-\d\d-\d\d \d\d:")
PRINTER = "# Label printer jams\n\nOpen the tray of the label printer and turn the grey wheel.\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("house")
    write_page(folder / "shipped", "oom-killed.md", "# Out of memory\n\nRaise the limit.\n")
    settings = settings_for(folder, "", folder / "none", {"prometheus_url": "", "k8s_config_path": ""})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wiring, "SHIPPED", folder / "shipped")
        async with product(settings, ManualClock(START)) as (made, http):
            patched.setenv("FIRSTMATE_SERVER", str(http.base_url))
            patched.setenv("FIRSTMATE_TOKEN", made.admin_token)
            patched.setenv("COLUMNS", "200")
            yield made


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _clean(house: House) -> AsyncIterator[None]:
    yield
    await house.knowledge.remove([page.document for page in house.knowledge.pages() if page.source == "upload"], "x")


@pytest.fixture
def wiki(tmp_path: Path) -> Path:
    folder = tmp_path / "wiki"
    write_page(folder, "printer.md", PRINTER)
    write_page(folder, "ops/queue.md", "# Parcel queue grows\n\nAdd parcel sorters.\n")
    write_page(folder, "build/made.md", "# Made\n\nBy a program.\n")
    write_page(folder, ".gitignore", "build/\n")
    write_page(folder, ".git/HEAD", "ref")
    return folder


@dataclass(frozen=True)
class Done:
    stdout: str
    stderr: str


async def kb(*words: str | Path, code: int = 0) -> Done:
    # The command has a loop of its own, as it has in a terminal.
    done = await asyncio.to_thread(CliRunner().invoke, app, ["kb", *map(str, words)])
    assert done.exit_code == code, done.output
    # The server in this process logs to the same output.
    told = (line for line in done.stdout.splitlines(keepends=True) if not LOGGED.match(line))
    return Done("".join(told), done.stderr)


async def kept(house: House) -> list[str]:
    return sorted(page.path for page in house.knowledge.pages() if page.source == "upload")


async def test_a_checkout_is_uploaded_once_and_then_only_what_changed(house: House, wiki: Path) -> None:
    assert (await kb("add", wiki, "--tag", "ops")).stdout == "2 added\n"
    assert await kept(house) == ["wiki/ops/queue.md", "wiki/printer.md"]
    assert (await kb("add", wiki, "--tag", "ops")).stdout == "2 unchanged\n"
    write_page(wiki, "printer.md", PRINTER + "\nClose it.\n")
    assert (await kb("add", wiki, "--tag", "ops")).stdout == "1 changed, 1 unchanged\n"
    assert (await kb("add", wiki, "--tag", "new")).stdout == "2 changed\n"


async def test_what_the_folder_holds_no_more_is_told_and_goes_with_sync(house: House, wiki: Path) -> None:
    await kb("add", wiki)
    (wiki / "printer.md").unlink()
    told = await kb("add", wiki)
    assert "1 no longer in the folder (remove them with --sync): printer.md" in told.stderr
    assert len(await kept(house)) == 2
    assert (await kb("add", wiki, "--sync")).stdout == "1 unchanged, 1 removed\n"
    assert await kept(house) == ["wiki/ops/queue.md"]


async def test_a_folder_that_is_empty_by_now_empties_its_collection(house: House, wiki: Path) -> None:
    await kb("add", wiki)
    for name in ("printer.md", "ops/queue.md"):
        (wiki / name).unlink()
    assert (await kb("add", wiki, "--sync")).stdout == "2 removed\n"
    assert await kept(house) == []


async def test_many_files_go_in_several_uploads(house: House, wiki: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kb_work, "FILES_AT_ONCE", 3)
    for number in range(7):
        write_page(wiki, f"page{number}.md", f"# Page {number}\n\nText {number}.\n")
    assert (await kb("add", wiki)).stdout == "9 added\n"
    assert len(await kept(house)) == 9


async def test_a_file_that_is_not_taken_is_named_and_the_command_ends_with_1(house: House, wiki: Path) -> None:
    write_page(wiki, "broken.md", "---\nid: [\n---\ntext\n")
    done = await kb("add", wiki, code=1)
    assert done.stdout == "2 added, 1 refused\n"
    assert "broken.md: The front matter" in done.stderr
    only = await kb("add", wiki / "broken.md", code=1)
    assert "broken.md: The front matter" in only.stderr
    assert "is of no kind that is read" in (await kb("add", wiki / ".gitignore", code=1)).stderr
    assert "No such file" in (await kb("add", wiki / "nowhere.md", code=1)).stderr
    assert len(await kept(house)) == 2


async def test_a_single_file_is_added_under_its_own_name(house: House, wiki: Path) -> None:
    assert (await kb("add", wiki / "printer.md", "--language", "en")).stdout == "1 added\n"
    assert await kept(house) == ["printer.md"]


async def test_a_page_that_may_not_be_fetched_is_said_so() -> None:
    assert "private address" in (await kb("add", "http://127.0.0.1:9/", code=1)).stderr


async def test_pages_are_listed_shown_found_and_removed(wiki: Path) -> None:
    await kb("add", wiki, "--tag", "office")
    listed = await kb("list", "printer")
    assert "wiki/printer.md" in listed.stdout
    assert "1 of 1" in listed.stderr
    assert (await kb("list", "--tag", "nothing")).stdout.split() == [
        "id",
        "language",
        "title",
        "source",
        "tags",
        "path",
    ]
    assert (await kb("show", "printer")).stdout == PRINTER + "\n"
    found = await kb("search", "grey wheel of the label printer", "--tag", "office")
    assert "[1] Label printer jams > Label printer jams" in found.stdout
    assert (await kb("remove", "printer")).stdout == "removed wiki/printer.md\n"
    assert "There is no page printer" in (await kb("show", "printer", code=1)).stderr
    assert "comes from a folder" in (await kb("remove", "oom-killed", code=1)).stderr


async def test_the_state_of_things_is_told_and_a_refresh_says_what_it_did(house: House) -> None:
    broken = Path(str(house.knowledge._folders[0])) / "broken.md"
    await asyncio.to_thread(broken.write_bytes, b"\xff\xfe\x00")
    refreshed = await kb("refresh")
    assert refreshed.stdout.startswith("0 added, 0 changed, 0 removed, 1 unchanged: 1 pages")
    assert "shipped/broken.md" in refreshed.stderr
    status = await kb("status")
    assert "documents: 1 folder, 0 upload, 0 url" in status.stdout
    assert "shipped/broken.md" in status.stderr
    await asyncio.to_thread(broken.unlink)


async def test_json_is_printed_for_programs(wiki: Path) -> None:
    assert orjson.loads((await kb("add", wiki, "--json")).stdout)["added"] == 2
    for words in (
        ("list",),
        ("show", "printer"),
        ("search", "printer"),
        ("status",),
        ("refresh",),
        ("remove", "printer"),
    ):
        assert isinstance(orjson.loads((await kb(*words, "--json")).stdout), dict)
