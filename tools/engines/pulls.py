"""What the answer to a pull means, and what the objects say where that answer has two meanings or is not there.

Registries that hide which repositories exist answer "denied" for a wrong name too. Then other things decide: a pull secret that is named
and does not exist, or that siblings of the same registry carry; a reference that stands one slip of a finger from another that works.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tools.engines.changes import Rollout
from tools.engines.diagnosis import Evidence
from tools.engines.finding import evidence
from tools.engines.objects import Object, dig, is_ready, rows
from tools.engines.program import Program
from tools.engines.snapshot import Snapshot

LIKE = 0.8
MAX_IMAGES = 400
# Order matters: a refused lookup also says "failed to resolve", a rate limit also says "denied", a missing platform also "not found".
_MEANINGS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (fault, re.compile(f"(?i){'|'.join(sentences)}"))
    for fault, *sentences in (
        (
            "image_pull_rate_limited",
            r"toomanyrequests",
            r"too many requests",
            r"pull rate limit",
            r"rate limit exceeded",
            r"429 too",
        ),
        (
            "image_registry_dns_failure",
            r"no such host",
            r"server misbehaving",
            r"name resolution",
            r"lookup \S+( on \S+)?: ",
            r"could not resolve",
            r"RegistryUnavailable",
        ),
        (
            "image_architecture_mismatch",
            r"no match(ing manifest)? for (platform|linux|windows)",
            r"exec format error",
            r"no image found in (manifest list|image index)",
            r"cannot be used on this platform",
            r"does not match the (specified|detected host) platform",
            r"no child with platform",
        ),
        (
            "unreachable",
            r"connection refused",
            r"i/o timeout",
            r"x509:",
            r"certificate signed by",
            r"tls handshake timeout",
            r"connection reset",
            r"no route to host",
            r"network is unreachable",
            r"gave HTTP response to HTTPS client",
            r"context deadline exceeded",
            r"request canceled while waiting",
            r"50[0234] (bad|service|gateway|internal)",
            r"unexpected EOF",
        ),
        (
            "ambiguous",
            r"does not exist or",
            r"insufficient_scope",
            r"requested access to the resource is denied",
            r"or it may not exist",
            r"access to the requested resource is not authorized",
            r"unauthorized to access repository",
            r"no permission to access",
            r"access forbidden",
        ),
        (
            "missing_image_pull_secret",
            r"unauthorized",
            r"authentication required",
            r"authorization (failed|required)",
            r"failed to (authorize|fetch (anonymous|oauth) token)",
            r"no basic auth",
            r"\b401\b",
            r"\b403\b",
            r"forbidden",
            r"denied",
            r"credentials",
            r"not authorized",
        ),
        (
            "incorrect_image_reference",
            r"not ?found",
            r"(manifest|name|repository|tag)[_ ]unknown",
            r"invalid ?(ref|image|tag)",
            r"couldn't parse",
            r"could not parse",
            r"not exist",
            r"NAME_INVALID",
            r"not present with pull policy",
            r"must be lowercase",
            r"InvalidImageName",
            r"ErrImageNeverPull",
        ),
    )
)
_SECRET_GONE = re.compile(r"(?i)unable to retrieve some image pull secrets \(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Hints:
    """What speaks for a wrong reference and what for missing credentials, beside the registry's own sentence."""

    reference: tuple[Evidence, ...]
    secret: tuple[Evidence, ...]
    nearest: str = ""
    """An image that works, or worked, and is one slip away."""

    @property
    def lean(self) -> float:
        """Positive towards a wrong reference."""
        return sum(item.weight for item in self.reference) - sum(item.weight for item in self.secret)


def meaning(text: str) -> str:
    return next((fault for fault, pattern in _MEANINGS if pattern.search(text)), "")


def hints(
    snapshot: Snapshot, program: Program, container: str, image: str, rollout: Rollout | None, texts: Iterable[str]
) -> Hints:
    before = str(rollout.previous.container(container).get("image") or "") if rollout else ""
    near = nearest_image(image, [before] if before and before != image else [], _others(snapshot, program, image))
    return Hints(
        tuple(_for_reference(program, image, before, near)),
        tuple(_for_secret(snapshot, program, image, rollout, list(texts))),
        near,
    )


