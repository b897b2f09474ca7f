"""The analyzers: each a pure function from a Snapshot to findings, one family of faults a file.

To add one: write its file, add its line below, beside its family. The order does not matter: ranking compares what they find.
"""

from collections.abc import Callable, Iterable

from tools.engines.analyzers import (
    addressed,
    admission,
    alerted,
    amplified,
    bindings,
    changed,
    claims,
    commands,
    complained,
    complaints,
    control_plane,
    crashes,
    credentials,
    databases,
    exhausted,
    experiments,
    images,
    initial,
    leaks,
    memory,
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
    routing,
    sidecars,
    slowness,
    symptoms,
)
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
    ports.ports_where_nobody_listens,
    ports.protocols_that_nobody_speaks,
    addressed.addresses_that_nobody_has,
    addressed.ports_that_a_service_does_not_serve,
    # performance
    overload.programs_short_of_cpu,
    overload.autoscalers_at_their_end,
    complained.callees_that_calls_time_out_on,
    complained.checks_that_took_long,
    complained.stores_that_say_they_are_slow,
    complained.clients_that_say_they_retry,
    experiments.experiments_that_run,
    experiments.networks_and_processors_that_a_command_spoils,
    network.networks_that_delay_or_lose,
    alerted.faults_that_alerts_name,
    slowness.programs_that_others_wait_for,
    slowness.disks_without_time,
    amplified.clients_that_repeat_themselves,
    amplified.programs_that_are_asked_more,
    amplified.caches_that_are_passed_by,
    amplified.neighbours_that_take_a_node,
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
    changed.settings_that_broke_their_users,
    changed.settings_read_at_a_restart,
    changed.certificates_that_nobody_trusts,
    changed.quotas_that_were_lowered,
    # what hurts
    slowness.programs_that_became_slow,
    alerted.alerts_as_symptoms,
    symptoms.workloads_without_enough_pods,
    symptoms.services_without_addresses,
    symptoms.services_that_answer_with_errors,
    symptoms.calls_that_fail,
    probed.checks_that_failed,
    complaints.calls_that_a_log_says_fail,
)


def examine(snapshot: Snapshot, graph: Graph) -> list[Finding]:
    return [finding for analyzer in ANALYZERS for finding in analyzer(snapshot, graph)]
