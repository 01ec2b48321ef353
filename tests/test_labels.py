"""Labels, and what ``unknown`` and ``silence`` mean."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanmadi.errors import LabelError
from hanmadi.labels import COURSE_LABELS, SILENCE, UNKNOWN, LabelSet, make_labels, normal_word, word_key


def test_the_course_has_twelve() -> None:
    assert make_labels().labels == COURSE_LABELS
    assert len(COURSE_LABELS) == 12
    assert COURSE_LABELS[-2:] == (UNKNOWN, SILENCE)


def test_words_keep_their_order_and_get_the_other_two() -> None:
    labels = make_labels(["b", "unknown", "a", "_silence_"])
    assert labels.labels == ("b", "a", "unknown", "silence")
    assert labels.keywords == ("b", "a")


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("yes", "yes"), (" yes ", "yes"), ("bed", "unknown"), ("_unknown_", "unknown"), ("unknown", "unknown"),
        ("silence", "silence"), ("_silence_", "silence"),
    ],
)  # fmt: skip
def test_every_word_has_its_label(word: str, label: str) -> None:
    labels = make_labels()
    index = labels.index_of(word)
    assert index is not None
    assert labels.labels[index] == label


@pytest.mark.parametrize(
    "word",
    ["Hey Jarvis", "hey  jarvis", " HEY JARVIS", "hey\u3000jarvis", "ｈｅｙ jarvis", "hey jar\u200bvis",
     "\ufeffhey jarvis", "hey jar\u00advis"],
)  # fmt: skip
def test_capitals_and_spaces_make_no_other_word(word: str) -> None:
    assert make_labels(["hey jarvis", "no"]).index_of(word) == 0
    assert make_labels([word, "no"]).index_of("hey jarvis") == 0
    assert word_key(word) == "hey jarvis"
    assert make_labels(["no", "Unknown", "_Silence_"]).labels == ("no", "unknown", "silence")


def test_silence_is_never_an_unknown_word() -> None:
    assert LabelSet(("yes", "unknown")).index_of("_silence_") is None
    assert LabelSet(("yes", "no")).index_of("bed") is None


@pytest.mark.parametrize("word", ["예", "café", "아니요"])
def test_the_same_word_in_composed_and_decomposed_letters(word: str) -> None:
    """A Mac's archive may write 예 in two code points where a keyboard types one."""
    apart = unicodedata.normalize("NFD", word)
    assert apart != word
    assert make_labels([word, "x"]).index_of(apart) == 0
    assert make_labels([apart, "x"]).index_of(word) == 0
    with pytest.raises(LabelError, match="more than once"):
        make_labels([word, apart])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "at least one word"), (["unknown", "_silence_"], "at least one word"), (["a", " a"], "more than once"),
        (["a", " "], "empty one"), ("yes", "one string"),
    ],
)  # fmt: skip
def test_words_that_cannot_be_used(words: list[str] | str, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        make_labels(words)


def test_one_label_tells_nothing_apart() -> None:
    with pytest.raises(LabelError, match="at least two"):
        LabelSet(("yes",))


HOSTILE = (
    "../../x", "..", ".", "/x", "a/b", "a\\b", "x??/", "a\nb", "a\0b", "\x1b[2J", "\x9b2J", "a\x7f", "a\u2028b",
    "a\ud800", "a\u202eb", "a" * 65, "", " ", "\t", 1, None, ["a"],
)  # fmt: skip


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_that_could_do_harm(label: object) -> None:
    with pytest.raises(LabelError):
        LabelSet(("yes", label))  # type: ignore[arg-type]
    with pytest.raises(LabelError):
        make_labels(["yes", label])  # type: ignore[list-item]


@pytest.mark.parametrize(
    "label", ["a" * 64, "hey jarvis", "what?", "예", "don't", "<b>", "=1+1", "a:b", "café.", "می\u200cرود"]
)
def test_labels_that_may_be(label: str) -> None:
    assert LabelSet(("yes", label)).labels[1] == label


@pytest.mark.parametrize(
    "pair", [("yes", "yes"), ("yes", "Yes"), ("yes", " yes"), ("silence", "_silence_"), ("é", "e\u0301")]
)
def test_labels_that_are_one(pair: tuple[str, str]) -> None:
    with pytest.raises(LabelError, match="more than once"):
        LabelSet(pair)


def test_as_many_labels_as_can_be_meant() -> None:
    assert len(LabelSet(tuple(f"w{i}" for i in range(1_000)))) == 1_000
    with pytest.raises(LabelError, match="at most 1000"):
        LabelSet(tuple(f"w{i}" for i in range(1_001)))


@given(st.text())
def test_normal_words_stay(word: str) -> None:
    assert normal_word(normal_word(word)) == normal_word(word)
