"""A foreign world that answers like a real cluster.

One process holds a small shop on three nodes: Kubernetes objects with controllers that act on them, a load curve that drives every
service along a call graph, a week of metric history, and faults that break real objects. It is spoken to only over HTTP: the
Kubernetes REST API at the root, Prometheus's HTTP API under ``/prometheus``, and control under ``/-/``. It imports nothing of the
product and nothing of the product imports it, so what is proven against it is proven through the same doors a real cluster has.
"""
