"""Which images exist, which program each one is, and what a registry answers to those who want one.

A pull succeeds when the registry has the reference and lets the puller in; otherwise it fails with the runtime's own sentence. References
are compared the way a runtime resolves them: a missing registry is docker.io, a missing tag is `latest`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from simulator.apps import App, Shop, Tool
from simulator.cluster_parts import IMAGES
from simulator.objects import Object
from simulator.programs.defects import SOUND, Defect
from simulator.shop import repository

MIB = 1024 * 1024
ARCHITECTURE = "amd64"  # of every node
PUBLIC = ("docker.io", "registry.k8s.io", "quay.io", "ghcr.io", "gcr.io", "mcr.microsoft.com")
API_HOSTS = {"docker.io": "registry-1.docker.io"}
NAMESERVER = "192.168.10.1:53"
_REFERENCE = re.compile(
    r"^(?:[A-Za-z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:(?:[._-]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._-]|__|-+)[a-z0-9]+)*)*"
    r"(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$"
)


@dataclass(frozen=True)
class Image:
    reference: str
    digest: str
    size_bytes: int
    app: App | None
    version: str
    tool: Tool | None = None
    defect: Defect = SOUND
    architecture: str = ARCHITECTURE

    @property
    def image_id(self) -> str:
        return f"{self.reference.rpartition(':')[0]}@{self.digest}"


class Registry:
    def __init__(self, shop: Shop) -> None:
        self._images: dict[str, Image] = {}
        # Whoever pulls from the shop's own registry has to log in.
        self.private = frozenset(host_of(repository(app)) for app in shop.apps) - set(PUBLIC)
        for app in (*shop.apps, *shop.guests):
            for version in app.versions:
                self.publish(app, version)
        for tool in (*(Tool(reference) for reference in (*IMAGES, *shop.other_images)), *shop.tools):
            self._add(tool.image, tool.size_mb, tool=tool)

    def find(self, reference: str) -> Image | None:
        return self._images.get(normal(reference))

    def references(self) -> list[str]:
        return sorted(self._images)

    def publish(self, app: App, version: str, defect: Defect = SOUND, architecture: str = ARCHITECTURE) -> str:
        """A pipeline pushes a build; its reference."""
        reference = f"{repository(app)}:{version}"
        self._add(reference, app.image_mb, app, defect=defect, architecture=architecture)
        return reference

    def failure(self, reference: str, opened: frozenset[str], *, is_limited: bool = False) -> str | None:
        """What containerd says of a pull that fails, with the logins at hand; None when the image comes."""
        name, host = normal(reference), host_of(reference)
        unpack = f'failed to pull and unpack image "{name}": '
        resolve = f'{unpack}failed to resolve reference "{name}": '
        if host not in PUBLIC and host not in self.private:
            return resolve + _no_such_host(name)
        if host in self.private and host not in opened:
            asked = f"failed to fetch anonymous token: unexpected status from GET request to {_token(name)}"
            return f"{resolve}failed to authorize: {asked}: 401 Unauthorized"
        if is_limited and host not in opened:
            failed = f"httpReadSeeker: failed open: unexpected status code {_manifest(name)}: {TOO_MANY}"
            return f"{unpack}failed to copy: {failed}"
        if name not in self._images:
            return f"rpc error: code = NotFound desc = {resolve}{name}: not found"
        return None

    def _add(
        self,
        reference: str,
        size_mb: int,
        app: App | None = None,
        tool: Tool | None = None,
        defect: Defect = SOUND,
        architecture: str = ARCHITECTURE,
    ) -> None:
        name = normal(reference)
        digest = "sha256:" + hashlib.sha256(name.encode()).hexdigest()
        size = size_mb * MIB + int(digest[7:12], 16)
        self._images[name] = Image(name, digest, size, app, name.rpartition(":")[2], tool, defect, architecture)


def normal(reference: str) -> str:
    """`redis` -> `docker.io/library/redis:latest`."""
    head, slash, rest = reference.partition("/")
    if not slash:
        reference = f"docker.io/library/{reference}"
    elif "." not in head and ":" not in head and head != "localhost":
        reference = f"docker.io/{head}/{rest}"
    name, _, last = reference.rpartition("/")
    if ":" not in last and "@" not in last:
        last = f"{last}:latest"
    return f"{name}/{last}"


def host_of(reference: str) -> str:
    return normal(reference).partition("/")[0]


def is_valid(reference: str) -> bool:
    return bool(_REFERENCE.match(reference))


def credentials(secrets: Iterable[Object]) -> frozenset[str]:
    """The registries that pull secrets open."""
    hosts: set[str] = set()
    for secret in secrets:
        text = (secret.get("data") or {}).get(".dockerconfigjson", "")
        try:
            auths = json.loads(base64.b64decode(text) or b"{}").get("auths") or {}
        except (ValueError, AttributeError):
            continue
        hosts |= {
            host
            for host, login in auths.items()
            if isinstance(login, dict) and (login.get("auth") or login.get("password"))
        }
    return frozenset(hosts)


TOO_MANY = (
    "429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit. "
    "https://www.docker.com/increase-rate-limit"
)


def _no_such_host(name: str) -> str:
    host, _, rest = name.partition("/")
    path, _, tag = rest.rpartition(":")
    asked = f'failed to do request: Head "https://{host}/v2/{path}/manifests/{tag}"'
    return f"{asked}: dial tcp: lookup {host.partition(':')[0]} on {NAMESERVER}: no such host"


def _token(name: str) -> str:
    host, _, rest = name.partition("/")
    path = rest.rpartition(":")[0]
    return f"https://{host}/token?scope=repository%3A{path.replace('/', '%2F')}%3Apull&service={host}"


def _manifest(name: str) -> str:
    host, _, rest = name.partition("/")
    digest = hashlib.sha256(f"manifest {name}".encode()).hexdigest()
    return f"https://{API_HOSTS.get(host, host)}/v2/{rest.rpartition(':')[0]}/manifests/sha256:{digest}"
