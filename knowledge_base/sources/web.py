"""A page of the web, fetched for whoever added it and again with each refresh, without being led where nobody meant to go.

The host's name is resolved here, every address it has is checked, and the connection goes to the checked address itself, so that a name
that means something else a moment later changes nothing. Redirects are followed by hand and checked like the first address. Private
addresses are for hosts that the settings name; those that only a machine's own cloud answers at are for nobody. Body and time are bounded
while it is read; what arrives compressed is refused, for its size is not known before it is unpacked.
"""

import asyncio
import codecs
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import PurePosixPath

import httpx

from core.errors import Forbidden, Invalid, Upstream
from knowledge_base.formats.table import MAX_BYTES, SUFFIXES

PATIENCE = 20.0
"""Seconds for all of one page, redirects included."""
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FORMATS = {
    "text/markdown": ".md",
    "text/x-markdown": ".md",
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/yaml": ".yaml",
    "application/x-yaml": ".yaml",
    "text/yaml": ".yaml",
    "text/x-yaml": ".yaml",
}
_TOLD_BY_NAME = {"text/plain": ".txt", "application/octet-stream": "", "": ""}
"""Types that servers give to anything: the path's ending knows better."""
_NEVER = tuple(
    ip_network(net)
    for net in (
        "169.254.0.0/16",
        "fe80::/10",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
        "fd00:ec2::254/128",
        "fd20:ce::254/128",
        "0.0.0.0/8",
    )
)
"""Link-local addresses and those where clouds tell a machine its own secrets."""
_CHARSET = re.compile(r"(?:us-)?ascii|iso-8859|latin|windows-|cp12|gb|big5|shift|euc-|koi8|utf-16")
"""Of Python's codecs, those that are charsets of pages."""
_NAT64 = ip_network("64:ff9b::/96")
Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True)
class Fetched:
    raw: bytes
    file: str
    """A name with the ending of its format."""
    etag: str
    modified: str


@dataclass(frozen=True, slots=True)
class _Target:
    url: httpx.URL
    address: str


