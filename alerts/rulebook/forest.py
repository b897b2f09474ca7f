"""An isolation forest: how soon chance cuts a point off from the others, which is soon for a point that is unlike them. Pure.

Each tree takes a sample of the points and cuts it again and again: one series is chosen by chance, one place between its smallest and its
largest value by chance, until a point stands alone or the depth is reached at which a usual point would. The score is 2 to the power of
minus the mean depth over the expected one: near 1 for what is cut off at once, below 0.5 for what lies among its like.

A point beyond all that was learnt would by that lie where the outermost of those lies, however far off it is. So at each node the chance is
counted that a cut would have parted it from all points there, had it been among them, and its depth is the mean over both.

All trees grow together, level by level: the points of all of them lie in one array that is sorted by tree and node, so a level costs a few
passes over it whatever the number of trees. The same points and the same seed give the same forest. Cuts lie between values, so the scale
of a series does not matter to them.
"""

from dataclasses import dataclass
from math import ceil, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

TREES = 100
SAMPLE = 256

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.signedinteger[Any]]
Bools = NDArray[np.bool_]
_EULER = 0.5772156649015329
_LEAF = -1


@dataclass(frozen=True)
class Forest:
    """Complete binary trees in arrays: node `i` has its children at `2i + 1` and `2i + 2`; a leaf is cut by no feature."""

    feature: NDArray[np.int16]
    cut: Floats
    low: Floats
    high: Floats
    """Where the points of a node began and ended in the series that it is cut by."""
    length: NDArray[np.float32]
    depth: int
    usual: float
    """The mean depth that a usual point is found at."""

    def scores(self, points: Floats, *, beyond: bool = True) -> Floats:
        """One for each row, in (0, 1); not `beyond`, it is the score of the forest as it was first described."""
        scores: Floats = np.exp2(-self._reached(np.asarray(points, dtype=np.float64), beyond).mean(axis=1) / self.usual)
        return scores

    def blamed(self, point: Floats) -> Floats:
        """The share of each feature in cutting this one point off: a cut counts the more, the fewer points it leaves beside it."""
        row = np.asarray(point, dtype=np.float64)[None, :]
        trees = np.arange(len(self.feature))
        node = np.zeros(len(trees), dtype=np.int64)
        shares = np.zeros(row.shape[1])
        for _ in range(self.depth):
            feature = self.feature[trees, node]
            inner = feature != _LEAF
            after = self._children(row, node[None, :])[0]
            gain = self.length[trees, node] - self.length[trees, after]
            np.add.at(shares, feature[inner], np.maximum(gain[inner], 0))
            node = np.where(inner, after, node)
        total = float(shares.sum())
        return shares / total if total > 0 else shares

    def _reached(self, rows: Floats, beyond: bool) -> Floats:
        """How deep each row lies in each tree."""
        trees = np.arange(len(self.feature))[None, :]
        node = np.zeros((len(rows), len(self.feature)), dtype=np.int64)
        reached, left = np.zeros(node.shape), np.ones(node.shape)
        for level in range(self.depth):
            inner = self._inner(node)
            if beyond:
                cut_off = np.where(inner, self._cut_off(rows, node), 0.0)
                reached += left * cut_off * (level + 1)
                left *= 1 - cut_off
            node = np.where(inner, self._children(rows, node), node)
        return reached + left * self.length[trees, node]

    def _cut_off(self, rows: Floats, node: Ints) -> Floats:
        """How likely the cut would have fallen between the row and all points of the node, had the row been there."""
        trees = np.arange(len(self.feature))[None, :]
        value = self._values(rows, node)
        low, high = self.low[trees, node], self.high[trees, node]
        outside = np.maximum(np.maximum(low - value, value - high), 0.0)
        share: Floats = outside / np.maximum(high - low + outside, np.finfo(np.float32).tiny)
        return share

    def _values(self, rows: Floats, node: Ints) -> Floats:
        chosen = np.maximum(self.feature[np.arange(len(self.feature))[None, :], node], 0)
        values: Floats = rows[np.arange(len(rows))[:, None], chosen]
        return values

    def _inner(self, node: Ints) -> Bools:
        inner: Bools = self.feature[np.arange(len(self.feature))[None, :], node] != _LEAF
        return inner

    def _children(self, rows: Floats, node: Ints) -> Ints:
        trees = np.arange(len(self.feature))[None, :]
        right = self._values(rows, node) >= self.cut[trees, node]
        children: Ints = np.minimum(2 * node + 1 + right, self.feature.shape[1] - 1)
        return children


