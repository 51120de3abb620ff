import unicodedata
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets.intake.spelling import (
    merged_spellings,
    missing_words,
    number_of,
    spelling_key,
)

NAMES = st.one_of(
    st.text(min_size=1, max_size=6),
    st.text("aAbB _-é1.0+", min_size=1, max_size=5),
    st.sampled_from(["1", "1.0", "01", "Benign", "benign", "BENIGN ", "no finding", "No_Finding"]),
)


@pytest.mark.parametrize(
    "names",
    [
        ["Benign", "benign", "BENIGN ", "ｂｅｎｉｇｎ", "be\u200bnign"],
        [
            "no finding",
            "No_Finding",
            "no-finding",
            "NO\u00a0FINDING",
            "no  finding",
            "no – finding",
        ],
        ["Nävus", unicodedata.normalize("NFD", "Nävus"), "NÄVUS"],
        ["1", "1.0", "01", "1.", "+1", "１", "1,0"],
        ["0", "0.0", "-0", "00"],
        ["100", "1e2", "100.00"][::2],
        ["grade-1", "grade 1", "Grade_1"],
    ],
)
def test_spellings_of_a_name_have_one_key(names):
    assert len({spelling_key(name) for name in names}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "-1"),
        ("1", "10"),
        ("T 1", "T -1"),
        ("ER+", "ER-"),
        ("+", "-"),
        ("a.b", "ab"),
        ("m2", "m²"),
        ("1", "1,000"),
        ("a", "ä"),
        ("benign", "benigne"),
        ("$a$", "a"),
    ],
)
def test_other_names_have_other_keys(one, other):
    assert spelling_key(one) != spelling_key(other)


@given(st.dictionaries(NAMES, st.integers(1, 9), max_size=8))
def test_merges_join_spellings_only_and_once(counts):
    merges = merged_spellings(counts)
    assert set(merges) == set(counts)
    for old, new in merges.items():
        assert spelling_key(old) == spelling_key(new)
        assert counts[new] >= counts[old]
    merged = Counter()
    for old, n in counts.items():
        merged[merges[old]] += n
    assert len(merged) == len({spelling_key(name) for name in counts})
    assert merged_spellings(merged) == {name: name for name in merged}


@given(st.decimals(-10_000, 10_000, places=2))
def test_numbers_are_read_however_they_are_written(value):
    texts = [f"{value}", f" {value} ", f"{value}".replace(".", ","), f"{value}0"]
    assert [number_of(text) for text in texts] == [value] * 4
    assert {spelling_key(text) for text in texts} == {spelling_key(f"{value.normalize():f}")}


@pytest.mark.parametrize(
    "text", ["", "a", "1.2.3", "1,000", "nan", "inf", "1e5", "١", "1-2", "--1"]
)
def test_what_is_no_number_is_none(text):
    assert number_of(text) is None


def test_a_number_may_end_with_its_point():
    assert number_of("12.") == Decimal(12)


def test_missing_words_are_found_in_any_case():
    words = ["a", "b", "nan", "NaN", "N/A", "", "?", "-", "NULL", "Not  Available", "  "]
    assert missing_words(words) == (frozenset(words) - {"a", "b"}, frozenset())


def test_a_dash_beside_a_plus_is_a_label():
    assert missing_words(["+", "-", "-", "nan"]) == ({"nan"}, frozenset())


def test_none_is_missing_where_it_is_rare_and_a_class_otherwise():
    assert missing_words(["a"] * 9 + ["b"] * 9 + ["None"]) == ({"None"}, frozenset())
    assert missing_words(["a"] * 9 + ["b"] * 9 + ["None"] * 3) == (frozenset(), {"None"})
    # A class as rare as the doubtful word makes that a class too.
    assert missing_words(["a"] * 19 + ["b", "unknown"]) == (frozenset(), {"unknown"})
    assert missing_words(["unknown"]) == (frozenset(), {"unknown"})
