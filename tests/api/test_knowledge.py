"""Knowledge over HTTP: pages are brought, listed, shown, found, synchronised and taken away, by whoever may."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api import keeping, middleware, wiring
from api.wiring import House
from core.clock import ManualClock
from tests.acceptance.stage import START, product, settings_for
from tests.knowledge_base.fakes import write_page

pytestmark = pytest.mark.asyncio(loop_scope="module")
V1 = "/api/v1"
UPLOAD = f"{V1}/assistant/upload-knowledge-file"
PAGES = f"{V1}/knowledge/pages"
PRINTER = "# Label printer jams\n\n## Repair\n\nOpen the tray of the label printer and turn the grey wheel.\n"
OOM = "# Out of memory\n\nRaise the limit of a container that was OOMKilled.\n"
OOM_ZH = "# 内存溢出\n\n容器被 OOMKilled 之后，提高它的内存上限。\n"
DISK = "# Disk full\n\nRemove old images from the node.\n"
Files = list[tuple[str, tuple[str, bytes]]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    folder = tmp_path_factory.mktemp("house")
    shipped = folder / "shipped"
    for name, body in (("oom-killed.md", OOM), ("zh/oom-killed.md", OOM_ZH), ("disk.md", DISK)):
        write_page(shipped, name, body, id=Path(name).stem)
    settings = settings_for(folder, "", folder / "none", {"prometheus_url": "", "k8s_config_path": ""})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wiring, "SHIPPED", shipped)
        async with product(settings, ManualClock(START)) as pair:
            yield pair


@pytest_asyncio.fixture(loop_scope="module")
async def http(opened: tuple[House, httpx.AsyncClient]) -> AsyncIterator[httpx.AsyncClient]:
    house, client = opened
    yield client
    kept = [page.document for page in house.knowledge.pages() if page.source != "folder"]
    await house.knowledge.remove(kept, "the test")


def files(**contents: str | bytes) -> Files:
    return [
        ("files", (name.replace("__", "/").replace("_md", ".md"), text if isinstance(text, bytes) else text.encode()))
        for name, text in contents.items()
    ]


async def data(answer: httpx.Response, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


async def hits(http: httpx.AsyncClient, query: str, **params: Any) -> list[str]:
    answer = await http.get(f"{V1}/knowledge/search", params={"q": query, **params})
    return [hit["page"] for hit in (await data(answer))["hits"]]


async def as_(opened: tuple[House, httpx.AsyncClient], role: str) -> dict[str, str]:
    token = await opened[0].doorkeeper.add(f"a-{role}", role, None)  # type: ignore[arg-type]
    return {"Authorization": f"Bearer {token}"}


async def test_a_document_is_added_found_shown_and_removed(http: httpx.AsyncClient) -> None:
    body = {"title": "Label printer", "content": PRINTER, "tags": ["office"], "metadata": {"owner": "the office"}}
    added = await data(await http.post(f"{V1}/assistant/add-document", json={**body, "type": "solution"}), 201)
    assert (added["outcome"], added["page"], added["language"], added["passages"]) == (
        "added",
        "label-printer",
        "en",
        1,
    )
    assert await hits(http, "grey wheel of the label printer") == ["label-printer"]
    shown = await data(await http.get(f"{PAGES}/label-printer"))
    assert shown["text"] == PRINTER
    assert (shown["source"], shown["added_by"], shown["tags"]) == ("upload", "admin", ["office"])
    assert (shown["notes"], shown["added_at"][:10]) == ({"owner": "the office", "type": "solution"}, "2026-03-02")
    assert (await data(await http.get(f"{PAGES}/{added['document']}")))["id"] == "label-printer"
    await data(await http.delete(f"{PAGES}/label-printer"))
    assert (await http.get(f"{PAGES}/label-printer")).status_code == 404
    assert "label-printer" not in await hits(http, "grey wheel of the label printer")


async def test_the_same_document_again_is_unchanged_and_another_text_replaces_it(http: httpx.AsyncClient) -> None:
    async def add(text: str) -> str:
        body = {"id": "printer", "text": text, "language": "en"}
        return str((await data(await http.post(f"{V1}/assistant/add-document", json=body), 201))["outcome"])

    assert [await add(PRINTER), await add(PRINTER), await add(PRINTER + "\nThen close it.\n")] == [
        "added",
        "unchanged",
        "changed",
    ]
    listed = await data(await http.get(PAGES, params={"source": "upload"}))
    assert [page["id"] for page in listed["pages"]] == ["printer"]


async def test_what_is_wrong_with_a_document_is_named(http: httpx.AsyncClient) -> None:
    for body, named in (
        ({"content": PRINTER, "colour": "red"}, "colour"),
        ({"title": "Nothing"}, "content"),
        ({"content": PRINTER, "url": "https://example.com"}, "one of them"),
        ({"url": "file:///etc/passwd"}, "http://"),
        ({"content": PRINTER, "id": "../etc"}, "id"),
        ({"content": "---\nid: [\n---\n# Broken\n"}, "front matter"),
        ({"content": "# Only\n\n## Headings\n"}, "no text"),
    ):
        answer = await http.post(f"{V1}/assistant/add-document", json=body)
        assert (answer.status_code, named in answer.json()["message"]) == (422, True), answer.text


async def test_of_several_files_each_is_told_its_fate_and_the_good_ones_go_in(http: httpx.AsyncClient) -> None:
    sent = files(guides__printer_md=PRINTER, broken_md="---\nid: [\n---\ntext\n", binary_md=b"\xff\xfe\x00")
    sent += [("files", ("../../etc/passwd.md", PRINTER.encode())), ("files", ("tool.exe", b"MZ"))]
    taken = await data(await http.post(UPLOAD, files=sent, params={"collection": "office", "tag": "devices"}), 201)
    fates = {fate["name"]: (fate["outcome"], fate["why"]) for fate in taken["files"]}
    assert fates["guides/printer.md"] == ("added", "")
    assert (taken["added"], taken["refused"]) == (1, 4)
    assert "front matter" in fates["broken.md"][1]
    assert "leads out" in fates["../../etc/passwd.md"][1]
    page = (await data(await http.get(PAGES, params={"collection": "office"})))["pages"][0]
    assert (page["path"], page["tags"]) == ("office/guides/printer.md", ["devices"])


async def test_an_upload_of_which_nothing_can_be_taken_is_an_error_that_names_each_file(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.post(UPLOAD, files=files(one_md=b"\xff\xfe\x00"))
    assert (answer.status_code, "one.md" in answer.json()["message"]) == (422, True)
    assert answer.json()["details"]["files"][0]["outcome"] == "refused"
    assert (await http.post(UPLOAD, files=[], data={"language": "en"})).status_code == 422


async def test_a_file_past_the_limit_is_refused_by_name_and_the_one_beside_it_goes_in(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MAX_BYTES", 4_096)
    taken = await data(await http.post(UPLOAD, files=files(large_md=b"x" * 5_000, small_md=PRINTER)), 201)
    assert [fate["outcome"] for fate in taken["files"]] == ["refused", "added"]


async def test_fields_of_the_form_speak_for_the_files_behind_them(http: httpx.AsyncClient) -> None:
    fields = {"tags": "a, b", "language": "en", "collection": "forms"}
    await data(await http.post(UPLOAD, data=fields, files=files(one_md=PRINTER)), 201)
    page = (await data(await http.get(PAGES, params={"tag": ["a", "b"]})))["pages"][0]
    assert page["collection"] == "forms"
    answer = await http.post(UPLOAD, data={"collection": "a\0b"}, files=files(one_md=PRINTER))
    assert answer.status_code == 422
    answer = await http.post(UPLOAD, data={"colour": "red"}, files=files(one_md=PRINTER))
    assert (answer.status_code, "colour" in answer.json()["message"]) == (422, True)


async def test_an_upload_that_breaks_off_takes_nothing(http: httpx.AsyncClient) -> None:
    whole = httpx.Request("POST", "http://x", files=files(one_md=PRINTER, two_md=PRINTER)).read()
    boundary = whole.split(b"\r\n")[0][2:].decode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    for body in (whole[:-20], whole[: whole.index(b"two.md")], b"no multipart at all"):
        answer = await http.post(UPLOAD, content=body, headers=headers)
        assert (answer.status_code, "othing was taken" in answer.json()["message"]) == (422, True), answer.text
    assert (await http.post(UPLOAD, content=whole)).status_code == 422
    assert (await data(await http.get(PAGES, params={"source": "upload"})))["total"] == 0


async def test_a_body_past_the_bound_of_uploads_is_refused_before_it_is_read(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(middleware, "MAX_UPLOAD", 3 * 1024 * 1024)
    answer = await http.post(UPLOAD, files=files(large_md=b"x" * 4_000_000))
    assert answer.status_code == 413


async def test_more_files_than_one_upload_may_hold_are_refused_whole(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MAX_FILES_AT_ONCE", 2)
    many = [("files", (f"{number}.md", PRINTER.encode())) for number in range(6)]
    answer = await http.post(UPLOAD, files=many)
    assert (answer.status_code, "no more than 5 parts" in answer.json()["message"]) == (422, True)


async def test_pages_are_listed_a_part_at_a_time_and_filtered(http: httpx.AsyncClient) -> None:
    whole = await data(await http.get(PAGES, params={"limit": 500}))
    first = await data(await http.get(PAGES, params={"limit": 2}))
    second = await data(await http.get(PAGES, params={"limit": 2, "offset": 2}))
    assert first["total"] == whole["total"] == len(whole["pages"])
    assert whole["pages"][:4] == first["pages"] + second["pages"]
    chinese = await data(await http.get(PAGES, params={"language": "zh", "limit": 500}))
    assert {page["language"] for page in chinese["pages"]} == {"zh"}
    named = await data(await http.get(PAGES, params={"text": "OOM", "source": "folder"}))
    assert 0 < named["total"] < whole["total"]
    assert (await http.get(PAGES, params={"source": "moon"})).status_code == 422


async def test_a_search_is_bounded_by_tag_and_language(http: httpx.AsyncClient) -> None:
    await data(await http.post(UPLOAD, files=files(one_md=PRINTER), params={"tag": "office"}), 201)
    question = "grey wheel of the label printer"
    assert await hits(http, question, tag="office", language="en") == ["one"]
    assert await hits(http, question, tag="office", language="zh") == []
    assert (await http.get(f"{V1}/knowledge/search", params={"q": ""})).status_code == 422


async def test_what_a_folder_holds_no_more_is_told_and_removed_when_asked(http: httpx.AsyncClient) -> None:
    await data(await http.post(UPLOAD, files=files(a_md=PRINTER, b_md=PRINTER), params={"collection": "team"}), 201)
    digest = sha256(PRINTER.encode()).hexdigest()
    body: dict[str, Any] = {"collection": "team", "files": {"a.md": digest, "c.md": digest}}
    told = await data(await http.post(f"{V1}/knowledge/sync", json=body))
    assert told == {"wanted": ["c.md"], "unchanged": 1, "gone": ["b.md"], "removed": 0}
    changed = await data(await http.post(f"{V1}/knowledge/sync", json={**body, "tags": ["new"]}))
    assert changed["wanted"] == ["a.md", "c.md"]
    assert (await data(await http.post(f"{V1}/knowledge/sync", json={**body, "remove": True})))["removed"] == 1
    left = await data(await http.get(PAGES, params={"collection": "team"}))
    assert [page["path"] for page in left["pages"]] == ["team/a.md"]


async def test_without_waiting_a_document_is_found_when_the_index_has_followed(
    opened: tuple[House, httpx.AsyncClient], http: httpx.AsyncClient
) -> None:
    body = {"id": "later", "content": PRINTER}
    await data(await http.post(f"{V1}/assistant/add-document", json=body, params={"wait": False}), 201)
    assert (await http.get(f"{PAGES}/later")).status_code == 404
    await opened[0].knowledge._caught_up()
    assert (await http.get(f"{PAGES}/later")).status_code == 200


async def test_a_page_of_a_folder_is_not_removed_here_and_one_of_both_languages_is_asked_which(
    http: httpx.AsyncClient,
) -> None:
    shipped = (await data(await http.get(PAGES, params={"limit": 1})))["pages"][0]
    answer = await http.delete(f"{PAGES}/{shipped['document']}")
    assert (answer.status_code, "folder" in answer.json()["message"]) == (409, True)
    for language in ("en", "zh"):
        body = {"id": "both", "content": PRINTER, "language": language}
        await data(await http.post(f"{V1}/assistant/add-document", json=body), 201)
    assert (await http.delete(f"{PAGES}/both")).status_code == 422
    removed = await data(await http.delete(f"{PAGES}/both", params={"language": "zh"}))
    assert [one["path"] for one in removed["removed"]] == ["both.zh.md"]
    assert (await http.delete(f"{PAGES}/nowhere")).status_code == 404


async def test_who_only_reads_changes_nothing_and_who_is_unknown_reads_nothing(
    opened: tuple[House, httpx.AsyncClient], http: httpx.AsyncClient
) -> None:
    viewer = await as_(opened, "viewer")
    for path in ("pages", "status", "search?q=oom"):
        assert (await http.get(f"{V1}/knowledge/{path}", headers=viewer)).status_code == 200
        assert (await http.get(f"{V1}/knowledge/{path}", headers={"Authorization": ""})).status_code == 401
    refused = [
        await http.post(f"{V1}/assistant/add-document", json={"content": PRINTER}, headers=viewer),
        await http.post(UPLOAD, files=files(one_md=PRINTER), headers=viewer),
        await http.post(f"{V1}/assistant/refresh", headers=viewer),
        await http.post(f"{V1}/knowledge/sync", json={"files": {}}, headers=viewer),
        await http.delete(f"{PAGES}/oom-killed", headers=viewer),
    ]
    assert [answer.status_code for answer in refused] == [403] * 5


async def test_the_status_counts_what_is_there_and_remembers_the_last_refresh(http: httpx.AsyncClient) -> None:
    before = await data(await http.get(f"{V1}/knowledge/status"))
    await data(await http.post(UPLOAD, files=files(one_md=PRINTER)), 201)
    report = await data(await http.post(f"{V1}/assistant/refresh"))
    assert {"added", "changed", "removed", "unchanged", "problems", "pages", "passages", "took_ms"} <= set(report)
    after = await data(await http.get(f"{V1}/knowledge/status"))
    assert after["sources"] == {**before["sources"], "upload": 1}
    assert (after["pages"], after["waiting"], after["indexing"]) == (before["pages"] + 1, 0, False)
    assert after["last_refresh"] == report
    assert after["refreshed_at"].startswith("2026-03-02")
    assert after["generation"] == before["generation"] + 1
