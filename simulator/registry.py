"""Which images exist, and which program each one is.

A pull succeeds when the registry has the reference and fails with the runtime's own sentence when it has not; there is no other rule.
References are compared the way a runtime resolves them: a missing registry is docker.io, a missing tag is `latest`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from simulator.apps import App, Shop
from simulator.shop import repository

MIB = 1024 * 1024


@dataclass(frozen=True)
class Image:
    reference: str
    digest: str
    size_bytes: int
    app: App | None
    version: str

    @property
    def image_id(self) -> str:
        return f"{self.reference.rpartition(':')[0]}@{self.digest}"


class Registry:
    def __init__(self, shop: Shop) -> None:
        self._images: dict[str, Image] = {}
        for app in shop.apps:
            for version in app.versions:
                self._add(f"{repository(app)}:{version}", app.image_mb, app)
        for reference in shop.other_images:
            self._add(reference, 20, None)

    def find(self, reference: str) -> Image | None:
        return self._images.get(normal(reference))

    def references(self) -> list[str]:
        return sorted(self._images)

    def _add(self, reference: str, size_mb: int, app: App | None) -> None:
        name = normal(reference)
        digest = "sha256:" + hashlib.sha256(name.encode()).hexdigest()
        wobble = int(digest[7:12], 16)
        self._images[name] = Image(name, digest, size_mb * MIB + wobble, app, name.rpartition(":")[2])


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


def pull_failure(reference: str) -> str:
    """What containerd says about a reference that the registry does not have."""
    name = normal(reference)
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{name}": '
        f'failed to resolve reference "{name}": {name}: not found'
    )
