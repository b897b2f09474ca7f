"""Pages of the web: fetched, followed, bounded, and never from where nobody meant to go."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from core.clock import ManualClock
from core.database import Database
from core.errors import FirstmateError, Forbidden, Invalid, Upstream
from core.metrics import Metrics
from knowledge_base.embed import LexicalEmbedder
from knowledge_base.knowledge import Knowledge
from knowledge_base.segment import Segmenter
from knowledge_base.sources.kept import Said
from knowledge_base.sources.web import Fetched, Web, plain
from tests.knowledge_base.fakes import empty_database, write_page

PAGE = "# Label printer jams\n\nOpen the tray and turn the grey wheel.\n"
PUBLIC = "93.184.215.14"
URL = "https://wiki.example/printer.md"
MARKDOWN = {"content-type": "text/markdown"}
Answer = Callable[[httpx.Request], httpx.Response]


@dataclass
class Net:
    """Names and what answers behind them; remembers who was asked."""

    names: dict[str, list[str]] = field(default_factory=lambda: {"wiki.example": [PUBLIC]})
    pages: dict[str, Answer] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)

    async def resolve(self, host: str, _port: int) -> list[str]:
        return self.names.get(host, [host] if host[0].isdigit() or ":" in host else [])

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        found = self.pages.get(f"{request.url.scheme}://{request.headers['host']}{request.url.path}")
        return found(request) if found else httpx.Response(404)

    def serves(self, url: str, text: str = PAGE, status: int = 200, **headers: str) -> "Net":
        given = MARKDOWN | {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[url] = lambda _: httpx.Response(status, headers=given, stream=Chunks(text.encode()))
        return self

    def web(self, *hosts: str, max_bytes: int = 100_000, patience: float = 30.0) -> Web:
        transport = httpx.MockTransport(self.answer)
        return Web(hosts=hosts, resolve=self.resolve, transport=transport, max_bytes=max_bytes, patience=patience)


class Chunks(httpx.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), 1_000):
            yield self._body[start : start + 1_000]


async def fetched(web: Web, url: str = URL) -> Fetched:
    found = await web.fetch(url)
    assert found is not None
    return found


async def test_a_page_comes_with_its_format_and_its_marks() -> None:
    net = Net().serves(URL, etag='"one"', last_modified="Mon, 02 Mar 2026 09:00:00 GMT")
    found = await fetched(net.web())
    assert found == Fetched(PAGE.encode(), "wiki.example/printer.md", '"one"', "Mon, 02 Mar 2026 09:00:00 GMT")


async def test_the_connection_goes_to_the_address_that_was_checked_under_the_name_that_was_asked() -> None:
    net = Net().serves(URL)
    await fetched(net.web())
    assert (net.asked[0].url.host, net.asked[0].headers["host"]) == (PUBLIC, "wiki.example")
    assert net.asked[0].extensions["sni_hostname"] == "wiki.example"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",  # noqa: S104 - asked for, not bound
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "fc00::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "::",
    ],
)
async def test_an_address_inside_is_refused_whatever_it_is_called(address: str) -> None:
    net = Net(names={"wiki.example": [PUBLIC, address]}).serves(URL)
    with pytest.raises(Forbidden, match="address"):
        await net.web().fetch(URL)
    assert net.asked == []


async def test_a_private_host_that_the_settings_name_is_fetched_and_its_neighbour_is_not() -> None:
    net = Net(names={"wiki.lan": ["10.0.0.5"], "db.lan": ["10.0.0.6"]}).serves("http://wiki.lan:8080/a.md")
    assert (await fetched(net.web("wiki.lan"), "http://wiki.lan:8080/a.md")).raw == PAGE.encode()
    assert (await fetched(net.web("Wiki.lan:8080"), "http://wiki.lan:8080/a.md")).raw == PAGE.encode()
    for web, url in (
        (net.web("wiki.lan"), "http://db.lan/a.md"),
        (net.web("wiki.lan:80"), "http://wiki.lan:8080/a.md"),
    ):
        with pytest.raises(Forbidden, match="FIRSTMATE_KNOWLEDGE_HOSTS"):
            await web.fetch(url)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "::ffff:169.254.169.254", "100.100.100.200", "168.63.129.16", "fe80::1"]
)
async def test_where_clouds_tell_secrets_is_fetched_for_nobody(address: str) -> None:
    net = Net(names={"wiki.lan": [address]}).serves("http://wiki.lan/a.md")
    with pytest.raises(Forbidden):
        await net.web("wiki.lan").fetch("http://wiki.lan/a.md")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "http://"),
        ("ftp://wiki.example/a.md", "http://"),
        ("gopher://wiki.example/", "http://"),
        ("https://", "http://"),
        ("wiki.example/a.md", "http://"),
        ("https://ann:secret@wiki.example/a.md", "password"),
        ("https://wiki.example:port/", "URL"),
        ("https://wiki.example/\x00", "URL"),
        ("https://xn--a/", "URL"),
    ],
)
async def test_what_is_no_page_of_the_web_is_refused(url: str, why: str) -> None:
    with pytest.raises(Invalid, match=why) as refused:
        await Net().web().fetch(url)
    assert "secret" not in refused.value.sentence


async def test_redirects_are_followed_and_every_step_is_checked() -> None:
    net = Net(names={"wiki.example": [PUBLIC], "docs.example": [PUBLIC], "inside.example": ["127.0.0.1"]})
    net.serves("https://docs.example/b.md")
    net.serves(URL, status=301, location="https://docs.example/b.md")
    assert (await fetched(net.web())).file == "docs.example/b.md"
    net.serves("https://docs.example/b.md", status=302, location="https://inside.example/admin")
    with pytest.raises(Forbidden, match="127"):
        await net.web().fetch(URL)
    assert "inside.example" not in {request.headers["host"] for request in net.asked}


async def test_redirects_that_lead_astray_are_refused() -> None:
    for location, why in (
        ("http://wiki.example/a.md", "https to http"),
        ("file:///etc/passwd", "http://"),
        ("https://a:b@wiki.example/", "password"),
        ("", "where to"),
        (URL, "more than 5 times"),
    ):
        net = Net().serves(URL, status=302, location=location)
        with pytest.raises(Invalid, match=why):
            await net.web().fetch(URL)


async def test_a_server_that_leads_to_nonsense_is_told_as_any_that_fails() -> None:
    for location in ("javascript:1", "https://xn--a/"):
        net = Net().serves(URL, status=302, location=location)
        with pytest.raises(Upstream, match="Invalid"):
            await net.web().fetch(URL)


async def test_a_mark_in_letters_that_no_header_has_is_not_sent_back() -> None:
    found = await Net().serves(URL).web().fetch(URL, etag='"café"', modified="é")
    assert found is not None


async def test_a_page_past_the_limit_is_cut_off_while_it_is_read() -> None:
    with pytest.raises(Invalid, match="larger"):
        await Net().serves(URL, "x" * 5_001).web(max_bytes=5_000).fetch(URL)
    assert len((await fetched(Net().serves(URL, "x" * 5_000).web(max_bytes=5_000))).raw) == 5_000


async def test_what_comes_compressed_is_refused_unpacked_by_nobody() -> None:
    net = Net().serves(URL, content_encoding="gzip")
    with pytest.raises(Invalid, match="compressed"):
        await net.web().fetch(URL)
    assert net.asked[0].headers["accept-encoding"] == "identity"


async def test_a_server_that_never_ends_its_page_is_given_up() -> None:
    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"x"
            await asyncio.Event().wait()

    net = Net()
    net.pages[URL] = lambda _: httpx.Response(200, headers=MARKDOWN, stream=Endless())
    with pytest.raises(Upstream, match="did not give its page"):
        await net.web(patience=0.01).fetch(URL)


async def test_what_a_server_says_is_no_page_is_told_with_the_url() -> None:
    for net, why in (
        (Net(), "answered 404"),
        (Net().serves(URL, status=500), "answered 500"),
        (Net(names={}), "nobody knows"),
    ):
        with pytest.raises(Upstream, match=why) as failed:
            await net.web().fetch(URL)
        assert failed.value.sentence.startswith(URL)


async def test_the_type_decides_the_format_and_where_it_says_little_the_name_does() -> None:
    for path, kind, file in (
        ("/printer.md", "text/plain; charset=utf-8", "wiki.example/printer.md"),
        ("/printer", "text/markdown", "wiki.example/printer.md"),
        ("/", "text/markdown", "wiki.example/index.md"),
        ("/printer.md", "application/octet-stream", "wiki.example/printer.md"),
    ):
        net = Net().serves(f"https://wiki.example{path}", content_type=kind)
        assert (await fetched(net.web(), f"https://wiki.example{path}")).file == file
    for kind in ("image/png", "application/zip", "application/json"):
        with pytest.raises(Invalid, match="not read"):
            await Net().serves(URL, content_type=kind).web().fetch(URL)


async def test_a_page_in_another_charset_is_read_as_its_server_says() -> None:
    body = "# 打印机卡纸\n\n打开纸盒。\n"
    net = Net()
    headers = {"content-type": "text/markdown; charset=GBK"}
    net.pages[URL] = lambda _: httpx.Response(200, headers=headers, stream=Chunks(body.encode("gbk")))
    assert (await fetched(net.web())).raw.decode("utf-8-sig") == body
    for charset in ("gbk.x", "hex", "zlib_codec", "nothing"):
        headers["content-type"] = f"text/markdown; charset={charset}"
        with pytest.raises(Invalid):
            await net.web().fetch(URL)


def test_a_fragment_is_no_part_of_a_page() -> None:
    assert str(plain("https://wiki.example/a.md#repair")) == "https://wiki.example/a.md"


@pytest_asyncio.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = await empty_database(tmp_path)
    yield made
    await made.close()


def base_of(database: Database, clock: ManualClock, net: Net, dimensions: int = 512, *folders: Path) -> Knowledge:
    embedder = LexicalEmbedder(Segmenter(), dimensions=dimensions)
    return Knowledge(
        database=database, clock=clock, folders=folders, metrics=Metrics(), embedder=embedder, web=net.web()
    )


async def test_a_page_of_the_web_is_found_and_followed_with_each_refresh(
    database: Database, clock: ManualClock
) -> None:
    net = Net().serves(URL, etag='"one"')
    base = base_of(database, clock, net)
    fate = await base.add_page(URL + "#top", Said(title="Printer", tags=("office",)), "ann")
    assert (fate.outcome, fate.name, fate.title) == ("added", URL, "Printer")
    info = base.info(fate.document)
    assert (info.source, info.path, info.added_by, info.tags) == ("url", URL, "ann", ["office"])

    net.serves(URL, PAGE.replace("grey", "green"), etag='"two"')
    assert (await base.refresh()).changed == 1
    info = base.info(fate.document)
    assert (info.title, info.tags, info.added_by) == ("Printer", ["office"], "ann")
    assert "green wheel" in base.page(info.id)
    assert net.asked[-1].headers["if-none-match"] == '"one"'


async def test_a_page_that_is_as_it_was_is_not_cut_again(database: Database, clock: ManualClock) -> None:
    net = Net().serves(URL, etag='"one"')
    base = base_of(database, clock, net)
    await base.add_page(URL, Said(), "ann")
    net.pages[URL] = lambda _: httpx.Response(304)
    report = await base.refresh()
    assert (report.changed, report.unchanged, report.problems) == (0, 1, [])
    net.serves(URL, etag='"other mark, same bytes"')
    assert (await base.refresh()).changed == 0
    await base.refresh()
    assert net.asked[-1].headers["if-none-match"] == '"other mark, same bytes"'


async def test_a_page_that_fails_stays_as_it_was_and_is_named(database: Database, clock: ManualClock) -> None:
    net = Net().serves(URL)
    base = base_of(database, clock, net)
    await base.add_page(URL, Said(), "ann")
    for trouble in (
        Net(),
        Net(names={"wiki.example": ["127.0.0.1"]}),
        Net().serves(URL, "---\nid: [\n---\n# x\n\ny\n"),
    ):
        net.names, net.pages = trouble.names, trouble.pages
        report = await base.refresh()
        assert [problem.path for problem in report.problems] == [URL]
        assert "stays in use" in report.problems[0].why
        assert (await base.search("grey wheel of the printer")).hits
    assert (await base.status()).problems == report.problems


async def test_one_page_that_fails_keeps_no_other_from_being_followed(database: Database, clock: ManualClock) -> None:
    net = Net()
    urls = [f"https://wiki.example/{number}.md" for number in range(6)]
    for url in urls:
        net.serves(url)
    base = base_of(database, clock, net)
    for url in urls:
        await base.add_page(url, Said(), "ann", wait=False)
        net.serves(url, PAGE + "\nNew.\n")
    del net.pages[urls[2]]
    report = await base.refresh()
    assert (report.changed, [problem.path for problem in report.problems]) == (5, [urls[2]])


async def test_a_start_waits_for_no_page_of_the_web_and_cuts_it_anew_from_its_text(
    database: Database, clock: ManualClock
) -> None:
    net = Net().serves(URL)
    await base_of(database, clock, net).add_page(URL, Said(), "ann")
    net.asked.clear()
    again = base_of(database, clock, net, 128)
    assert (await again.load()).changed == 1
    assert net.asked == []
    assert (await again.search("grey wheel of the printer")).hits[0].path == URL


async def test_what_cannot_be_fetched_is_not_added(database: Database, clock: ManualClock, tmp_path: Path) -> None:
    write_page(tmp_path / "pages", "queue.md", "# Queue\n\nAdd sorters.\n")
    base = base_of(database, clock, Net(), 512, tmp_path / "pages")
    await base.load()
    for url in (URL, "http://127.0.0.1/", "file:///etc/passwd"):
        with pytest.raises(FirstmateError):
            await base.add_page(url, Said(), "ann")
    assert [page.id for page in base.pages()] == ["queue"]
