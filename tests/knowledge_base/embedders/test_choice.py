"""The settings name an embedder without any of them being loaded or asked."""

from pathlib import Path

import pytest

from core.errors import Invalid
from knowledge_base.embedders.choice import Wish, chosen


def named(wish: Wish, folder: Path) -> str:
    embedder = chosen(wish, folder)
    assert embedder is not None
    return embedder.name


def test_no_model_means_lexical_vectors(tmp_path: Path) -> None:
    assert chosen(Wish(), tmp_path) is None


def test_a_model_with_an_address_means_the_endpoint(tmp_path: Path) -> None:
    assert named(Wish("bge-m3", "http://models.example/v1"), tmp_path) == "endpoint/bge-m3"


def test_a_model_alone_means_one_on_this_machine(tmp_path: Path) -> None:
    assert named(Wish("some/model"), tmp_path) == "sentences/some/model"


def test_another_model_in_the_same_folder_has_another_name(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text('{"hidden_size": 384}')
    first = named(Wish(str(model)), tmp_path)
    (model / "config.json").write_text('{"hidden_size": 768}')
    assert first.startswith("sentences/model-")
    assert named(Wish(str(model)), tmp_path) != first


def test_an_address_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="EMBEDDING_MODEL"):
        chosen(Wish(base_url="http://models.example/v1"), tmp_path)
