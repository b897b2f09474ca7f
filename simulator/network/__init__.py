"""Who reaches whom, and why not: a call of a program is followed step by step as a real client makes it.

`topology` reads the present world into groups of pods that behave alike, `roads` walks a call through the steps (address, name, kube-proxy,
port, endpoints, policies, listener, protocol, login), each in a file by what it is about; `reasons` lists why a call can fail, `words` and
`dialects` have the sentence for each in every client's language.
"""

from simulator.network.groups import Group, Member, ServiceKey, app_label
from simulator.network.reasons import Facts, Outcome, Why
from simulator.network.target import Backend, Obstacle, Target
from simulator.network.topology import Nowhere, Topology, survey
from simulator.network.words import say

__all__ = [
    "Backend",
    "Facts",
    "Group",
    "Member",
    "Nowhere",
    "Obstacle",
    "Outcome",
    "ServiceKey",
    "Target",
    "Topology",
    "Why",
    "app_label",
    "say",
    "survey",
]
