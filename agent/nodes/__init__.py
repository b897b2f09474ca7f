"""The steps of the graph, one file a node: each takes the state and the run's Turn, and returns what it adds."""
