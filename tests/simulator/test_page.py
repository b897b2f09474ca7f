"""The page's files as they are served: whole, self-contained, held to themselves by their headers, in the browser's language."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from importlib.resources import files

import httpx
import pytest
from starlette.applications import Starlette

import simulator.page
from simulator.faults import FAULTS
from simulator.page import FILES, preferred, routes

FOLDER = files(simulator.page)


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://sim") as made:
        yield made


def text(name: str) -> str:
    return FOLDER.joinpath(name).read_text()


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("de,zh;q=0.5,en;q=0.4", "zh"),
        ("fr", "en"),
        ("zh;q=0", "en"),
        ("zh;q=much", "en"),
        ("zh;q=nan,en;q=0.1", "en"),
        ("ZH-hant", "zh"),
        (",;=,", "en"),
    ],
)
def test_the_page_speaks_what_the_browser_likes_best(accepted: str, language: str) -> None:
    assert preferred(accepted) == language


async def test_the_page_is_at_its_door_in_the_browsers_language(http: httpx.AsyncClient) -> None:
    page = await http.get("/-/", headers={"Accept-Language": "zh-CN"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<html lang="zh">' in page.text
    assert page.headers["vary"] == "Accept-Language"
    moved = await http.get("/-")
    assert (moved.status_code, moved.headers["location"]) == (308, "/-/")


async def test_a_browser_is_told_to_run_and_ask_nothing_but_the_pages_own(http: httpx.AsyncClient) -> None:
    for path in ("/-/", *(f"/-/page/{name}" for name in FILES)):
        answer = await http.get(path)
        assert answer.status_code == 200, path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_no_other_file_of_the_package_is_served(http: httpx.AsyncClient) -> None:
    for name in ("__init__.py", "index.html", "..%2f__init__.py", "words"):
        assert (await http.get(f"/-/page/{name}")).status_code == 404, name


def test_every_file_in_the_folder_is_served_and_what_the_files_name_is_there() -> None:
    there = {each.name for each in FOLDER.iterdir() if each.is_file() and not each.name.endswith(".py")}
    assert there == {*FILES, "index.html"}
    for name in there:
        for imported in re.findall(r'from "\./([^"]+)"|/-/page/([a-z.]+)', text(name)):
            assert "".join(imported) in FILES, name


def test_the_files_name_no_foreign_address_and_parse_no_markup() -> None:
    namespaces = {"http://www.w3.org/2000/svg"}
    for name in (*FILES, "index.html"):
        assert set(re.findall(r"https?://[^\"'\s)$`]+", text(name))) <= namespaces, name
        for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
            assert forbidden not in text(name), name
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=|<style", text("index.html"))


def test_every_fault_has_a_chinese_name() -> None:
    named = set(re.findall(r"^  (\w+):", text("faults.js"), re.MULTILINE))
    assert sorted(FAULTS.keys() - named) == []


def test_both_languages_have_the_same_words_and_the_page_uses_only_those() -> None:
    words = text("words.js")
    english, chinese = (set(re.findall(r"^  (\w+):", part, re.MULTILINE)) for part in words.split("const ZH"))
    assert english == chinese
    used = set(re.findall(r'data-word(?:-label)?="(\w+)"', text("index.html")))
    for name in ("page.js", "graph.js", "inject.js", "scenarios.js"):
        used |= set(re.findall(r'\bsay\("(\w+)"', text(name)))
        used |= set(re.findall(r'"data-word": "(\w+)"', text(name)))
    assert used <= english
