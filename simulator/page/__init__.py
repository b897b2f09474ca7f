"""The page for people at ``/-/``: the shop's state, faults to inject, and a clock to wind.

A handful of static files and no framework. The page asks this server only, runs no script but its own files, and writes every name that
comes from the cluster as text; the headers say so, that a browser may hold it to it. The page speaks the browser's first language of the
two it has until somebody chooses.
"""

from __future__ import annotations

from importlib.resources import files

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

LANGUAGES = ("en", "zh")
TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
FILES = (
    "page.css",
    "page.js",
    "dom.js",
    "door.js",
    "faults.js",
    "graph.js",
    "inject.js",
    "scenarios.js",
    "words.js",
    "icon.svg",
)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def routes() -> list[Route]:
    return [
        Route("/-", _to_page, methods=["GET"]),
        Route("/-/", _page, methods=["GET"]),
        *(Route(f"/-/page/{name}", _file, methods=["GET"]) for name in FILES),
    ]


async def _to_page(_request: Request) -> Response:
    return RedirectResponse("/-/", 308)


async def _page(request: Request) -> Response:
    language = preferred(request.headers.get("accept-language", ""))
    html = _read("index.html").replace(b'<html lang="en">', f'<html lang="{language}">'.encode(), 1)
    return Response(html, media_type="text/html", headers={**HEADERS, "Vary": "Accept-Language"})


async def _file(request: Request) -> Response:
    name = request.url.path.rpartition("/")[2]
    return Response(_read(name), media_type=TYPES[name.rpartition(".")[2]], headers=HEADERS)


def _read(name: str) -> bytes:
    return files(__name__).joinpath(name).read_bytes()


def preferred(accepted: str) -> str:
    """The language of ours that an Accept-Language header likes best; the first where it likes none."""
    liked: dict[str, float] = {}
    for part in accepted.split(","):
        tag, _, quality = part.partition(";")
        language = tag.strip().lower().split("-")[0]
        liked[language] = max(liked.get(language, 0.0), _quality(quality))
    best = max(LANGUAGES, key=lambda each: liked.get(each, 0.0))
    return best if liked.get(best, 0.0) > 0 else LANGUAGES[0]


def _quality(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0