async def resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Web:
    def __init__(
        self,
        *,
        hosts: Sequence[str] = (),
        resolve: Resolve = resolve,
        transport: httpx.AsyncBaseTransport | None = None,
        patience: float = PATIENCE,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """`hosts` may have private addresses; a proxy of the environment is not used, for it would resolve names by itself."""
        self._hosts = frozenset(host.strip().lower() for host in hosts)
        self._resolve = resolve
        self._transport = transport
        self._patience = patience
        self._max_bytes = max_bytes

    async def fetch(self, url: str, etag: str = "", modified: str = "") -> Fetched | None:
        """None: as it was when it had these marks."""
        marks = {"If-None-Match": etag, "If-Modified-Since": modified}
        # A header has ASCII; a mark in other letters could not be sent back.
        headers = {name: value for name, value in marks.items() if value and value.isascii()}
        try:
            async with asyncio.timeout(self._patience):
                return await self._followed(plain(url), headers)
        except TimeoutError:
            raise _failed(url, f"did not give its page within {self._patience:.0f} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise _failed(url, f"could not be reached: {type(error).__name__}") from None

    async def _followed(self, url: httpx.URL, headers: dict[str, str]) -> Fetched | None:
        for _ in range(MAX_REDIRECTS + 1):
            target = await self._checked(url)
            answer = await self._ask(target, headers)
            if not isinstance(answer, httpx.URL):
                return answer
            if url.scheme == "https" and answer.scheme != "https":
                raise Invalid(f"{url.host} leads from https to {answer.scheme}, which is not followed.")
            url = answer
        raise Invalid(f"The page leads on more than {MAX_REDIRECTS} times.")

    async def _ask(self, target: _Target, headers: dict[str, str]) -> Fetched | httpx.URL | None:
        url = target.url
        # A client for each step: a connection that was made for another name must not be used for this one.
        async with httpx.AsyncClient(transport=self._transport, verify=self._tls, trust_env=False) as client:
            request = client.build_request(
                "GET",
                url.copy_with(host=target.address),
                headers={
                    "Host": url.netloc.decode(),
                    "User-Agent": "firstmate",
                    "Accept-Encoding": "identity",
                    **headers,
                },
                extensions={"sni_hostname": url.raw_host.decode()},
                timeout=self._patience,
            )
            response = await client.send(request, stream=True)
            try:
                return await self._answer(url, response)
            finally:
                await response.aclose()

    async def _answer(self, url: httpx.URL, response: httpx.Response) -> Fetched | httpx.URL | None:
        if response.status_code == 304:
            return None
        if response.status_code in _REDIRECTS:
            return _onward(url, response.headers.get("location", ""))
        if response.status_code != 200:
            raise _failed(str(url), f"answered {response.status_code}")
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise Invalid(f"{url.host} sends its page compressed though it was asked not to.")
        kind, charset = _kind(response.headers.get("content-type", ""))
        file = _file(url, kind)
        raw = _in_utf8(await self._read(response), charset if file.endswith((".md", ".txt", ".html", ".yaml")) else "")
        marks = (response.headers.get("etag", "")[:500], response.headers.get("last-modified", "")[:100])
        return Fetched(raw, file, *marks)

    async def _read(self, response: httpx.Response) -> bytes:
        read = bytearray()
        async for chunk in response.aiter_raw():
            read += chunk
            if len(read) > self._max_bytes:
                raise Invalid(f"The page is larger than {self._max_bytes // 1024} KiB.")
        return bytes(read)

    async def _checked(self, url: httpx.URL) -> _Target:
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            addresses = await self._resolve(url.host, port)
        except (OSError, UnicodeError):
            addresses = []
        if not addresses:
            raise _failed(str(url), "has a host whose name nobody knows")
        named = bool(self._hosts & {url.host.lower(), f"{url.host.lower()}:{port}"})
        for address in addresses:
            _refuse_inside(url.host, ip_address(address.partition("%")[0]), named=named)
        return _Target(url, addresses[0])

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def plain(url: str) -> httpx.URL:
    """A URL that may be fetched and shown, or a sentence about why it may not."""
    try:
        parsed = httpx.URL(url.strip())
        host = parsed.host
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Invalid(f"This is no URL: {error}.", field="url") from None
    if parsed.scheme not in {"http", "https"} or not host:
        raise Invalid("Only pages at http:// and https:// are fetched.", field="url")
    if parsed.userinfo:
        raise Invalid("The URL holds a name or a password, which would be kept and shown.", field="url")
    return parsed.copy_with(fragment=None)


def _refuse_inside(host: str, address: Address, *, named: bool) -> None:
    address = _embedded(address)
    if any(address in net for net in _NEVER) or address.is_multicast or address.is_unspecified:
        raise Forbidden(f"{host} has the address {address}, from which no page is fetched.", rule="addresses")
    if not address.is_global and not named:
        raise Forbidden(
            f"{host} has the private address {address}; FIRSTMATE_KNOWLEDGE_HOSTS names the hosts of which that is wanted.",
            rule="FIRSTMATE_KNOWLEDGE_HOSTS",
        )


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 one leads to."""
    if isinstance(address, IPv4Address):
        return address
    inside = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if inside is None and address in _NAT64:
        inside = IPv4Address(int(address) & 0xFFFFFFFF)
    return inside or address


def _onward(url: httpx.URL, location: str) -> httpx.URL:
    if not location:
        raise Invalid(f"{url.host} leads on without saying where to.")
    try:
        return plain(str(url.join(location)))
    except httpx.InvalidURL as error:
        raise Invalid(f"{url.host} leads on to what is no URL: {error}.") from None


def _kind(header: str) -> tuple[str, str]:
    kind, _, options = header.partition(";")
    charset = next((one.partition("=")[2] for one in options.split(";") if "charset" in one.lower()), "")
    return kind.strip().lower(), charset.strip(" \"'").lower()


def _file(url: httpx.URL, kind: str) -> str:
    path = PurePosixPath(f"{url.host}/{url.path.strip('/') or 'index'}")
    ending = path.suffix.lower()
    suffix = _FORMATS.get(kind) or (ending if ending in SUFFIXES else _TOLD_BY_NAME.get(kind, ""))
    if kind not in {*_FORMATS, *_TOLD_BY_NAME} or suffix not in SUFFIXES:
        raise Invalid(f"Pages of the type {kind or 'unknown'} are not read.")
    # A host's name ends like a file's; only a path has an ending to replace.
    return f"{path.with_suffix('') if ending in SUFFIXES else path}{suffix}"


def _in_utf8(raw: bytes, charset: str) -> bytes:
    """The server's word on the charset is kept as a mark at the beginning, where every reader of text looks first."""
    if charset in {"", "utf-8", "utf8"}:
        return raw
    try:
        return codecs.BOM_UTF8 + raw.decode(charset if _CHARSET.match(charset) else "no charset").encode()
    except (LookupError, UnicodeDecodeError):
        raise Invalid(f"The page is not in {charset[:40]}, as its server says.") from None


def _failed(url: str, said: str) -> Upstream:
    return Upstream(url, said, retryable=True)
