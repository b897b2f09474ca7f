"""PromQL over samples held in memory: a small time series store and an evaluator with Prometheus's semantics.

The parser is promql-parser's; everything after the syntax tree is here. An expression is evaluated over all steps of a
range at once, as columns of numpy arrays, so that a day's graph costs one pass per node and not one pass per step.
What the evaluator does not know it refuses by name; it never answers approximately.
"""
