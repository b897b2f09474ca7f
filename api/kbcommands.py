"""`firstmate kb`: its commands and their options; the work is done in `api.kb`, imported when a command runs."""

from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

import typer

from api.commands import AsJson, Server, Token, run_to_its_end

kb = typer.Typer(no_args_is_help=True, help="Pages of the knowledge base: add, list, search, remove, refresh.")
Tag = Annotated[list[str] | None, typer.Option(help="May be repeated.")]
OfLanguage = Annotated[Literal["en", "zh"] | None, typer.Option(help="Of the page.")]
PageOf = Annotated[str, typer.Argument(help="A page's id, or its document's.")]


@kb.command("add")
def kb_add(
    target: Annotated[str, typer.Argument(help="A file, a folder or git checkout, or the URL of a page.")],
    tag: Tag = None,
    language: Annotated[Literal["en", "zh"] | None, typer.Option(help="Default: what each is written in.")] = None,
    collection: Annotated[
        str | None, typer.Option(help="What these files are one set of; default: a folder's name.")
    ] = None,
    sync: Annotated[bool, typer.Option("--sync", help="Remove what the folder held before and holds no more.")] = False,
    server: Server = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Add pages of your own; only what changed is sent. Ends with 1 if a file was not taken."""
    from api import kb as work
    from api.client import connect

    wish = work.Wish(tuple(tag or ()), language, collection, sync)

    async def run() -> None:
        async with connect(server, token) as client:
            outcome = await work.add(client, target, wish)
        work.print_json(outcome.to_json()) if as_json else work.print_outcome(outcome)
        if outcome.refused:
            raise typer.Exit(1)

    run_to_its_end(run())


@kb.command("refresh")
def kb_refresh(server: Server = "", token: Token = "", as_json: AsJson = False) -> None:
    """Look through the folders and the pages of the web again."""
    from api import kb as work
    from api.client import connect

    async def run() -> None:
        async with connect(server, token) as client:
            report = await work.refresh(client)
        work.print_json(report) if as_json else work.print_report(report)

    run_to_its_end(run())


@kb.command("list")
def kb_list(
    text: Annotated[str, typer.Argument(help="A part of id, title or path; default: all.")] = "",
    tag: Tag = None,
    language: OfLanguage = None,
    source: Annotated[Literal["folder", "upload", "url"] | None, typer.Option(help="Where it comes from.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 100,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    server: Server = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """The pages that can be found."""
    from api import kb as work

    asked = {"text": text, "tag": tag, "language": language, "source": source, "limit": limit, "offset": offset}
    _kb_shown("/knowledge/pages", asked, work.print_pages, server, token, as_json=as_json)


@kb.command("show")
def kb_show(
    page: PageOf, language: OfLanguage = None, server: Server = "", token: Token = "", as_json: AsJson = False
) -> None:
    """One page, as Markdown."""
    path = f"/knowledge/pages/{quote(page, safe='')}"
    _kb_shown(path, {"language": language}, lambda found: typer.echo(found["text"]), server, token, as_json=as_json)


@kb.command("search")
def kb_search(
    text: Annotated[str, typer.Argument(help="In Chinese or English.")],
    limit: Annotated[int, typer.Option(min=1, max=20)] = 5,
    language: OfLanguage = None,
    tag: Tag = None,
    server: Server = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """What the pages say on something, best first."""
    from api import kb as work

    asked = {"q": text, "limit": limit, "language": language, "tag": tag}
    _kb_shown("/knowledge/search", asked, work.print_hits, server, token, as_json=as_json)


@kb.command("remove")
def kb_remove(
    page: PageOf, language: OfLanguage = None, server: Server = "", token: Token = "", as_json: AsJson = False
) -> None:
    """Remove a page that was added; one of a folder goes by removing its file."""
    from api import kb as work
    from api.client import connect

    async def run() -> None:
        async with connect(server, token) as client:
            found = await client.delete(_asked(f"/knowledge/pages/{quote(page, safe='')}", {"language": language}))
        if as_json:
            work.print_json(found)
            return
        for one in found["removed"]:
            typer.echo(f"removed {one['path']}")

    run_to_its_end(run())


@kb.command("status")
def kb_status(server: Server = "", token: Token = "", as_json: AsJson = False) -> None:
    """How much there is, where it comes from, what could not be taken."""
    from api import kb as work

    _kb_shown("/knowledge/status", {}, work.print_status, server, token, as_json=as_json)


def _kb_shown(path: str, asked: dict[str, Any], show: Any, server: str, token: str, *, as_json: bool) -> None:
    from api.client import connect
    from api.kb import print_json

    async def run() -> None:
        async with connect(server, token) as client:
            found = await client.get(_asked(path, asked))
        print_json(found) if as_json else show(found)

    run_to_its_end(run())


def _asked(path: str, asked: dict[str, Any]) -> str:
    query = urlencode({name: value for name, value in asked.items() if value not in (None, "")}, doseq=True)
    return f"{path}?{query}" if query else path
