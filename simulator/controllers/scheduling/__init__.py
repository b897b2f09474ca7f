"""The scheduler's parts: a board of the nodes, the filters in their order, scores, preemption and the queue of those that wait."""
