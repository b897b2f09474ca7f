"""The whole graph on one page.

    supervisor -> knowledge (answered before: told again)
               -> acknowledge (then gather, if more was asked) -------------------> report
               -> knowledge -> inform (the pages answer, or it is said that none does)
                            \\-> think (no page, but it is about the live estate)
               -> think <-> tools ------------------------------------------------> report
                              \\-> explain (a proposal was made)
               -> gather -> diagnose -> propose -> explain -> approve -> act -----> report
                                   \\-> report (no remedy, or none wanted)

Only `act` can change a system, only `approve` leads there, and only a human's recorded word gets past the tool that `act` calls.
"""

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agent.nodes.acknowledge import acknowledge, after_acknowledge
from agent.nodes.act import act
from agent.nodes.approve import approve
from agent.nodes.diagnose import diagnose
from agent.nodes.gather import gather
from agent.nodes.inform import inform
from agent.nodes.knowledge import after_knowledge, knowledge
from agent.nodes.operator import after_think, after_tools, think, tools
from agent.nodes.propose import after_diagnose, after_propose, propose
from agent.nodes.report import report
from agent.nodes.supervisor import supervisor
from agent.state import State
from agent.turn import Turn

Graph = CompiledStateGraph[State, Turn, State, State]


def build(saver: BaseCheckpointSaver[str]) -> Graph:
    graph = StateGraph(State, context_schema=Turn)
    for node in (
        supervisor,
        acknowledge,
        knowledge,
        inform,
        think,
        tools,
        gather,
        diagnose,
        propose,
        approve,
        act,
        report,
    ):
        graph.add_node(node)
    graph.add_node(
        "explain", report
    )  # the same answer, before a human decides: what is wrong and what the plan would do
    graph.add_edge(START, "supervisor")  # goes on to acknowledge, knowledge, think or gather by its own command
    graph.add_conditional_edges("acknowledge", after_acknowledge)
    graph.add_conditional_edges("knowledge", after_knowledge)
    graph.add_conditional_edges("think", after_think)
    graph.add_conditional_edges("tools", after_tools)
    graph.add_edge("gather", "diagnose")
    graph.add_conditional_edges("diagnose", after_diagnose)
    graph.add_conditional_edges("propose", after_propose)
    graph.add_edge("explain", "approve")
    graph.add_edge("approve", "act")
    graph.add_edge("act", "report")
    graph.add_edge("inform", END)
    graph.add_edge("report", END)
    return graph.compile(checkpointer=saver)
