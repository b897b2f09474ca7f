"""Our own sentences are held to what a model's are: every number and name of a finding occurs in what it stands on.

The words that our analyzers chose are known from their source; whatever else a sentence says is a name that was put in. In Chinese there
is no English either, but for what was read: a log, an event, an object's own words. A sample of the casebook's bundles says each sentence.
"""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import pytest

from agent.answer import Read
from core.language import Language, Text
from tests.evaluation.casebook.cases import cases, drawn
from tests.evaluation.casebook.writing import write
from tests.evaluation.claims import known, unsupported, words_of
from tools.bundle.read import read_bundle
from tools.engines.diagnosis import Component, Diagnosis
from tools.engines.explain import diagnose, investigate
from tools.engines.finding import Finding, evidence
from tools.engines.paragraph import paragraph

SAMPLE = 36
SEED = 5000
ENGINES = Path(__file__).parents[2] / "tools" / "engines"
BAKER = Component(kind="Deployment", namespace="town", name="baker")
# Words of English one after another. What stands between commas is a list of names, which is no sentence.
_ENGLISH = re.compile(r"[A-Za-z][a-z'’]*(?: [A-Za-z0-9][\w.'/-]*){3,}")
LANGUAGES: tuple[Language, Language] = ("en", "zh")


@dataclass(frozen=True)
class Examined:
    case: str
    raw: str
    findings: tuple[Finding, ...]
    chinese: Diagnosis
    english: Diagnosis

    @property
    def told(self) -> list[tuple[Diagnosis, Language]]:
        return [(self.english, "en"), (self.chinese, "zh")]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> list[Examined]:
    found = []
    for case in Random(SEED).sample(cases(SEED), SAMPLE):
        place = tmp_path_factory.mktemp("bundle") / "bundle"
        write(drawn(case).scene, place)
        snapshot = read_bundle(place)
        verdict, _ = investigate(snapshot)
        said = [*(one.finding for one in (*verdict.causes, *verdict.near)), *verdict.symptoms]
        told = {
            language: diagnose(snapshot, snapshot.namespace or "cluster", snapshot.window, snapshot.taken_at, language)
            for language in LANGUAGES
        }
        raw = " ".join(path.read_text("utf-8", "ignore") for path in place.rglob("*") if path.is_file())
        found.append(Examined(case.id, _plain(raw), tuple(said), told["zh"], told["en"]))
    return found


def _plain(text: str) -> str:
    return re.sub(r'(?:\\[nt"]|[\s\\"])+', " ", text)


@cache
def own_words() -> frozenset[str]:
    """Every word that stands in a string of the engine's source."""
    nodes = [node for path in ENGINES.rglob("*.py") for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    return words_of(
        " ".join(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    )


def stands_on(finding: Finding) -> Read:
    places = [finding.component, *finding.harms, *finding.told_by]
    quoted = [f"{item.source} {item.ref} {item.quote} {item.at}" for item in (*finding.evidence, *finding.against)]
    return known(
        " ".join(
            [*map(str, places), *quoted, json.dumps(finding.facts, default=str, ensure_ascii=False), str(finding.onset)]
        )
    )


def wrong_in(finding: Finding) -> dict[str, list[str]]:
    read = stands_on(finding)
    told = {language: unsupported(finding.said(language), read, own_words()) for language in LANGUAGES}
    return {language: claims for language, claims in told.items() if claims}


def test_every_number_and_name_of_a_finding_is_in_what_it_stands_on(sample: Sequence[Examined]) -> None:
    wrong = [
        f"{one.case}: {finding.fault}: {claims} in {finding.words.en!r}"
        for one in sample
        for finding in one.findings
        if (claims := wrong_in(finding))
    ]
    assert wrong == []


def test_a_paragraph_says_nothing_that_its_diagnosis_does_not(sample: Sequence[Examined]) -> None:
    wrong = [
        f"{one.case}: {claims}"
        for one in sample
        for told, language in one.told
        if (claims := unsupported(paragraph(told, language), _all_of(told), own_words()))
    ]
    assert wrong == []


def _all_of(told: Diagnosis) -> Read:
    """What it counts, and the time in minutes, belong to it too."""
    count = len(told.causes)
    shares = [cause.confidence for cause in told.causes]
    sufferers = [len({one.name for one in cause.affected}) for cause in told.causes]
    counts = [
        *range(max(0, count - 2), count),
        *sufferers,
        *(max(0, many - 4 + step) for many in sufferers for step in range(3)),
    ]
    onsets = [f"{cause.onset:%H %M}" for cause in told.causes if cause.onset]
    return known(" ".join([told.model_dump_json(), *map(str, counts), *onsets, *map(str, shares)]))


def test_a_chinese_reader_reads_no_english_of_ours(sample: Sequence[Examined]) -> None:
    wrong = [f"{one.case}: {run}" for one in sample for run in _english(one.chinese) if run not in one.raw]
    assert wrong == []


def _english(told: Diagnosis) -> Iterator[str]:
    said = [cause.statement for cause in told.causes] + [symptom.statement for symptom in told.symptoms]
    said += [text for near in told.near_misses for text in (near.statement, near.decide)]
    said += [text for gap in told.gaps for text in (gap.why, gap.how)]
    said.append(paragraph(told, "zh"))
    for text in said:
        yield from _ENGLISH.findall(_plain(text))


def made(en: str, zh: str = "面包店被终止") -> Finding:
    proof = evidence("kubernetes", "Pod town/baker-x status", "OOMKilled, exit code 137, restarts 4")
    return Finding("oom_killed", "runtime", BAKER, Text(en, zh), (proof,), facts={"limit": "64Mi", "share": 0.87})


@pytest.mark.parametrize(
    "finding",
    [
        made("Deployment town/baker is killed for memory (4 restart(s), limit 64Mi)."),
        made("baker is killed at 87% of its limit."),
        made("baker is killed.", "Deployment town/baker 因内存被杀（重启 4 次，限制 64Mi）。"),
    ],
)
def test_a_sentence_that_says_what_was_read_passes(finding: Finding) -> None:
    assert wrong_in(finding) == {}


@pytest.mark.parametrize(
    ("finding", "wrong"),
    [
        (made("baker is killed: 5 restart(s)."), {"en": ["5"]}),
        (made("brewery is killed for memory."), {"en": ["brewery"]}),
        (made("baker uses 42% of its limit."), {"en": ["42%"]}),
        (made("baker is killed.", "限制为 96Mi"), {"zh": ["96"]}),
        (made("baker is killed.", "Deployment town/brewery 被终止"), {"zh": ["brewery"]}),
        (made("akery is killed."), {"en": ["akery"]}),
    ],
)
def test_a_sentence_that_says_more_fails(finding: Finding, wrong: dict[str, list[str]]) -> None:
    assert wrong_in(finding) == wrong
