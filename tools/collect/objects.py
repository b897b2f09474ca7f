"""Objects of a live cluster: each kind one list, all side by side, each with a bound; what is refused is a gap by its reason."""

import asyncio
from collections.abc import Sequence

from core.errors import FirstmateError, Forbidden, NotFound, Upstream
from tools.collect.gathered import HOW, Gathered, how_to_close
from tools.collect.kinds import KINDS
from tools.discreet import kept
from tools.engines.diagnosis import Gap
from tools.engines.neighbours import Directory
from tools.ports import Cluster

MAX_OBJECTS = 2000


async def check_namespace(cluster: Cluster, namespace: str) -> None:
    """A namespace that is not there lists as empty; only asking for it tells the difference."""
    try:
        await cluster.get("Namespace", namespace)
    except (Forbidden, Upstream):
        return  # who may not read namespaces may read what is in one; a server that fails is told by the lists


async def read_directory(cluster: Cluster, found: Gathered) -> None:
    """Where each Service lives. Nothing is missing without it as long as nothing that is called has to be looked up."""
    try:
        listing = await cluster.list("Service", None, limit=MAX_OBJECTS)
    except FirstmateError as error:
        found.services = Directory(unread=error.sentence)
        return
    cut = f"the cluster has more than {MAX_OBJECTS} Services; only the first were read" if listing.more else ""
    found.services = Directory.of(listing.items, cut)


async def list_all(cluster: Cluster, wanted: Sequence[tuple[str, str | None]], found: Gathered) -> None:
    outcomes = await asyncio.gather(*(_list_kind(cluster, kind, namespace, found) for kind, namespace in wanted))
    failed: dict[tuple[str, str], list[str]] = {}
    for (kind, _), error in zip(wanted, outcomes, strict=True):
        if error:
            failed.setdefault((error.sentence, how_to_close(error, "Kubernetes")), []).append(kind)
    found.gaps += [Gap(what=f"{', '.join(kinds)} objects", why=why, how=how) for (why, how), kinds in failed.items()]
    refused = {kind for kinds in failed.values() for kind in kinds}
    found.kinds |= {kind for kind, _ in wanted} - refused - found.cut


async def list_beside(
    cluster: Cluster, namespace: str, found: Gathered, kinds: Sequence[str] = KINDS, *, is_quiet: bool = False
) -> None:
    """A neighbour that cannot be read is one gap with its name, however many of its kinds are refused.

    Nobody asked for the system's own namespaces (`is_quiet`): who may not read them is not told of it each time.
    """
    reasons = await asyncio.gather(*(_list_kind(cluster, kind, namespace, found, beside=True) for kind in kinds))
    failed = {kind: error.sentence for kind, error in zip(kinds, reasons, strict=True) if error}
    if failed and not is_quiet:
        what = f"objects in {namespace} ({', '.join(failed)})"
        why = "; ".join(list(dict.fromkeys(failed.values()))[:2])
        how = f"{HOW['Kubernetes']}, and that {namespace} may be read"
        found.gaps.append(Gap(what=what, why=why, how=how, neighbour=True))


async def _list_kind(
    cluster: Cluster, kind: str, namespace: str | None, found: Gathered, *, beside: bool = False
) -> FirstmateError | None:
    """Why it could not be read, or nothing."""
    try:
        listing = await cluster.list(kind, namespace, limit=MAX_OBJECTS)
    except NotFound:
        return None  # this cluster serves no such kind: there is nothing of it to read
    except FirstmateError as error:
        return error
    found.objects.extend(kept(obj) for obj in listing.items)
    found.listener.step(f"{kind}: {len(listing.items)}")
    if listing.more:
        found.cut.add(kind)
        where = f" in {namespace}" if beside else ""
        why = f"there are more than {MAX_OBJECTS}; only the first were read"
        found.gaps.append(Gap(what=f"{kind} objects{where}", why=why, how="ask for one namespace", neighbour=beside))
    return None
