import unicodedata
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets import ImageRecord
from medrecog_core.datasets.intake.classes import (
    binned,
    choose_classes,
    is_measurement,
    is_name_like,
    merged_spellings,
    missing_words,
    number_of,
    proposed_limits,
    small_classes,
    spelling_key,
)
from medrecog_core.datasets.intake.decisions import BY_EVIDENCE, Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.errors import MedrecogError, UsageError

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


AGES = [str(12 + 7 * i + i % 3) for i in range(20)]


@pytest.mark.parametrize(
    "labels",
    [
        AGES,
        [f"{i / 2}" for i in range(12)] * 9,
        [f"{i},5" for i in range(12)] * 9,
        [str(i) for i in range(40)] * 3
        + ["50", "61", "72", "83", "90", "91", "92", "93", "94", "95", "96"] * 2,
    ],
)
def test_measurements_are_noticed(labels):
    assert is_measurement(labels)


@pytest.mark.parametrize(
    "labels",
    [
        ["0", "1"] * 9,
        ["0", "1"],
        ["0.0", "1.0", "2.0"],
        [str(i) for i in range(10)],
        [str(i) for i in range(67)] * 3,
        [*AGES, "unknown"],
        [f"class {i}" for i in range(30)],
        [],
    ],
)
def test_numbers_of_classes_are_none(labels):
    assert not is_measurement(labels)


def test_limits_are_round_and_part_the_values_in_three():
    limits = proposed_limits(AGES)
    assert limits == (50, 100)
    counts = [
        sum(binned(age, limits) == name for age in AGES) for name in ("< 50", "50 to 100", ">= 100")
    ]
    assert sum(counts) == len(AGES)
    assert min(counts) >= 5
    assert proposed_limits(["1"] * 30 + ["2", "3"]) == (2,)


@given(
    st.lists(st.integers(-999, 999), min_size=12, max_size=60, unique=True),
    st.sampled_from([1, 10, 1000]),
)
def test_proposed_limits_always_make_several_bins(values, scale):
    labels = [f"{value / scale}" for value in values]
    limits = proposed_limits(labels)
    assert list(limits) == sorted(set(limits))
    assert len({binned(label, limits) for label in labels}) == len(limits) + 1


def test_a_limit_belongs_to_the_bin_above():
    found = [
        binned(value, (60, 120.5)) for value in ("59.99", "60", "120,4", "120.5", "-1", "1000")
    ]
    assert found == ["< 60", "60 to 120.5", "60 to 120.5", ">= 120.5", "< 60", ">= 120.5"]


def test_what_is_no_number_is_in_no_bin():
    with pytest.raises(MedrecogError, match="“old” is not a number"):
        binned("old", (1,))


def interpreted(*labels, split=""):
    parts = [split] * len(labels) if isinstance(split, str) else split
    images = tuple(
        ImageRecord(f"{i:03}.png", label, part)
        for i, (label, part) in enumerate(zip(labels, parts, strict=True))
    )
    return Interpretation(images, "labels", BY_EVIDENCE)


def chosen(found, **decisions):
    return choose_classes(found, Decisions(**decisions))


def counts(found):
    return dict(Counter(image.label for image in found.images))


def ids(found):
    return [warning.id for warning in found.warnings]


def test_plain_classes_stay_as_they_are():
    found = interpreted(*"aab", "No Finding", "100", "T1_*_$a$ & $b$")
    assert chosen(found) == found


def test_spellings_are_said_and_merged_by_choice():
    found = interpreted("Benign", "benign", "benign", "BENIGN", "Malignant", "other")
    said = chosen(found)
    assert said.images == found.images
    assert ids(said) == ["similar-class-names"]
    assert said.warnings[0].paths == ("000.png", "003.png")
    assert "--merge-class BENIGN=benign --merge-class Benign=benign" in said.warnings[0].message
    merged = chosen(found, merges_spellings=True)
    assert counts(merged) == {"benign": 4, "Malignant": 1, "other": 1}
    assert merged.warnings == ()
    assert chosen(merged, merges_spellings=True).images == merged.images


def test_one_number_in_several_ways_is_a_spelling():
    found = chosen(interpreted("1", "1.0", "01", "0", "0"), merges_spellings=True)
    assert sorted(counts(found).values()) == [2, 3]


def test_missing_labels_are_kept_apart():
    found = chosen(interpreted("a", "b", "nan", "N/A", "a"))
    assert counts(found) == {"a": 2, "b": 1}
    assert found.unlabelled == ("002.png", "003.png")
    assert ids(found) == ["unlabelled"]
    assert found.warnings[0].paths == found.unlabelled


def test_a_missing_word_can_be_a_class_by_choice():
    found = chosen(interpreted("a", "b", "NA", "NA"), merged_classes=("NA=NA",))
    assert counts(found) == {"a": 1, "b": 1, "NA": 2}
    assert found.warnings == ()


def test_a_class_that_may_mean_a_missing_label_is_said():
    found = chosen(interpreted("a", "a", "None", "None"))
    assert counts(found) == {"a": 2, "None": 2}
    assert ids(found) == ["unlabelled"]
    assert found.warnings[0].paths == ("002.png", "003.png")
    assert chosen(interpreted("a", "a", "b", "None"), excluded_classes=("None",)).warnings == ()


@pytest.mark.parametrize("name", ["unknown", "images", "test", "whatever"])
@pytest.mark.parametrize("part", ["test", "val"])
def test_a_part_of_one_class_that_is_none_to_train_on_is_unlabelled(name, part):
    found = chosen(interpreted("a", "b", name, name, split=["train", "train", part, part]))
    assert counts(found) == {"a": 1, "b": 1}
    assert found.unlabelled == ("002.png", "003.png")
    assert ids(found) == ["unlabelled"]


