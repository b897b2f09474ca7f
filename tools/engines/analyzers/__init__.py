"""The analyzers: each a pure function from a Snapshot to findings, one family of faults a file.

To add one: write its file, add its line below, beside its family. The order does not matter: ranking compares what they find.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from traceback import extract_tb

from tools.engines.analyzers import (
    addressed,
    admission,
    alerted,
    amplified,
    bindings,
    blocked,
    certificates,
    changed,
    claims,
    commands,
    complained,
    complaints,
    control_plane,
    crashes,
    credentials,
    crowded,
    databases,
    disks,
    distance,
    edges,
    exhausted,
    experiments,
    images,
    initial,
    leaks,
    memory,
    meshes,
    mounts,
    network,
    nodes,
    overload,
    placement,
    ports,
    preemption,
    probed,
    probes,
    quotas,
    releases,
    replicas,
    resolving,
    retries,
    routing,
    settings,
    sidecars,
    slowness,
    surges,
    symptoms,
)
from tools.engines.diagnosis import Gap
from tools.engines.finding import Finding
from tools.engines.graph import Graph
from tools.engines.snapshot import Snapshot

Analyzer = Callable[[Snapshot, Graph], Iterable[Finding]]

ANALYZERS: tuple[Analyzer, ...] = (
    # admission
    quotas.quotas_that_are_used_up,
    admission.pods_that_are_refused,
    admission.accounts_that_do_not_exist,
    admission.pods_below_the_security_level,
    admission.containers_outside_the_limit_range,
    admission.webhooks_with_nobody_behind,
    # scheduling
    placement.pods_that_no_node_takes,
    claims.claims_that_no_volume_fits,
    claims.claims_that_do_not_exist,
    claims.unbound_claims_without_objects,
    preemption.workloads_that_were_preempted,
    # startup
    images.images_that_cannot_be_pulled,
    images.images_for_other_processors,
    bindings.references_that_name_nothing,
    mounts.volumes_attached_elsewhere,
    mounts.volumes_that_may_not_be_used,
    mounts.sandboxes_that_cannot_be_made,
    initial.init_containers_that_fail,
    commands.commands_that_cannot_run,
    # runtime
    memory.containers_killed_for_memory,
    probes.probes_that_ask_wrongly,
    replicas.workloads_scaled_to_nothing,
    crashes.programs_that_exit,
    crashes.programs_without_a_variable,
    crashes.programs_that_cannot_read_their_configuration,
    sidecars.containers_that_want_one_port,
    credentials.clients_that_a_database_refuses,
    credentials.clients_that_a_cache_refuses,
    credentials.databases_that_withdrew_rights,
    databases.databases_asked_at_a_wrong_port,
    databases.databases_that_only_read,
    databases.databases_without_free_connections,
    exhausted.programs_that_say_they_ran_out,
    leaks.resources_that_only_grow,
    leaks.programs_that_stand_still,
    # service routing
    routing.selectors_that_match_nothing,
    routing.selectors_that_match_another,
    ports.ports_where_nobody_listens,
    ports.protocols_that_nobody_speaks,
    addressed.addresses_that_nobody_has,
    addressed.ports_that_a_service_does_not_serve,
    edges.backends_that_do_not_exist,
    edges.routes_that_lead_astray,
    certificates.certificates_that_ran_out,
    blocked.calls_that_a_policy_blocks,
    meshes.callers_that_do_not_speak_the_meshes_tls,
    resolving.names_that_one_program_does_not_find,
    resolving.resolvers_that_do_not_know_the_cluster,
    # performance
    overload.programs_short_of_cpu,
    overload.autoscalers_at_their_end,
    complained.callees_that_calls_time_out_on,
    complained.checks_that_took_long,
    complained.stores_that_say_they_are_slow,
    retries.clients_that_say_they_retry,
    experiments.experiments_that_run,
    experiments.networks_and_processors_that_a_command_spoils,
    network.networks_that_delay_or_lose,
    distance.programs_whose_checks_find_no_answer,
    alerted.faults_that_alerts_name,
    slowness.programs_that_others_wait_for,
    disks.disks_without_time,
    retries.clients_that_repeat_themselves,
    surges.surges_that_come_in,
    amplified.caches_that_are_passed_by,
    crowded.neighbours_that_take_a_node,
    # infrastructure
    nodes.nodes_that_are_lost,
    nodes.nodes_under_pressure,
    control_plane.schedulers_that_are_silent,
    control_plane.managers_that_are_silent,
    control_plane.dns_that_does_not_answer,
    control_plane.proxies_that_do_not_work,
    network.clocks_that_are_wrong,
    complained.clocks_that_others_doubt,
    # change
    releases.releases_that_do_worse,
    releases.programs_scaled_below_need,
    settings.settings_that_broke_their_users,
    settings.settings_read_at_a_restart,
    changed.certificates_that_nobody_trusts,
    changed.quotas_that_were_lowered,
    # what hurts
    slowness.programs_that_became_slow,
    alerted.alerts_as_symptoms,
    symptoms.workloads_without_enough_pods,
    symptoms.jobs_that_gave_up,
    symptoms.services_without_addresses,
    symptoms.services_that_answer_with_errors,
    symptoms.calls_that_fail,
    probed.checks_that_failed,
    complaints.calls_that_a_log_says_fail,
)


def examine(
    snapshot: Snapshot, graph: Graph, analyzers: Sequence[Analyzer] = ANALYZERS
) -> tuple[list[Finding], list[Gap]]:
    """What they find, and which of them broke off: an object that one stumbles over silences neither it nor the others."""
    findings: list[Finding] = []
    gaps: list[Gap] = list(_nameless(snapshot))
    for analyzer in analyzers:
        try:
            findings.extend(one for one in analyzer(snapshot, graph) if one.component.name)
        except Exception as error:  # noqa: BLE001 - objects come from strangers, and what broke is told with its place
            gaps.append(_broke_off(analyzer, error))
    return findings, gaps


def _nameless(snapshot: Snapshot) -> Iterator[Gap]:
    """Whoever has no name cannot be told of, and what seems missing may be among them."""
    if snapshot.nameless:
        many = ", ".join(f"{count} {kind or 'unknown'}" for kind, count in sorted(snapshot.nameless.items()))
        yield Gap(
            what=f"objects without metadata.name ({many})",
            why="nobody can tell which objects they are",
            how="collect them whole, as kubectl get -o json gives them",
        )


def _broke_off(analyzer: Analyzer, error: Exception) -> Gap:
    place = extract_tb(error.__traceback__)[-1]
    where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
    name = getattr(analyzer, "__name__", str(analyzer)).replace("_", " ")
    return Gap(
        what=f"the search for {name}", why=f"it broke off: {type(error).__name__} in {where}", how="report it to us"
    )
