"""Terms: concepts in two languages, names kept whole, Chinese words cut alike everywhere."""

import re

import pytest

from knowledge_base.segment import _EXIT, Segmenter, stem


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter()


def concepts(segmenter: Segmenter, text: str) -> set[str]:
    return {term for term in segmenter.terms(text) if term.startswith("~")}


@pytest.mark.parametrize(
    ("english", "chinese", "concept"),
    [
        ("the container ran out of memory", "容器内存溢出", "~oom"),
        ("OOMKilled", "被 OOM 杀掉", "~oom"),
        ("cannot pull the image", "镜像拉取失败", "~image_pull"),
        ("the service has no endpoints", "服务没有端点", "~no_endpoints"),
        ("too many connections", "连接数打满了", "~too_many_connections"),
        ("the certificate has expired", "证书过期", "~expired"),
        ("untolerated taint", "有污点", "~taint"),
        ("roll back the release", "回滚发布", "~rollback"),
    ],
)
def test_a_concept_is_found_in_either_language(segmenter: Segmenter, english: str, chinese: str, concept: str) -> None:
    assert concept in concepts(segmenter, english)
    assert concept in concepts(segmenter, chinese)


def test_the_longest_phrase_wins_and_the_wider_concepts_come_along(segmenter: Segmenter) -> None:
    unit = segmenter.units("stuck rollout")[0]
    assert unit.terms[0] == "~rollout_stuck"
    assert {"~rollout", "~stuck"} <= set(unit.terms)


def test_a_phrase_inside_another_word_is_no_concept(segmenter: Segmenter) -> None:
    assert "~oom" not in concepts(segmenter, "the room of the zookeeper")
    assert "~dns" not in concepts(segmenter, "dnsmasqish")


def test_a_plural_is_the_same_concept(segmenter: Segmenter) -> None:
    assert concepts(segmenter, "timeouts") == concepts(segmenter, "timeout")


@pytest.mark.parametrize("name", ["CrashLoopBackOff", "OOMKilled", "ImagePullBackOff", "ProgressDeadlineExceeded"])
def test_a_reason_of_the_cluster_is_kept_whole(segmenter: Segmenter, name: str) -> None:
    assert name.lower() in segmenter.terms(f"the pod says {name} again")


def test_an_object_name_is_kept_whole_beside_its_parts(segmenter: Segmenter) -> None:
    unit = segmenter.units("cart-7d9f4-x2x")[0]
    assert unit.terms[0] == "cart-7d9f4-x2x"
    assert "cart" in unit.terms
    assert unit.kind == "technical"


@pytest.mark.parametrize(
    "said", ["exit code 139", "exited with code 139", "退出码 139", "退出码：139", "exit status: 139"]
)
def test_an_exit_code_is_one_term_however_it_is_said(segmenter: Segmenter, said: str) -> None:
    assert "~exit139" in segmenter.terms(said)


def test_short_numbers_are_no_terms_and_long_ones_are(segmenter: Segmenter) -> None:
    assert segmenter.terms("at 3") == []
    assert segmenter.terms("5432") == ["5432"]


def test_chinese_is_cut_into_words_and_a_word_is_one_unit_with_its_parts(segmenter: Segmenter) -> None:
    unit = segmenter.units("操作系统")[-1]
    assert len(segmenter.units("操作系统")) <= 2
    assert all(part in "操作系统" for part in unit.terms)


def test_full_width_letters_are_the_same_letters(segmenter: Segmenter) -> None:
    assert segmenter.terms("ＯＯＭＫｉｌｌｅｄ") == segmenter.terms("OOMKilled")


def test_words_that_tell_nothing_are_left_out(segmenter: Segmenter) -> None:
    assert segmenter.units("how can I do this on it, or off?") == []
    assert segmenter.units("我们应该怎么办呢") == []


def test_everyday_words_are_marked_as_such(segmenter: Segmenter) -> None:
    assert [unit.kind for unit in segmenter.units("yesterday sourdough")] == ["everyday", "plain"]
    assert [unit.kind for unit in segmenter.units("昨天蛋糕")] == ["everyday", "plain"]


@pytest.mark.parametrize(
    ("word", "root"),
    [
        ("policies", "policy"),
        ("classes", "class"),
        ("status", "status"),
        ("restarting", "restart"),
        ("restarted", "restart"),
        ("dropped", "drop"),
        ("scaling", "scal"),
        ("scale", "scale"),
        ("scaled", "scal"),
        ("pods", "pods"),
        ("v1beta1", "v1beta1"),
    ],
)
def test_endings_are_taken_off_lightly(word: str, root: str) -> None:
    assert stem(word) == root


def test_the_dictionary_of_chinese_words_leaves_nothing_in_the_shared_temporary_folder(
    segmenter: Segmenter, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    from knowledge_base import segment

    folder = tmp_path_factory.mktemp("shared")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    segment._dictionary.cache_clear()
    segmenter_again = Segmenter()
    segmenter_again.warm()
    assert segmenter_again.terms("内存溢出") == segmenter.terms("内存溢出")
    assert list(folder.iterdir()) == []


def test_a_page_of_a_megabyte_of_one_phrase_is_no_trap(segmenter: Segmenter) -> None:
    assert len(segmenter.terms("exit code " * 5_000)) > 5_000


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("certifcate", "certificate"),
        ("memroy", "memory"),
        ("Conection refused", "connection refused"),
        ("证书 certficate 过期", "证书 certificate 过期"),
    ],
)
def test_a_slip_of_the_finger_is_put_right(segmenter: Segmenter, typed: str, meant: str) -> None:
    assert segmenter.mended(typed) == meant


@pytest.mark.parametrize(
    "text", ["certificate", "yesterday", "disk", "parcel-router", "TRF-4041", "kubectl", "zzzzzz", "crtfct", "v1beta1"]
)
def test_what_is_known_short_a_name_or_far_from_everything_stays(segmenter: Segmenter, text: str) -> None:
    assert segmenter.mended(text) == text


def test_blanks_without_end_after_an_exit_cost_nothing() -> None:
    blanks = " " * 20_000
    found = re.findall(
        _EXIT, f"exit{blanks}with{blanks}x exited with code {blanks}:{blanks}137, 退出码{blanks}9{blanks}"
    )
    assert found == ["137", "9"]
