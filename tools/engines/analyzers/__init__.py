"""The analyzers: each a pure function from a Snapshot to findings, one family of faults a file.

To add one: write its file, add its line below, beside its family. The order does not matter: ranking compares what they find.
"""

from collections.abc import Callable, Iterable

from tools.engines.analyzers import cpu, crashes, images, memory, replicas, routing, symptoms
from tools.engines.finding import Finding
from tools.engines.graph import Graph
from tools.engines.snapshot import Snapshot

Analyzer = Callable[[Snapshot, Graph], Iterable[Finding]]

ANALYZERS: tuple[Analyzer, ...] = (
    # admission
    # scheduling
    # startup
    images.images_that_cannot_be_pulled,
    # runtime
    memory.containers_killed_for_memory,
    replicas.workloads_scaled_to_nothing,
    crashes.programs_that_exit,
    # service routing
    routing.selectors_that_match_nothing,
    # performance
    cpu.containers_at_their_cpu_limit,
    # infrastructure
    # change
    # what hurts
    symptoms.workloads_without_enough_pods,
    symptoms.services_without_addresses,
    symptoms.services_that_answer_with_errors,
    symptoms.calls_that_fail,
)


def examine(snapshot: Snapshot, graph: Graph) -> list[Finding]:
    return [finding for analyzer in ANALYZERS for finding in analyzer(snapshot, graph)]
