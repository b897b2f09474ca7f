"""Whether a request that changes something comes from a page of another site.

The simulator listens on a port that any web page in the same browser can reach. A browser says with every such request where it comes
from (Origin, Sec-Fetch-Site), and sends a JSON body across sites only after asking for leave, which is never given here. A program such
as curl sends neither header and is let through.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})
REFUSED = "a page of another site may not change this world"


def is_from_elsewhere(method: str, headers: Mapping[str, str]) -> bool:
    return method not in SAFE_METHODS and not _is_own(headers)


def refusal_of(method: str, headers: Mapping[str, str]) -> tuple[int, str] | None:
    """The status and the sentence with which it is refused, or None."""
    if is_from_elsewhere(method, headers):
        return 403, f"origin: {REFUSED}"
    if method == "POST" and _media_type(headers) != "application/json":
        return 415, "content-type: must be application/json"
    return None


def _is_own(headers: Mapping[str, str]) -> bool:
    if headers.get("sec-fetch-site", "none").lower() not in OWN_SITES:
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").split(";")[0].strip().lower()
