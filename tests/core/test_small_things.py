"""Errors, language, secrets, logs and metrics: small enough to share a page."""

import io
import json
import stat
from pathlib import Path

import pytest

from core import logs
from core.errors import FirstmateError, Invalid, NotConfigured, NotFound, Upstream, near_misses
from core.language import Text, detect
from core.metrics import Metrics
from core.redact import Redactor
from core.secrets import encrypt, load_or_create_key, new_token, resolve, sign, verify


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("why is checkout failing?", "en"),
        ("checkout 为什么失败？", "zh"),
        ("帮我看看 shop 命名空间里 recommendation-service 的 CrashLoopBackOff", "zh"),
        ("rate(http_requests_total[5m])", "en"),
        ("", "en"),
        ("pods in namespace shop named 商店", "en"),
    ],
)
def test_the_language_of_a_question_is_recognised(question: str, language: str) -> None:
    assert detect(question) == language


def test_a_text_is_said_in_the_readers_language() -> None:
    text = Text(en="{name} is down", zh="{name} 不可用")
    assert (text("en", name="web"), text("zh", name="web")) == ("web is down", "web 不可用")


def test_errors_carry_one_sentence_and_what_a_program_needs() -> None:
    error = Upstream("Prometheus", "refused the connection", retryable=True)
    assert str(error) == "Prometheus refused the connection"
    assert error.details["retryable"] is True
    assert "PROMETHEUS_URL" in str(NotConfigured("Prometheus", "set PROMETHEUS_URL"))


def test_a_miss_names_what_was_near() -> None:
    near = near_misses("chekout", ["checkout", "cart", "catalog"])
    assert "checkout" in str(NotFound("There is no Service chekout.", near=near))


def test_every_error_has_its_own_number() -> None:
    kinds = list(_all_below(FirstmateError))
    assert len({kind.code for kind in kinds}) == len(kinds)


def _all_below(kind: type[FirstmateError]) -> list[type[FirstmateError]]:
    return [found for child in kind.__subclasses__() for found in [child, *_all_below(child)]]


def test_a_signature_proves_who_wrote_and_nothing_else_passes() -> None:
    signed = sign("key", {"name": "ann", "role": "operator"})
    assert verify("key", signed) == {"name": "ann", "role": "operator"}
    assert verify("other key", signed) is None
    assert verify("key", signed[:-1] + ("0" if signed[-1] != "0" else "1")) is None
    assert verify("key", "nonsense") is None


def test_tokens_differ_and_keys_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    assert new_token() != new_token()
    path = tmp_path / "keys" / "key"
    key = load_or_create_key(path)
    assert load_or_create_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_empty_key_file_is_refused_because_anybody_could_sign_with_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("")
    with pytest.raises(Invalid, match="empty or too short"):
        load_or_create_key(path)


def test_a_reference_to_nothing_is_named() -> None:
    with pytest.raises(Invalid, match="NO_SUCH"):
        resolve("env:NO_SUCH", {})
    with pytest.raises(Invalid, match="no-such-file"):
        resolve("file:/no-such-file")


KEY = "a-key-that-nobody-knows-1"


@pytest.mark.parametrize("value", ["hunter2", "密码", "", "x" * 10_000])
def test_an_encrypted_value_is_read_by_its_key_and_says_nothing_by_itself(value: str) -> None:
    sealed = encrypt(KEY, value)
    assert sealed.startswith("enc:v1:")
    assert not value or value not in sealed
    assert resolve(sealed, {}, KEY) == value
    assert encrypt(KEY, value) != sealed


def test_another_key_is_told_from_a_damaged_text() -> None:
    sealed = encrypt(KEY, "hunter2")
    with pytest.raises(Invalid, match="under another SECRET_KEY; encrypt it again"):
        resolve(sealed, {}, "another-key-entirely-2")
    for damaged in (
        sealed[:-2],
        sealed[:-1] + ("A" if sealed[-1] != "A" else "B") + "AAAA",
        sealed + "!",
        "enc:v1:",
        "enc:v1:ä",
    ):
        with pytest.raises(Invalid, match="is damaged"):
            resolve(damaged, {}, KEY)
    with pytest.raises(Invalid, match="SECRET_KEY, which opens it, is not set"):
        resolve(sealed, {})
    with pytest.raises(Invalid, match="begins with enc:v1:"):
        resolve("enc:v2:abc", {}, KEY)


def test_no_complaint_about_an_encrypted_value_quotes_it() -> None:
    sealed = encrypt(KEY, "hunter2")
    with pytest.raises(Invalid) as refused:
        resolve(sealed, {}, "another-key-entirely-2")
    assert sealed[7:20] not in refused.value.sentence


def test_a_log_line_is_json_with_its_ids_and_without_secrets(redactor: Redactor) -> None:
    stream = io.StringIO()
    logs.configure("INFO", json=True, redactor=redactor, stream=stream)
    with logs.bind(request_id="r-1", run_id="run-7"):
        logs.get("test").info("connecting", url="postgresql://shop:hunter2hunter2@db/orders", password="hunter2hunter2")
        logs.get("test").debug("too quiet to be written")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["request_id"], line["run_id"], line["level"]) == ("connecting", "r-1", "run-7", "info")
    assert "hunter2" not in stream.getvalue()


def test_an_exception_is_written_with_its_place(redactor: Redactor) -> None:
    stream = io.StringIO()
    logs.configure("INFO", json=True, redactor=redactor, stream=stream)
    try:
        int("password=hunter2hunter2")
    except ValueError:
        logs.get("test").exception("it broke")
    assert "ValueError" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


def test_metrics_are_exposed_and_two_applications_do_not_share_them() -> None:
    one, other = Metrics(), Metrics()
    one.tool_calls.labels("diagnose", "ok").inc()
    assert b'firstmate_tool_calls_total{outcome="ok",tool="diagnose"} 1.0' in one.exposition()
    assert b'tool="diagnose"' not in other.exposition()
