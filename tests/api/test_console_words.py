import pytest

from api.console.words import WORDS, ago, known, say


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (-3, "just now", "刚刚"),
        (4.9, "just now", "刚刚"),
        (59.9, "59 s ago", "59 秒前"),
        (60, "1 min ago", "1 分钟前"),
        (3_599, "59 min ago", "59 分钟前"),
        (3_600, "1 h ago", "1 小时前"),
        (86_400 * 3, "3 d ago", "3 天前"),
    ],
)
def test_a_moment_is_told_by_how_long_ago_it_was(seconds: float, en: str, zh: str) -> None:
    assert (ago("en", seconds), ago("zh", seconds)) == (en, zh)


def test_a_word_that_is_ours_is_said_in_the_readers_language_and_any_other_as_it_came() -> None:
    assert known("zh", "high") == "高"
    assert known("zh", "catastrophic") == "catastrophic"


def test_no_word_breaks_out_of_the_script_it_is_written_into() -> None:
    for word in ("lost", "again"):
        assert not {"'", "<", "\\", "\n"} & set(say("en", word) + say("zh", word))


def test_no_word_needs_to_be_escaped_in_the_sign_in_page() -> None:
    for word in ("title", "login_hint", "token", "login", "denied", "expired_link"):
        assert not set("<>&\"'$") & set(WORDS[word].en + WORDS[word].zh)
