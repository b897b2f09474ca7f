"""The knowledge base over HTTP: pages listed, shown, searched, brought and taken away. Reading is for all, changing for operators."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from api import keeping
from api.deps import Limit, Offset, TheCaller, TheHouse, TheOperator
from api.errors import ok
from api.schemas import knowledge as schemas
from core.errors import Invalid
from core.language import Language
from knowledge_base.formats.reading import Label
from knowledge_base.index.port import Filters
from knowledge_base.knowledge import MAX_HITS, MAX_QUERY, PageInfo
from knowledge_base.sources.kept import Fate
from knowledge_base.store import Source

router = APIRouter(prefix="/knowledge", tags=["knowledge"])
assistant = APIRouter(prefix="/assistant", tags=["knowledge"])
PageRef = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$")]
Tags = Annotated[list[Label] | None, Query(max_length=16, description="All of them")]
Wait = Annotated[bool, Query(description="false: answer before it can be found, for many one after the other")]


@assistant.post("/refresh")
async def refresh(request: Request, house: TheHouse, _caller: TheOperator) -> dict[str, Any]:
    """Read the knowledge folders and the pages of the web again; only what changed is indexed anew."""
    report = await house.knowledge.refresh()
    return ok(request, report.model_dump(mode="json"))


@assistant.post("/add-document", status_code=201)
async def add_document(
    request: Request, house: TheHouse, caller: TheOperator, body: schemas.AddDocument, wait: Wait = True
) -> dict[str, Any]:
    """Keep one document; the same id (or title) and language again replace it."""
    if body.url:
        fate = await house.knowledge.add_page(body.url, body.said(), caller.name, wait=wait)
    else:
        fate = (await house.knowledge.add(_one(keeping.written(body, caller.name)), wait=wait))[0]
    return ok(request, _taken([fate])["files"][0])


@assistant.post("/upload-knowledge-file", status_code=201)
async def upload(
    request: Request,
    house: TheHouse,
    caller: TheOperator,
    collection: Annotated[schemas.Collection, Query(description="What these files are one set of")] = "",
    tag: Tags = None,
    language: Language | None = None,
    wait: Wait = True,
) -> dict[str, Any]:
    """Keep files, sent as multipart/form-data under any field; what becomes of each is told by its name.

    The fields `collection`, `tags` (comma-separated) and `language` may stand before the files instead of in the query.
    """
    given = keeping.Given(caller.name, collection, tuple(tag or ()), language)
    fates = await house.knowledge.add(keeping.uploaded(request, given), wait=wait)
    return ok(request, _taken(fates))


@router.get("/pages")
async def pages(
    request: Request,
    house: TheHouse,
    _caller: TheCaller,
    tag: Tags = None,
    language: Language | None = None,
    source: Source | None = None,
    collection: Annotated[str, Query(max_length=100)] = "",
    text: Annotated[str, Query(max_length=200, description="A part of id, title or path")] = "",
    limit: Limit = 100,
    offset: Offset = 0,
) -> dict[str, Any]:
    wanted, part = set(tag or ()), text.casefold()
    found = [
        page
        for page in house.knowledge.pages()
        if wanted <= set(page.tags)
        and language in (None, page.language)
        and source in (None, page.source)
        and collection in ("", page.collection)
        and part in f"{page.id} {page.title} {page.path}".casefold()
    ]
    shown = [page.model_dump(mode="json") for page in found[offset : offset + limit]]
    return ok(request, {"total": len(found), "pages": shown})


@router.get("/pages/{page_id}")
async def page(
    request: Request, house: TheHouse, _caller: TheCaller, page_id: PageRef, language: Language | None = None
) -> dict[str, Any]:
    """By the page's id (in the other language where it exists in no other form), or by its document's."""
    info = house.knowledge.info(page_id, language)
    text = house.redactor.text(house.knowledge.page(info.id, info.language))
    return ok(request, {**info.model_dump(mode="json"), "text": text})


@router.delete("/pages/{page_id}")
async def remove(
    request: Request,
    house: TheHouse,
    caller: TheOperator,
    page_id: PageRef,
    language: Language | None = None,
    wait: Wait = True,
) -> dict[str, Any]:
    """Remove what was added; a page of a folder goes by removing its file."""
    chosen = _meant(house.knowledge.pages(), page_id, language)
    removed = await house.knowledge.remove([chosen or page_id], caller.name, wait=wait)
    return ok(request, {"removed": [{"document": one.id, "path": one.path} for one in removed]})


@router.get("/search")
async def search(
    request: Request,
    house: TheHouse,
    _caller: TheCaller,
    q: Annotated[str, Query(min_length=1, max_length=MAX_QUERY)],
    limit: Annotated[int, Query(ge=1, le=MAX_HITS)] = 5,
    language: Annotated[Language | None, Query(description="Of the pages; without it, the question's first")] = None,
    tag: Tags = None,
) -> dict[str, Any]:
    filters = Filters(language, frozenset(tag or ()))
    answer = await house.knowledge.search(q, limit=limit, language=language, filters=filters)
    return ok(request, house.redactor.value(answer.model_dump(mode="json")))


@router.get("/status")
async def status(request: Request, house: TheHouse, _caller: TheCaller) -> dict[str, Any]:
    return ok(request, (await house.knowledge.status()).model_dump(mode="json"))


@router.post("/sync")
async def sync(request: Request, house: TheHouse, caller: TheOperator, body: schemas.Sync) -> dict[str, Any]:
    """Compare a folder elsewhere with what was added of it: which files to upload, and which are gone."""
    return ok(request, await keeping.compared(house.knowledge, body, caller.name))


async def _one(item: keeping.Brought) -> AsyncIterator[keeping.Brought]:
    yield item


def _taken(fates: list[Fate]) -> dict[str, Any]:
    counts: Counter[str] = Counter(fate.outcome for fate in fates)
    if not fates:
        raise Invalid("The upload holds no file.")
    if counts["refused"] == len(fates):
        refused = Invalid(f"Nothing was taken. {fates[0].name}: {fates[0].why}")
        refused.details["files"] = [fate.model_dump(mode="json") for fate in fates[:100]]
        raise refused
    outcomes = ("added", "changed", "unchanged", "refused")
    return {**{name: counts[name] for name in outcomes}, "files": [fate.model_dump(mode="json") for fate in fates]}


def _meant(pages: list[PageInfo], page_id: str, language: Language | None) -> str | None:
    found = [page for page in pages if page.id == page_id and language in (None, page.language)]
    if len(found) > 1:
        raise Invalid(f"{page_id} exists in both languages: say which.", field="language", allowed=["en", "zh"])
    return found[0].document if found else None
