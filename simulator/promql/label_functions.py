"""Functions that rewrite labels and leave the values alone."""

from collections.abc import Sequence

from simulator.promql.aggregate import LABEL_NAME
from simulator.promql.errors import ExecutionFailed, ParseFailed
from simulator.promql.golang import expand_template
from simulator.promql.matchers import compile_regex
from simulator.promql.tsdb import Labels
from simulator.promql.values import Vector, merged, set_label


def label_replace(vector: Vector, texts: Sequence[str]) -> Vector:
    target, template, source, regex = texts
    if not LABEL_NAME.fullmatch(target):
        raise ExecutionFailed(f"invalid destination label name in label_replace(): {target}")
    try:
        pattern = compile_regex(regex)
    except ParseFailed as problem:
        raise ExecutionFailed(f"invalid regular expression in label_replace(): {regex}") from problem

    def rewritten(labels: Labels) -> Labels:
        match = pattern.fullmatch(dict(labels).get(source, ""))
        return labels if match is None else set_label(labels, target, expand_template(template, match))

    return _relabelled(vector, [rewritten(labels) for labels in vector.labels])


def label_join(vector: Vector, texts: Sequence[str]) -> Vector:
    target, separator, *sources = texts
    for source in sources:
        if not LABEL_NAME.fullmatch(source):
            raise ExecutionFailed(f"invalid source label name in label_join(): {source}")
    if not LABEL_NAME.fullmatch(target):
        raise ExecutionFailed(f"invalid destination label name in label_join(): {target}")

    def rewritten(labels: Labels) -> Labels:
        given = dict(labels)
        return set_label(labels, target, separator.join(given.get(source, "") for source in sources))

    return _relabelled(vector, [rewritten(labels) for labels in vector.labels])


def _relabelled(vector: Vector, labels: list[Labels]) -> Vector:
    return merged(Vector(labels, vector.values, vector.present))
