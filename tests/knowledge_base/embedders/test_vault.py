"""What was computed once is not computed again, and the cache may break in any way without costing more than time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import Upstream
from knowledge_base.embed import Vectors
from knowledge_base.embedders.vault import RememberingEmbedder, Vault


@dataclass
class Counting:
    name: str = "counting"
    asked: list[str] = field(default_factory=list)
    down: bool = False

    def embed(self, texts: Sequence[str]) -> Vectors:
        if self.down:
            raise Upstream("The endpoint", "is away", retryable=True)
        self.asked += texts
        return np.array([[len(text) / 7, 1 / 3] for text in texts], dtype=np.float32)

    def question(self, text: str) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self.embed([text])[0]
        return row


@dataclass
class Time:
    now: float = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def test_a_text_is_computed_once_even_within_one_call(tmp_path: Path) -> None:
    inner = Counting()
    embedder = RememberingEmbedder(inner, Vault(tmp_path / "v.db", Time()))
    first = embedder.embed(["a", "bb", "a"])
    again = embedder.embed(["bb", "a", "ccc"])
    assert inner.asked == ["a", "bb", "ccc"]
    assert np.array_equal(first[0], again[1])
    assert np.array_equal(first[0], first[2])


def test_a_row_is_the_same_number_for_number_fresh_and_after_a_restart(tmp_path: Path) -> None:
    fresh = RememberingEmbedder(Counting(), Vault(tmp_path / "v.db", Time())).embed(["a", "bb"])
    inner = Counting(down=True)
    later = RememberingEmbedder(inner, Vault(tmp_path / "v.db", Time())).embed(["a", "bb"])
    assert np.array_equal(fresh, later)


def test_another_model_has_rows_of_its_own(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.db", Time())
    RememberingEmbedder(Counting("one"), vault).embed(["a"])
    other = Counting("other")
    RememberingEmbedder(other, vault).embed(["a"])
    assert other.asked == ["a"]


def test_a_question_asked_before_needs_no_endpoint(tmp_path: Path) -> None:
    inner = Counting()
    embedder = RememberingEmbedder(inner, Vault(tmp_path / "v.db", Time()))
    first = embedder.question("why")
    inner.down = True
    assert np.array_equal(embedder.question("why"), first)
    with pytest.raises(Upstream):
        embedder.question("where")


def test_nothing_gives_no_rows(tmp_path: Path) -> None:
    assert len(RememberingEmbedder(Counting(), Vault(tmp_path / "v.db", Time())).embed([])) == 0


def test_a_full_vault_forgets_what_was_asked_for_longest_ago(tmp_path: Path) -> None:
    inner = Counting()
    vault = Vault(tmp_path / "v.db", Time(), max_rows=20)
    embedder = RememberingEmbedder(inner, vault)
    for number in range(20):
        embedder.embed([f"text {number}"])
    embedder.embed(["text 0"])
    embedder.embed(["one more"])
    inner.asked.clear()
    embedder.embed(["text 0", "text 19", "one more"])
    assert inner.asked == []
    embedder.embed(["text 1"])
    assert inner.asked == ["text 1"]


def test_a_file_that_is_no_database_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    path.write_bytes(b"this is not a database, but long enough to be looked at " * 50)
    inner = Counting()
    embedder = RememberingEmbedder(inner, Vault(path, Time()))
    assert embedder.embed(["a"]).shape == (1, 2)
    embedder.embed(["b"])
    inner.asked.clear()
    embedder.embed(["b"])
    assert inner.asked == []


def test_a_folder_that_cannot_be_written_costs_the_memory_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "v.db").mkdir()
    inner = Counting()
    embedder = RememberingEmbedder(inner, Vault(tmp_path / "v.db", Time()))
    assert embedder.embed(["a"]).shape == (1, 2)
    assert embedder.embed(["a"]).shape == (1, 2)
    assert inner.asked == ["a", "a"]


def test_the_file_is_opened_again_after_it_was_closed(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "v.db", Time())
    inner = Counting()
    embedder = RememberingEmbedder(inner, vault)
    embedder.embed(["a"])
    vault.close()
    embedder.embed(["a"])
    assert inner.asked == ["a"]
