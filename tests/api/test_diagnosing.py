"""`firstmate diagnose BUNDLE...`: one answer a bundle, in order, in this process, with nothing heavy loaded and nothing secret shown."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api import diagnosing
from api.cli import app
from api.diagnosing import Ask, diagnoses, exit_code
from api.spans import seconds
from core.errors import Invalid
from tests.tools.bundle.folder import TAKEN, listing, put
from tools.bundle.read import read_bundle

LAST_WORDS = "2026-03-02T08:59:00Z fatal: cannot log in, password=hunter2hunter2\n"


def crashing(root: Path, namespace: str = "town") -> Path:
    """A bundle of a program that ends as soon as it starts."""
    meta = {
        "name": "baker",
        "namespace": namespace,
        "labels": {"app": "baker"},
        "creationTimestamp": "2026-03-01T08:00:00Z",
    }
    spec = {"containers": [{"name": "app", "image": "reg.example/baker:1"}]}
    template = {"metadata": {"labels": {"app": "baker"}}, "spec": spec}
    deployment = {
        "kind": "Deployment",
        "metadata": meta,
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "baker"}}, "template": template},
        "status": {"replicas": 1},
    }
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-03-02T08:59:00Z"}}
    status = {"name": "app", "restartCount": 9, "ready": False, "lastState": ended}
    status["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
    owner = [{"kind": "Deployment", "name": "baker", "controller": True}]
    pod = {
        "kind": "Pod",
        "metadata": {**meta, "name": "baker-1", "ownerReferences": owner},
        "spec": spec,
        "status": {
            "phase": "Running",
            "containerStatuses": [status],
            "conditions": [{"type": "Ready", "status": "False"}],
        },
    }
    put(root, "objects/all.json", listing("List", deployment, pod))
    put(root, f"logs/{namespace}/baker-1/app.previous.log", LAST_WORDS)
    put(root, "meta.json", {"taken_at": TAKEN})
    return root


def lines(*arguments: object) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, ["diagnose", "--json", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_every_bundle_gives_one_line_in_order_whether_it_can_be_read_or_not(tmp_path: Path) -> None:
    put(tmp_path / "noise", "objects/a.json", bytes(range(256)))
    named = [tmp_path / "nowhere", crashing(tmp_path / "sick"), Path("/dev/null"), tmp_path / "noise"]
    found = lines(*named)
    assert [one["bundle"] for one in found] == [str(path) for path in named]
    assert [one["healthy"] for one in found] == [None, False, None, None]
    assert found[1]["causes"][0]["component"] == {"kind": "Deployment", "namespace": "town", "name": "baker"}
    assert all(one["gaps"] for one in found)


def test_a_password_in_a_log_is_in_no_answer(tmp_path: Path) -> None:
    (found,) = lines(crashing(tmp_path))
    assert "cannot log in" in json.dumps(found)
    assert "hunter2" not in json.dumps(found)
    shown = CliRunner().invoke(app, ["diagnose", str(tmp_path)]).stdout
    assert "baker" in shown
    assert "hunter2" not in shown


def test_of_a_namespace_asked_about_only_what_concerns_it_is_a_cause(tmp_path: Path) -> None:
    crashing(tmp_path)
    assert lines(tmp_path, "--namespace", "town")[0]["causes"]
    (elsewhere,) = lines(tmp_path, "--namespace", "hill")
    assert not elsewhere["causes"]
    assert elsewhere["healthy"] is not True


def test_what_is_said_is_said_in_the_language_asked_for(tmp_path: Path) -> None:
    assert any(
        "\u4e00" <= char <= "\u9fff"
        for char in lines(crashing(tmp_path), "--language", "zh")[0]["causes"][0]["statement"]
    )


def test_a_bundle_that_breaks_the_engine_is_told_and_the_next_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = read_bundle

    def breaks(path: Path, *more: Any) -> Any:
        if path.name == "bad":
            raise KeyError("a bug")
        return real(path, *more)

    monkeypatch.setattr(diagnosing, "read_bundle", breaks)
    bad, good = diagnoses([tmp_path / "bad", crashing(tmp_path / "good")], Ask())
    assert "KeyError" in bad[1]["gaps"][0]["why"]
    assert bad[1]["healthy"] is None
    assert good[1]["causes"]


def test_names_that_are_no_text_stop_no_line(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"odd-\xff")
    put(odd, "objects/pods.json", '{"kind": "Pod", "metadata": {"name": "a\\ud83d", "namespace": "town"}}')
    put(odd, os.fsdecode(b"logs/town/\xff/app.log"), "Traceback: connection refused")
    told = lines(odd)
    assert told[0]["bundle"].endswith("odd-?")


def test_a_report_never_takes_the_place_of_a_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    result = ran(crashing(tmp_path / "b"), "--output", tmp_path / "pipe.md")
    assert (result.exit_code, "no plain file" in result.output) == (1, True)
    assert (tmp_path / "pipe.md").is_fifo()


def test_nothing_that_a_server_needs_is_loaded(tmp_path: Path) -> None:
    script = (
        "import sys; from api.diagnosing import *; list(diagnoses([Path(sys.argv[1])], Ask())); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    heavy = {"nicegui", "langgraph", "sqlalchemy", "fastapi", "kubernetes", "httpx", "numpy", "asyncio"}
    assert not heavy & set(done.stdout.split())


@pytest.mark.parametrize(("text", "meant"), [("30m", 1800), ("2h", 7200), ("1d", 86400), ("90", 90), ("45s", 45)])
def test_a_length_of_time_is_understood(text: str, meant: int) -> None:
    assert seconds(text) == meant


@pytest.mark.parametrize("text", ["", "h", "1w", "1hh", "-5m", "1.5h", "\u0661h", "9" * 30])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="30m"):
        seconds(text)


def ran(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["diagnose", *map(str, arguments)])


def test_exit_codes_tell_trouble_from_doubt_only_for_who_asked(tmp_path: Path) -> None:
    broken = crashing(tmp_path / "broken")
    (tmp_path / "empty").mkdir()
    assert ran(broken).exit_code == 0
    assert ran(broken, "--exit-code").exit_code == 3
    (tmp_path / "few").mkdir()
    put(tmp_path / "few", "objects/node.json", {"kind": "Node", "metadata": {"name": "n1"}})
    assert ran(tmp_path / "few", "--exit-code").exit_code == 4
    assert ran(tmp_path / "empty", broken, "--exit-code").exit_code == 3


def test_healthy_is_exit_code_0_and_doubt_is_not() -> None:
    healthy = {"causes": [], "symptoms": [], "healthy": True}
    assert exit_code([healthy]) == 0
    assert exit_code([healthy, {**healthy, "healthy": None}]) == 4


@pytest.mark.parametrize(("name", "begins"), [("r.html", "<!doctype html>"), ("r.md", "# town")])
def test_a_report_is_written_in_the_form_of_its_ending_for_its_owner_alone(
    tmp_path: Path, name: str, begins: str
) -> None:
    assert ran(crashing(tmp_path / "b", "town"), "-n", "town", "--output", tmp_path / name).exit_code == 0
    assert (tmp_path / name).read_text().startswith(begins)
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", name]


def test_a_report_without_a_file_goes_to_standard_output_in_the_language_asked_for(tmp_path: Path) -> None:
    shown = ran(crashing(tmp_path), "--report", "md", "--language", "zh").stdout
    assert "**证据**" in shown


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--output", "report.pdf"], "say --report html"),
        (["--report", "md", "--json"], "one answer has one form"),
        (["--report", "md", "other"], "name one"),
    ],
)
def test_what_does_not_go_together_is_refused_in_a_sentence(tmp_path: Path, arguments: list[str], why: str) -> None:
    result = ran(crashing(tmp_path), *arguments)
    assert (result.exit_code, why in result.output) == (1, True)


def test_a_report_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    result = ran(crashing(tmp_path / "b"), "--output", tmp_path / "no" / "r.html")
    assert result.exit_code == 1
    assert result.output.startswith("firstmate: ")


def test_with_neither_bundle_nor_server_nor_cluster_one_sentence_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KUBECONFIG", "K8S_CONFIG_PATH", "FIRSTMATE_SERVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FIRSTMATE_DATA_DIR", str(tmp_path))
    result = ran()
    assert result.exit_code == 1
    assert "name a bundle, or a server with --server, or a cluster" in result.output


def test_where_nothing_was_read_no_diagnosis_is_made_and_why_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("hello")
    for name, why in (("gone", "does not exist"), ("empty", "holds nothing"), ("text.txt", "is no folder")):
        done = ran(tmp_path / name)
        assert done.exit_code == 1
        assert why in done.output
        assert "Nothing wrong" not in done.output
        assert len(done.output.strip().splitlines()) == 1


def test_one_that_cannot_be_read_keeps_its_line_beside_others(tmp_path: Path) -> None:
    done = ran(tmp_path / "gone", crashing(tmp_path / "b"), "--json")
    first, second = (json.loads(line) for line in done.output.strip().splitlines())
    assert done.exit_code == 0
    assert (first["healthy"], first["gaps"][0]["what"]) == (None, "everything")
    assert second["causes"]


def test_a_namespace_in_which_nothing_runs_is_not_healthy_and_shows_nobody_elses_trouble(tmp_path: Path) -> None:
    (found,) = lines(crashing(tmp_path / "b"), "--namespace", "nope")
    assert (found["healthy"], found["causes"], found["symptoms"]) == (None, [], [])
    assert found["gaps"][0]["what"] == "namespace nope"


def test_no_time_at_all_is_refused() -> None:
    with pytest.raises(Invalid, match="no time at all"):
        seconds("0")


def test_a_report_into_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    done = ran(crashing(tmp_path / "b"), "--output", tmp_path / "nowhere" / "r.html")
    assert done.exit_code == 1
    assert "There is no folder" in done.output


def test_a_cluster_that_was_named_comes_before_a_server_that_happens_to_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def runs() -> dict[str, str]:
        return {"url": "http://127.0.0.1:9", "token": "t"}

    monkeypatch.setattr("api.live.running_server", runs)
    dead = tmp_path / "kubeconfig"
    dead.write_text(KUBECONFIG)
    monkeypatch.setenv("KUBECONFIG", str(dead))
    done = ran()
    assert done.exit_code == 1
    assert "The cluster could not be read" in done.output
    assert "refused the connection" in done.output


KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: a
clusters: [{name: a, cluster: {server: "http://127.0.0.1:9"}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
users: [{name: a, user: {}}]
"""
