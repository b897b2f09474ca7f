"""Vectors: the same everywhere and for ever, near for what is alike, far for what is not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from knowledge_base.embed import DIMENSIONS, LexicalEmbedder
from knowledge_base.segment import Segmenter


@pytest.fixture(scope="module")
def embedder() -> LexicalEmbedder:
    return LexicalEmbedder(Segmenter())


def likeness(embedder: LexicalEmbedder, one: str, other: str) -> float:
    left, right = embedder.embed([one, other])
    return float(left @ right)


def test_a_row_has_length_one_and_an_empty_text_is_zero(embedder: LexicalEmbedder) -> None:
    rows = embedder.embed(["container killed for memory", ""])
    assert rows.shape == (2, DIMENSIONS)
    assert float(np.linalg.norm(rows[0])) == pytest.approx(1.0, abs=1e-5)
    assert not rows[1].any()


def test_the_same_text_has_the_same_vector(embedder: LexicalEmbedder) -> None:
    assert np.array_equal(embedder.embed(["节点未就绪"]), embedder.embed(["节点未就绪"]))


def test_another_process_with_another_hash_seed_computes_the_same_vector(embedder: LexicalEmbedder) -> None:
    program = (
        "from knowledge_base.embed import LexicalEmbedder; from knowledge_base.segment import Segmenter;"
        "import hashlib; row = LexicalEmbedder(Segmenter()).embed(['kubelet stopped'])[0];"
        "print(hashlib.sha256(row.tobytes()).hexdigest())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        cwd=Path(__file__).parents[2],
        env={"PYTHONHASHSEED": "4711"},
    )
    import hashlib

    assert ran.stdout.strip() == hashlib.sha256(embedder.embed(["kubelet stopped"])[0].tobytes()).hexdigest()


def test_a_misspelt_word_is_nearer_than_another_word(embedder: LexicalEmbedder) -> None:
    right = "certificate"
    assert likeness(embedder, right, "certificat") > likeness(embedder, right, "provisioner") + 0.2


def test_a_translation_is_nearer_than_another_subject(embedder: LexicalEmbedder) -> None:
    question = "容器内存溢出反复重启"
    same = likeness(embedder, question, "the container runs out of memory and keeps restarting")
    other = likeness(embedder, question, "the certificate of the ingress has expired")
    assert same > other + 0.1


def test_saying_a_word_ten_times_does_not_make_it_ten_times_as_important(embedder: LexicalEmbedder) -> None:
    once = "dns lookup timeout"
    assert likeness(embedder, once, "dns " * 10 + "lookup timeout") > 0.75


def test_the_name_tells_the_recipe(embedder: LexicalEmbedder) -> None:
    assert str(DIMENSIONS) in embedder.name
    assert LexicalEmbedder(Segmenter(), dimensions=64).name != embedder.name
