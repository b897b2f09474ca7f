"""Part of `make score`: of troubles that come again, elsewhere or in other words, how many find the past case that is meant, and how many
that were never seen find nothing. The same with the alert's name alone and with words alone stands beside it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from core.language import detect
from knowledge_base.cases.case import Body, Case, Component, Facts, Sighting, Words
from knowledge_base.cases.likening import Asked, Terms, traits_of
from knowledge_base.cases.masking import template
from knowledge_base.cases.matching import Corpus, Known
from knowledge_base.segment import Segmenter

HERE = Path(__file__).parent
THEN = datetime(2026, 1, 1, tzinfo=UTC)
TOP = 3
HEADS = ("past cases", "queries", "recall@1", "recall@3", "never seen, nothing found")


@dataclass(frozen=True)
class Query:
    case: str
    """Empty where nothing like it was ever seen."""
    asked: Asked


@dataclass(frozen=True)
class CaseScore:
    name: str
    queries: int
    first: float
    among: float
    refused: float
    missed: tuple[Query, ...] = ()

    def row(self) -> tuple[str, ...]:
        return self.name, str(self.queries), f"{self.first:.3f}", f"{self.among:.3f}", f"{self.refused:.2f}"

    def to_json(self) -> dict[str, Any]:
        told = {"queries": self.queries, "recall_at_1": self.first, "recall_at_3": self.among, "refused": self.refused}
        return {"way": self.name.strip(), **told}


def score() -> list[CaseScore]:
    segmenter = Segmenter()
    corpus, asked = Corpus(known(segmenter.terms)), queries()
    ways: dict[str, Callable[[Query], Query]] = {
        "all views": lambda query: query,
        "  asked in Chinese": lambda query: query,
        "  words alone": lambda query: query,
        "the alert's name alone": lambda query: replace(query, asked=Asked(alerts=query.asked.alerts)),
        "text search alone": lambda query: replace(query, asked=_as_text(query.asked)),
    }
    chosen = {
        "  asked in Chinese": [query for query in asked if detect(query.asked.text) == "zh"],
        "  words alone": [query for query in asked if query.asked == Asked(text=query.asked.text)],
    }
    return [
        measure(name, corpus, [way(query) for query in chosen.get(name, asked)], segmenter.terms)
        for name, way in ways.items()
    ]


def measure(name: str, corpus: Corpus, asked: Sequence[Query], terms: Terms) -> CaseScore:
    found = [(query, [like.id for like in corpus.similar(query.asked.traits(terms), TOP)]) for query in asked]
    seen = [(query, ids) for query, ids in found if query.case]
    never = [ids for query, ids in found if not query.case]
    missed = [query for query, ids in found if (query.case not in ids[:1] if query.case else ids)]
    return CaseScore(
        name,
        len(asked),
        _share(query.case in ids[:1] for query, ids in seen),
        _share(query.case in ids for query, ids in seen),
        _share(not ids for ids in never),
        tuple(missed),
    )


def known(terms: Terms) -> list[Known]:
    return [Known(row["id"], traits_of(_case(row), terms)) for row in _rows("cases.yaml")]


def queries() -> list[Query]:
    return [Query(row.pop("case", ""), _asked(row)) for row in _rows("queries.yaml")]


def _rows(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((HERE / name).read_text())
    return found


def _asked(row: dict[str, Any]) -> Asked:
    alert = row.pop("alert", "")
    return Asked(alerts=(alert,) if alert else (), **row)


def _as_text(asked: Asked) -> Asked:
    """Everything that is known, as one text."""
    labels = [f"{name} {value}" for name, value in asked.labels.items()]
    parts = [*asked.alerts, *labels, asked.namespace, asked.component, *asked.logs, asked.text]
    return Asked(text="\n".join(part for part in parts if part))


def _case(row: dict[str, Any]) -> Case:
    labels = {"alertname": row["alert"], "namespace": row["namespace"], **row["labels"]}
    summary = Words(en=row["en"], zh=row["zh"])
    return Case(
        id=row["id"],
        incident=row["id"],
        state="draft",
        version=1,
        body=Body(
            title=Words(en=f"{row['alert']} in {row['namespace']}/{row['component']}"),
            symptom=Words(en="\n".join([row["en"], *row["logs"]]), zh="\n".join([row["zh"], *row["logs"]])),
            cause=Words(en=row["cause"], zh=row["cause_zh"]),
            fix=Words(en=row["fix"]),
        ),
        facts=Facts(
            alerts=[Sighting(name=row["alert"], labels=labels, summary=summary)],
            component=Component(kind="Deployment", namespace=row["namespace"], name=row["component"]),
            logs=[template(line) for line in row["logs"]],
        ),
        made_by="firstmate",
        made_at=THEN,
        changed_at=THEN,
    )


def _share(hits: Iterable[bool]) -> float:
    all_of_them = list(hits)
    return sum(all_of_them) / len(all_of_them) if all_of_them else 1.0