def grow(points: Floats, seed: int, trees: int = TREES, sample: int = SAMPLE) -> Forest:
    """A forest over these rows, which have no gap."""
    chance = np.random.default_rng(seed)
    rows = np.asarray(points, dtype=np.float64)
    size = min(sample, len(rows))
    depth = max(1, ceil(log2(size)))
    planting = _Planting(chance, trees, depth, rows, size)
    for level in range(depth):
        planting.grow(level)
    planting.end()
    p = planting
    return Forest(p.feature, p.cut, p.low, p.high, p.length, depth, float(expected_depth(np.array([size]))[0]))


def expected_depth(size: NDArray[Any]) -> Floats:
    """Of a point in a random tree over so many: what a node that was cut no further still owes."""
    many = np.maximum(size, 3).astype(np.float64) - 1
    depth = 2 * (np.log(many) + _EULER) - 2 * many / (many + 1)
    return np.where(size > 2, depth, np.where(size == 2, 1.0, 0.0))


class _Planting:
    """The trees while they grow: the sampled points, sorted by tree and node."""

    def __init__(self, chance: np.random.Generator, trees: int, depth: int, rows: Floats, size: int) -> None:
        self._chance = chance
        nodes = 2 ** (depth + 1) - 1
        self.feature = np.full((trees, nodes), _LEAF, dtype=np.int16)
        self.cut, self.low, self.high = (np.zeros((trees, nodes), dtype=np.float32) for _ in range(3))
        self.length = np.zeros((trees, nodes), dtype=np.float32)
        self._points = rows[chance.random((trees, len(rows))).argpartition(size - 1, axis=1)[:, :size].reshape(-1)]
        self._tree = np.repeat(np.arange(trees), size)
        self._node = np.zeros(trees * size, dtype=np.int64)

    def grow(self, level: int) -> None:
        """Each node of this level that can be cut is cut once; its points move on to its children."""
        begins, tree, node, size = self._nodes()
        self.length[tree, node] = level + expected_depth(size)
        low = np.minimum.reduceat(self._points, begins, axis=0)
        width = np.maximum.reduceat(self._points, begins, axis=0) - low
        chosen = self._choose(width)
        each = np.arange(len(begins))
        # A place in the gap, never the smallest value itself: both sides are left with something.
        place = low[each, chosen] + (1 - self._chance.random(len(begins))) * width[each, chosen]
        cuttable = (width[each, chosen] > 0) & (place > low[each, chosen])
        self.feature[tree[cuttable], node[cuttable]] = chosen[cuttable]
        self.cut[tree[cuttable], node[cuttable]] = place[cuttable]
        self.low[tree, node] = low[each, chosen]
        self.high[tree, node] = low[each, chosen] + width[each, chosen]
        self._move_on(np.repeat(each, size), chosen, place, cuttable)

    def end(self) -> None:
        if len(self._points):
            _, tree, node, size = self._nodes()
            depth = np.floor(np.log2(node + 1))
            self.length[tree, node] = depth + expected_depth(size)

    def _nodes(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Where each node's points begin, whose it is, which it is, and how many points it has."""
        changes = (np.diff(self._tree) != 0) | (np.diff(self._node) != 0)
        begins = np.concatenate(([0], np.flatnonzero(changes) + 1)) if len(self._points) else np.array([], dtype=int)
        size = np.diff(np.append(begins, len(self._points)))
        return begins, self._tree[begins], self._node[begins], size

    def _choose(self, width: Floats) -> Ints:
        """One feature for each node, by chance among those that vary there."""
        lot = np.where(width > 0, self._chance.random(width.shape), -1.0)
        chosen: Ints = lot.argmax(axis=1)
        return chosen

    def _move_on(self, owner: Ints, chosen: Ints, place: Floats, cuttable: Bools) -> None:
        stays = ~cuttable[owner]
        right = self._points[np.arange(len(owner)), chosen[owner]] >= place[owner]
        order = np.flatnonzero(~stays)
        # What was cut is sorted by its new node: within the order there is, left goes before right.
        order = order[np.argsort((2 * owner[order] + right[order]).astype(np.uint32), kind="stable")]
        self._points = self._points[order]
        self._tree = self._tree[order]
        self._node = 2 * self._node[order] + 1 + right[order]
