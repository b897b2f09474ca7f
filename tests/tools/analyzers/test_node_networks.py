"""The network of one machine, told from that of one program and from a program that is slow, by who waits for whom and over which link."""

from tests.tools.analyzers.measured import (
    Metrics,
    Shape,
    causes,
    first,
    flat,
    line,
    machines,
    of_call,
    of_service,
    program,
    step,
)
from tools.engines.metrics.whose import whose
from tools.engines.snapshot import Series

LATE = step(0.02, 0.4)
NODES = ("n1", "n2", "n3")
SPREAD = [
    *machines(*NODES),
    *program("gate", on=["n2"], calls=["baker", "tailor", "smith"]),
    *program("baker", on=["n3"], calls=["mill"]),
    *program("mill", on=["n1"]),
    *program("tailor", on=["n1"], calls=["loom"]),
    *program("loom", on=["n2"]),
    *program("smith", on=["n2"], calls=["mine"]),
    *program("mine", on=["n2"]),
]
QUIET = ("mill", "loom", "smith", "mine")


def answers(*late: str) -> list[Series]:
    every = ("gate", "baker", "tailor", *QUIET)
    return [one for name in every for one in of_service(name, LATE if name in late else flat(0.02))]


def between(measured: str, shapes: dict[frozenset[str], Shape], usual: Shape, **names: str) -> Metrics:
    return {
        measured: [
            line(shapes.get(frozenset((one, other)), usual), {names["near"]: one, names["far"]: other})
            for one in NODES
            for other in NODES
            if one != other
        ]
    }


def test_callers_on_other_machines_of_what_stands_on_one_wait_for_its_link() -> None:
    found = first(SPREAD, {"latency": answers("gate", "baker", "tailor")})
    assert (found.fault, found.component.name) == ("node_network_delay", "n1")


def test_of_two_machines_that_explain_alike_the_one_with_long_round_trips_is_meant() -> None:
    town = [
        *machines(*NODES),
        *program("gate", on=["n2"], calls=["baker", "tailor"]),
        *program("baker", on=["n1"], calls=["mill"]),
        *program("tailor", on=["n1"], calls=["mill"]),
        *program("mill", on=["n3"]),
    ]
    for name in ("n1", "n3"):
        trips = [line(step(0.001, 0.2) if one == name else flat(0.001), {"node": one}) for one in NODES]
        found = first(town, {"latency": answers("gate", "baker", "tailor")[:3], "node_rtt": trips})
        assert (found.fault, found.component.name) == ("node_network_delay", name)


def test_who_is_slow_for_all_its_callers_is_no_machine() -> None:
    found = causes(SPREAD, {"latency": answers("gate", "baker", "mill")})
    assert [name for _, name in found] == ["mill"]


def test_segments_sent_again_by_that_machine_make_its_delay_a_loss() -> None:
    again = [
        line(step(0.001, 0.2) if name == "n1" else flat(0.001), {"node": name}, query="retransmits") for name in NODES
    ]
    found = first(SPREAD, {"latency": answers("gate", "baker", "tailor"), "node_retransmit_share": again})
    assert (found.fault, found.component.name) == ("node_network_packet_loss", "n1")


def test_a_machine_that_always_sends_far_more_segments_again_than_the_others_loses_packets() -> None:
    again = [line(flat(0.2 if name == "n1" else 0.001), {"node": name}, query="retransmits") for name in NODES]
    assert causes(SPREAD, {"node_retransmit_share": again}) == [("node_network_packet_loss", "n1")]


def test_a_machine_that_sends_a_little_more_again_than_the_others_is_well() -> None:
    again = [line(flat(0.004 if name == "n1" else 0.001), {"node": name}, query="retransmits") for name in NODES]
    assert causes(SPREAD, {"node_retransmit_share": again}) == []


def test_round_trips_between_machines_name_the_end_that_all_long_ones_share() -> None:
    long = {frozenset(("n1", "n2")): step(0.001, 0.2), frozenset(("n1", "n3")): step(0.001, 0.2)}
    found = causes(SPREAD, between("rtt", long, flat(0.001), near="node", far="server"))
    assert found == [("node_network_delay", "n1")]


def test_answers_that_machines_wait_for_from_each_other_are_round_trips() -> None:
    long = {frozenset(("n1", "n2")): flat(0.3), frozenset(("n1", "n3")): flat(0.3)}
    found = causes(SPREAD, between("call_latency", long, flat(0.002), near="client", far="server"))
    assert found == [("node_network_delay", "n1")]


def test_a_machine_that_was_always_a_little_farther_away_is_well() -> None:
    far = {frozenset(("n1", "n2")): flat(0.012), frozenset(("n1", "n3")): flat(0.012)}
    assert causes(SPREAD, between("rtt", far, flat(0.001), near="client", far="server")) == []


def test_ways_that_were_always_long_over_one_link_are_that_machines() -> None:
    pairs = [("gate", "baker"), ("gate", "tailor"), ("gate", "smith"), ("baker", "mill"), ("tailor", "loom")]
    pairs.append(("smith", "mine"))
    over = {("gate", "tailor"), ("baker", "mill"), ("tailor", "loom")}
    metrics: Metrics = {
        "latency": [one for _, server in pairs for one in of_service(server, flat(0.01))],
        "call_latency": [one for pair in pairs for one in of_call(*pair, flat(0.25) if pair in over else flat(0.012))],
    }
    assert causes(SPREAD, metrics) == [("node_network_delay", "n1")]


def test_exporters_of_round_trips_tell_both_ends_in_their_own_words() -> None:
    assert whose({"source_node": "n1", "target": "192.168.0.2"})["client"] == "n1"
    told = whose({"goldpinger_instance": "n1", "host_ip": "192.168.0.2"})
    assert (told["client"], told["server"]) == ("n1", "192.168.0.2")
