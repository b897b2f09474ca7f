"""Vectors from elsewhere: a model on this machine (`sentences`), an endpoint (`endpoint`), and what was computed before (`vault`).

The default, which needs neither, is in `knowledge_base.embed`, with the port that all of them fill. `choice` reads from the settings which
one is meant.
"""
