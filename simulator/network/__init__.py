"""Who reaches whom, and why not: a call of a program is followed step by step as a real client makes it.

`topology` reads the present world into groups of pods that behave alike, `roads` walks a call through the steps (address, name, kube-proxy,
port, endpoints, policies, listener, protocol), each in a file by what it is about; `words` has the sentence of every failure in every
client's language.
"""

from simulator.network.groups import Group, Member, ServiceKey, app_label
from simulator.network.target import Backend, Obstacle, Target
from simulator.network.topology import Nowhere, Topology, survey
from simulator.network.words import Facts, Outcome, Why, say

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
