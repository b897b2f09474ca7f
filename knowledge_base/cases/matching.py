"""How like a past case what is asked about is, and why. Pure: traits in, likenesses out.

Five views are taken, each from 0 to 1: the alert's name, the component, lasting labels, log templates and words. In all of them what is
rare among the cases tells more than what is common. Only what was asked counts: a question of words alone is not less like anything for
naming no alert. The score is the weighted mean of the views, and what people think of a case moves it by at most a tenth either way:

    score    = (sum of weight * view over the views asked) / (sum of their weights)
    standing = (1 if confirmed else 0) / 2 + (mean stars - 3) / 2 * n / (n + 2) / 2        between -1/2 and 1
    rank by    score * (1 + standing / 10)

so that a case that is clearly nearer stays first whatever anybody thinks of it. A case without a strong view (the alert, the component,
a log template, most of the words or labels) is not called similar at all, because one shared namespace is no likeness.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

WEIGHTS = {"alert": 0.22, "component": 0.2, "labels": 0.1, "logs": 0.26, "words": 0.22}
FLOOR = 0.2
STRONG = {"alert": 0.3, "component": 0.7, "labels": 0.8, "logs": 0.3, "words": 0.3}
REACH = 0.1
SAME_NAMESPACE = 0.25
SAME_NAME = 0.7
UNKNOWN_WORD = 0.5
"""A word that no case holds, against the rarest that one does: a paraphrase as often as another subject."""
MAX_SHOWN = 4


@dataclass(frozen=True)
class Traits:
    """What of a case, or of a question, is compared."""

    alerts: frozenset[str] = frozenset()
    namespace: str = ""
    component: str = ""
    labels: frozenset[tuple[str, str]] = frozenset()
    logs: frozenset[str] = frozenset()
    words: Mapping[str, int] = field(default_factory=dict)

    def asked(self) -> frozenset[str]:
        given = {
            "alert": self.alerts,
            "component": self.component or self.namespace,
            "labels": self.labels,
            "logs": self.logs,
            "words": self.words,
        }
        return frozenset(name for name, value in given.items() if value)


@dataclass(frozen=True)
class Known:
    """A case as it is compared; `standing` is what people think of it."""

    id: str
    traits: Traits
    standing: float = 0.0


@dataclass(frozen=True, slots=True)
class View:
    name: str
    value: float
    shared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Likeness:
    id: str
    score: float
    views: tuple[View, ...]
    """Those that say something, the heaviest first."""


def standing(stars: float | None, ratings: int, *, confirmed: bool) -> float:
    liked = (stars - 3) / 2 * ratings / (ratings + 2) if stars is not None and ratings else 0.0
    return max(-1.0, min(1.0, (0.5 if confirmed else 0.0) + liked / 2))


@dataclass(frozen=True)
class Corpus:
    """All cases together: what makes a trait rare. Built once, asked many times."""

    cases: Sequence[Known]

    @cached_property
    def _counts(self) -> dict[str, Counter[object]]:
        views = ("alerts", "labels", "logs", "words")
        return {view: Counter(item for one in self.cases for item in getattr(one.traits, view)) for view in views}

    @cached_property
    def _lengths(self) -> Mapping[str, float]:
        return {one.id: _length(self._weighed(one.traits.words)) for one in self.cases}

    def similar(self, asked: Traits, limit: int, without: str = "") -> list[Likeness]:
        views = asked.asked()
        whole = sum(WEIGHTS[name] for name in views)
        pairs = [(one, self._likeness(one, asked, views, whole)) for one in self.cases if views and one.id != without]
        near = [(one, like) for one, like in pairs if _is_near(like)]
        near.sort(key=lambda pair: (-pair[1].score * (1 + REACH * pair[0].standing), pair[0].id))
        return [like for _, like in near[:limit]]

    def _likeness(self, known: Known, asked: Traits, views: frozenset[str], whole: float) -> Likeness:
        seen = [view for view in self._views(known, asked) if view.name in views and view.value > 0]
        seen.sort(key=lambda view: -view.value * WEIGHTS[view.name])
        score = sum(WEIGHTS[view.name] * view.value for view in seen) / whole
        return Likeness(known.id, round(score, 4), tuple(seen))

    def _views(self, known: Known, asked: Traits) -> Iterable[View]:
        mine = known.traits
        yield self._names(asked.alerts & mine.alerts)
        yield _place(asked, mine)
        yield self._labels(asked.labels, mine.labels)
        yield self._logs(asked.logs, mine.logs)
        yield self._words(known, asked.words)

    def _names(self, shared: frozenset[str]) -> View:
        best = max((0.5 + 0.5 * self._share("alerts", name) for name in shared), default=0.0)
        return View("alert", best, tuple(sorted(shared)))

    def _labels(self, asked: frozenset[tuple[str, str]], mine: frozenset[tuple[str, str]]) -> View:
        shared = asked & mine
        whole = sum(self._rarity("labels", pair) for pair in asked)
        share = sum(self._rarity("labels", pair) for pair in shared) / whole if whole else 0.0
        rarest = sorted(shared, key=lambda pair: (-self._rarity("labels", pair), pair))
        telling = self._share("labels", rarest[0]) if rarest else 0.0
        return View("labels", share * telling, tuple(f"{name}={value}" for name, value in rarest[:MAX_SHOWN]))

    def _logs(self, asked: frozenset[str], mine: frozenset[str]) -> View:
        shared = sorted(asked & mine, key=lambda line: (-self._rarity("logs", line), line))
        if not shared:
            return View("logs", 0.0)
        rarest = self._share("logs", shared[0])
        return View("logs", rarest * (0.6 + 0.4 * len(shared) / len(asked)), tuple(shared[:2]))

    def _words(self, known: Known, asked: Mapping[str, int]) -> View:
        mine = known.traits.words
        shared = asked.keys() & mine.keys()
        if not shared:
            return View("words", 0.0)
        wanted = self._weighed(asked)
        met = sum(wanted[word] for word in shared)
        whole = sum(weight if self._counts["words"][word] else weight * UNKNOWN_WORD for word, weight in wanted.items())
        ours = self._weighed({word: mine[word] for word in shared})
        product = sum(wanted[word] * ours[word] for word in shared)
        cosine = product / (_length(wanted) * self._lengths[known.id] or 1.0)
        rarest = sorted(shared, key=lambda word: (-wanted[word], word))
        shown = tuple(word for word in rarest if not word.startswith("~") and len(word) > 1)[:MAX_SHOWN]
        return View("words", min(1.0, 0.7 * met / whole + 0.3 * cosine), shown)

    def _weighed(self, words: Mapping[str, int]) -> dict[str, float]:
        return {word: self._rarity("words", word) * (1 + math.log(count)) for word, count in words.items()}

    def _share(self, view: str, item: object) -> float:
        """Rarity against the rarest there is."""
        return self._rarity(view, item) / math.log(1 + (len(self.cases) + 0.5) / 1.5)

    def _rarity(self, view: str, item: object) -> float:
        count = max(1, self._counts[view][item])
        return math.log(1 + (len(self.cases) + 0.5) / (count + 0.5))


def _place(asked: Traits, mine: Traits) -> View:
    same_namespace = bool(asked.namespace) and asked.namespace == mine.namespace
    if asked.component and asked.component == mine.component:
        value = 1.0 if same_namespace or not asked.namespace else SAME_NAME
        return View("component", value, ("/".join(part for part in (mine.namespace, mine.component) if part),))
    if not same_namespace:
        return View("component", 0.0)
    return View("component", SAME_NAMESPACE if asked.component else 2 * SAME_NAMESPACE, (mine.namespace,))


def _length(weights: Mapping[str, float]) -> float:
    return math.sqrt(sum(weight * weight for weight in weights.values()))


def _is_near(like: Likeness) -> bool:
    return like.score >= FLOOR and any(view.value >= STRONG[view.name] for view in like.views)
