"""`firstmate collect`: with a kubeconfig and nothing else, and what goes wrong is one sentence."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.collecting import _access
from core.config import Settings


def test_who_has_set_nothing_means_the_cluster_that_kubectl_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'config'}:/elsewhere")
    assert _access(Settings()).config_path == str(tmp_path / "config")
    assert _access(Settings(k8s_config_path="/mine")).config_path == "/mine"
    assert _access(Settings(k8s_in_cluster=True)).config_path == ""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "gone"))
    assert _access(Settings()).config_path == ""


def test_without_a_cluster_one_sentence_says_so_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "gone"))
    monkeypatch.delenv("K8S_CONFIG_PATH", raising=False)
    result = CliRunner().invoke(app, ["collect", "--output", str(tmp_path / "b")])
    assert result.exit_code == 1
    assert result.output.startswith("firstmate: ")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    result = CliRunner().invoke(app, ["collect", "--output", str(tmp_path)])
    assert result.exit_code == 1
    assert "not empty" in result.output