def _for_reference(program: Program, image: str, before: str, near: str) -> Iterator[Evidence]:
    if before and before != image and repository(before) != repository(image):
        yield evidence("change", f"{program.ref}.containers image", f"{before} -> {image}", weight=0.6)
    elif near and repository(near) != repository(image):
        yield evidence("kubernetes", f"{program.ref}.containers image", f"{image} is nearly {near}", weight=0.5)
    if "/" not in repository(image):
        quote = f"{image} is of the public registry's own library, which needs no credentials"
        yield evidence("kubernetes", f"{program.ref}.containers image", quote, weight=0.4)


def _for_secret(
    snapshot: Snapshot, program: Program, image: str, rollout: Rollout | None, texts: list[str]
) -> Iterator[Evidence]:
    named = [str(row.get("name")) for row in rows(program.spec, "imagePullSecrets") if row.get("name")]
    known = snapshot.reads("Secret") or bool(snapshot.of("Secret", program.namespace))
    for name in named:
        if known and not snapshot.get("Secret", program.namespace, name):
            quote = f"imagePullSecrets names {name}, and there is no such Secret in {program.namespace}"
            yield evidence("kubernetes", f"{program.ref}.imagePullSecrets", quote, weight=0.8)
    if gone := next((found for text in texts if (found := _SECRET_GONE.search(text))), None):
        yield evidence("event", f"{program.component} FailedToRetrieveImagePullSecret", gone.group(0), weight=0.8)
    if named:
        return
    if rollout and rows(rollout.previous.template, "spec", "imagePullSecrets"):
        yield evidence("change", f"{program.ref}.imagePullSecrets", "the revision before had pull secrets", weight=0.7)
    for other in _siblings(snapshot, program, image):
        if theirs := [str(row.get("name")) for row in rows(other.spec, "imagePullSecrets")]:
            quote = f"{other.component} pulls from {registry(image)} with {', '.join(theirs)}, this one without any"
            yield evidence("kubernetes", f"{other.ref}.imagePullSecrets", quote, weight=0.6)
            return


def _siblings(snapshot: Snapshot, program: Program, image: str) -> Iterator[Program]:
    host = registry(image)
    for other in snapshot.programs if host else ():
        if other is not program and any(registry(str(one.get("image") or "")) == host for one in other.containers):
            yield other


def _others(snapshot: Snapshot, program: Program, image: str) -> list[str]:
    """Images elsewhere, those of pods that run first."""
    found: dict[str, None] = {}
    for other in sorted(snapshot.programs, key=lambda one: not any(map(is_ready, one.pods))):
        for row in other.all_containers:
            name = str(row.get("image") or "")
            if name and name != image:
                found[name] = None
        if len(found) >= MAX_IMAGES:
            break
    for owned in snapshot.owned_by(program.obj, "ReplicaSet") if program.obj else ():
        for row in rows(owned, "spec", "template", "spec", "containers"):
            if row.get("image") and row.get("image") != image:
                found[str(row["image"])] = None
    return list(found)


def nearest_image(image: str, before: list[str], others: list[str]) -> str:
    if before:
        return before[0]
    same = [other for other in others if repository(other) == repository(image)]
    if same:
        return same[0]
    mine = repository(image).lower()
    scored = ((difflib.SequenceMatcher(None, mine, repository(other).lower()).ratio(), other) for other in others)
    best = max(scored, default=(0.0, ""))
    return best[1] if best[0] >= LIKE else ""


def repository(image: str) -> str:
    name = image.split("@", maxsplit=1)[0]
    head, slash, tail = name.rpartition("/")
    return head + slash + tail.split(":", maxsplit=1)[0]


def registry(image: str) -> str:
    """The host of a reference, empty for the public default."""
    head = image.split("/", maxsplit=1)[0] if "/" in image else ""
    return head if "." in head or ":" in head or head == "localhost" else ""


def image_of(program: Program, container: str, pod: Object | None = None) -> str:
    found = [*rows(pod, "spec", "containers"), *rows(pod, "spec", "initContainers"), *program.all_containers]
    return next((str(row["image"]) for row in found if row.get("name") == container and dig(row, "image")), "")