def test_a_class_to_test_on_stays_where_it_may_be_one_to_train_on():
    parts = ["train", "train", "test"]
    for name in ("b", "B", "b_left"):
        found = chosen(interpreted("a", "b", name, split=parts))
        assert len(found.images) == 3
        assert found.unlabelled == ()
    assert is_name_like("adenocarcinoma", "adenocarcinoma left.lower.lobe t2 n0 m0 ib")
    assert not is_name_like("benign", "benignant")


def test_a_measurement_is_refused_with_bins_or_binned():
    found = interpreted(*(str(12 + 7 * i + i % 3) for i in range(20)))
    with pytest.raises(MedrecogError, match=r"measurement: 20 different.*--bins 50,100"):
        chosen(found)
    assert counts(chosen(found, bins=(60.0, 120.0))) == {"< 60": 7, "60 to 120": 9, ">= 120": 4}


def test_many_numbers_with_gaps_are_said():
    labels = [str(i) for i in [*range(5), *range(20, 30)]] * 5
    found = chosen(interpreted(*labels))
    assert ids(found) == ["measurement"]
    assert "--bins" in found.warnings[0].message
    assert len(found.classes) == 15
    assert chosen(interpreted(*[str(i) for i in range(30)] * 5)).warnings == ()


def test_classes_are_merged_left_out_and_kept_by_choice():
    found = interpreted(*"aabbccd")
    assert counts(chosen(found, merged_classes=("a=x", "b=x"))) == {"x": 4, "c": 2, "d": 1}
    assert counts(chosen(found, merged_classes=("a=b", "b=a"))) == {"a": 2, "b": 2, "c": 2, "d": 1}
    kept = chosen(found, only_classes=("a", "b"))
    assert counts(kept) == {"a": 2, "b": 2}
    assert [entry.path for entry in kept.left_out] == ["004.png", "005.png", "006.png"]
    assert counts(chosen(found, excluded_classes=("d",))) == {"a": 2, "b": 2, "c": 2}
    both = chosen(found, merged_classes=("d=c",), excluded_classes=("c",))
    assert counts(both) == {"a": 2, "b": 2}


@pytest.mark.parametrize(
    ("field", "value", "option"),
    [
        ("only_classes", "z", "--only-class"),
        ("excluded_classes", "z", "--exclude-class"),
        ("merged_classes", "z=a", "--merge-class"),
    ],
)
def test_unknown_classes_are_refused_with_the_known_ones(field, value, option):
    with pytest.raises(UsageError, match=f"Unknown class “z” for {option}. Available: a, b"):
        chosen(interpreted(*"ab"), **{field: (value,)})


def test_one_class_is_refused_with_the_options():
    for found, decisions in (
        (interpreted("a", "a"), {}),
        (interpreted("a", "b"), {"only_classes": ("a",)}),
        (interpreted("a", "nan"), {}),
    ):
        with pytest.raises(MedrecogError, match=r"only class “a”.*--label-column or --class-level"):
            chosen(found, **decisions)


def test_one_class_beside_a_table_points_at_the_table():
    found = replace(
        interpreted("a", "a"),
        reasons=("One folder.", "t.csv names 2 images. Use --labels to read it"),
    )
    with pytest.raises(MedrecogError, match=r"Use --labels to read it\.$"):
        chosen(found)


def test_small_classes_are_said():
    images = interpreted(*"aaabbc").images
    assert [(w.id, w.paths) for w in small_classes(images)] == [("small-class", ("005.png",))]
    assert "--exclude-class c" in small_classes(images)[0].message
    grouped = [
        ImageRecord("1", "a", group="p"),
        ImageRecord("2", "a", group="p"),
        ImageRecord("3", "b", group="p"),
        ImageRecord("4", "b", group="q"),
    ]
    assert [w.paths for w in small_classes(grouped)] == [("1", "2")]
    many = small_classes(interpreted(*"aabcdef").images)
    assert [w.paths for w in many] == [("002.png", "003.png", "004.png", "005.png", "006.png")]
    assert "--exclude-class b --exclude-class c --exclude-class d" in many[0].message
    one_group = [ImageRecord(i.path, i.label, group="p") for i in grouped]
    assert small_classes(one_group) == []
    given_split = interpreted("a", "b", "a", "b", split=["train", "train", "test", "test"])
    assert small_classes(given_split.images) == []


LABELS = st.lists(
    st.sampled_from(
        ["a", "A", "a ", "b", "B", "c", "nan", "N/A", "None", "1", "1.0", "x y", "x_y"]
    ),
    min_size=1,
    max_size=25,
)


@given(LABELS, st.booleans(), st.sampled_from(["", "a", "nan"]), st.sampled_from(["", "a", "c"]))
def test_every_image_is_imported_or_named(labels, merges, excluded, only):
    found = interpreted(*labels)
    decisions = {
        "merges_spellings": merges,
        "excluded_classes": (excluded,) if excluded else (),
        "only_classes": (only,) if only and only != excluded else (),
    }
    try:
        result = chosen(found, **decisions)
    except MedrecogError:
        return
    imported = [image.path for image in result.images]
    left_out = [entry.path for entry in result.left_out]
    assert sorted([*imported, *left_out, *result.unlabelled]) == [i.path for i in found.images]
    label_of = {image.path: image.label for image in found.images}
    for image in result.images:
        assert spelling_key(image.label) == spelling_key(label_of[image.path])
    said = {path for warning in result.warnings for path in warning.paths}
    assert said.issuperset(result.unlabelled)
    keys = Counter(spelling_key(label) for label in result.classes)
    assert max(keys.values(), default=1) == 1 or "similar-class-names" in ids(result)
