import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.redact import MAX_REMEMBERED, Redactor
from tests.patience import ended

SECRET = "tQ8vZ3mK1pX7rL5w"


@pytest.mark.parametrize(
    "text",
    [
        f"password={SECRET}",
        f'"db_password": "{SECRET}"',
        f"export API_KEY='{SECRET}'",
        f"postgresql://shop:{SECRET}@db:5432/orders",
        f"Authorization: Bearer {SECRET}",
        f"Authorization: Basic {SECRET}",
        f'"authorization": "Basic {SECRET}"',
        f"Cookie: session={SECRET}; theme=dark",
        f"mysql --password {SECRET} -h db",
        f"app --api-key={SECRET}",
        f"github_pat_{SECRET}{SECRET}",
        f"https://hooks.example.com/services/T000/B000/{SECRET}",
        f"https://open.example.com/open-apis/bot/v2/hook/{SECRET}",
        f"secretKey: {SECRET}",
        f"db.password.prod={SECRET}",
        f"postgresql://shop:p@{SECRET}@db:5432/orders",
        f"password=first,{SECRET}",
        f'password="two words {SECRET}"',
        f"password: {SECRET} for user bob",
        f"token: {SECRET}",
        f"sk-{SECRET}{SECRET}",
        f"eyJhbGciOiJIUzI1.{SECRET}.{SECRET}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_known_shapes_of_secrets_do_not_pass(redactor: Redactor, text: str) -> None:
    shown = redactor.text(text)
    assert SECRET not in shown
    assert "<secret:" in shown


@pytest.mark.parametrize(
    "text",
    [
        "Back-off pulling image registry.example/shop/web:1.4.2",
        "kube_pod_container_status_restarts_total{namespace='shop'} 4",
        "FailedCreate: serviceaccount 'token-reviewer' not found",
        "the tokenizer took 12 ms",
        "secretRef: name db-credentials is mounted",
        '{"secret": {"secretName": "db-credentials"}, "imagePullSecrets": [{"name": "registry"}]}',
    ],
)
def test_ordinary_operations_text_is_left_alone(redactor: Redactor, text: str) -> None:
    assert redactor.text(text) == text


def test_one_secret_has_one_name_everywhere_and_can_be_restored(redactor: Redactor) -> None:
    first = redactor.text(f"password={SECRET} refused")
    second = redactor.value({"db_password": SECRET})["db_password"]
    assert second in first
    assert redactor.restore(first) == f"password={SECRET} refused"


def test_another_process_learns_nothing_from_the_name() -> None:
    shown = Redactor("one key").text(f"password={SECRET}")
    assert Redactor("another key").restore(shown) == shown
    assert Redactor("another key").text(f"password={SECRET}") != shown


def test_values_are_hidden_by_the_name_of_their_key(redactor: Redactor) -> None:
    shown = redactor.value({"items": [{"apiToken": SECRET, "name": "web"}], "replicas": 3})
    assert SECRET not in str(shown)
    assert shown["items"][0]["name"] == "web"
    assert shown["replicas"] == 3


def test_what_is_nested_under_a_sensitive_name_is_hidden_whole(redactor: Redactor) -> None:
    shown = redactor.value(
        {
            "passwords": [SECRET, {"old": SECRET}],
            "env": [{"name": "DB_PASSWORD", "value": SECRET}, {"name": "MODE", "value": "fast"}],
        }
    )
    assert SECRET not in str(shown)
    assert shown["env"][1] == {"name": "MODE", "value": "fast"}


def test_references_to_secrets_stay_readable(redactor: Redactor) -> None:
    spec = {
        "volumes": [{"secret": {"secretName": "db-credentials"}}],
        "valueFrom": {"secretKeyRef": {"name": "db", "key": "url"}},
    }
    assert redactor.value(spec) == spec


def test_a_text_of_unfinished_keys_is_read_to_its_end(redactor: Redactor) -> None:
    text = "-----BEGIN RSA PRIVATE KEY-----\n" * 9_000
    with ended():  # it took minutes when each beginning searched to the end
        assert redactor.text(text) == text


def test_redacting_twice_changes_nothing_more(redactor: Redactor) -> None:
    once = redactor.value({"password": SECRET, "line": f"token={SECRET}"})
    assert redactor.value(once) == once


def test_the_memory_of_names_is_bounded(redactor: Redactor) -> None:
    for number in range(MAX_REMEMBERED + 10):
        redactor.text(f"password=value-number-{number}")
    assert len(redactor._names) == MAX_REMEMBERED


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_goes_through_with_its_shape_kept(value: object) -> None:
    shown = Redactor("k" * 16).value(value)
    assert type(shown) is type(value)
    assert isinstance(value, str) or _size(shown) == _size(value)


def _size(value: object) -> int:
    return len(value) if isinstance(value, (list, dict)) else 0
