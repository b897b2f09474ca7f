"""The examination: several hundred foreign clusters with a known answer, written as bundles and diagnosed as a customer's would be.

Nothing here knows the engine. A *scene* (scene.py) is one customer's cluster, drawn from a seed: nodes, an application of programs
that call each other, and the habits of its makers (names, labels, where addresses are kept, which telemetry there is). A *way*
(ways.py) is one way in which one fault can come about: a function that edits the scene as the real cluster would then look and says
what the answer is. Objects, their statuses, endpoints and ordinary events are worked out last (objects.py), from the state of the
pods, so that they always agree with each other. A *case* (cases.py) is a seed, one or two ways, herrings, and what was taken away.
"""
