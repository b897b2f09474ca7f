"""What the demo says of itself before it begins."""

from pathlib import Path

from api.demo import OWN, begin_anew, left_alone
from core.config import Settings, variables


def test_a_first_demo_finds_nothing_to_clear(tmp_path: Path) -> None:
    assert not begin_anew(tmp_path)


def test_the_records_of_the_last_demo_go_and_its_keys_stay(tmp_path: Path) -> None:
    for name in ("firstmate.db", "firstmate.db-wal", "checkpoints.db", "key", "token"):
        (tmp_path / name).touch()
    assert begin_anew(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "token"]


def test_settings_that_the_demo_does_not_use_are_named_in_both_languages() -> None:
    said = left_alone({"FIRSTMATE_KNOWLEDGE_HOSTS": "wiki.example", "PATH": "/bin", "LLM_MODEL": ""})
    assert "FIRSTMATE_KNOWLEDGE_HOSTS" in said
    assert "环境变量" in said
    assert "LLM_MODEL" not in said
    assert left_alone({"PATH": "/bin"}) == ""


def test_every_name_that_is_left_alone_is_a_setting() -> None:
    known = {variable for name in Settings.model_fields for variable in variables(name)}
    assert set(OWN) <= known
