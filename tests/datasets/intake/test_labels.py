from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets.intake.columns import FINDINGS, ONE_HOT, Columns
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.findings import MatchedRow
from medrecog_core.datasets.intake.labels import labels_of_rows, negative_label
from medrecog_core.errors import MedrecogError, UsageError

SINGLE = Columns("image", ("label",))
RATED = Columns("image", ("label",), rater="rater")


def rows(*labels):
    """A row an image, or (image, label) or (image, label, rater)."""
    told = [
        (f"{i}.png", label) if isinstance(label, str) else label for i, label in enumerate(labels)
    ]
    return [
        MatchedRow(path, "t.csv", i, {"label": label, "rater": rater[0] if rater else ""})
        for i, (path, label, *rater) in enumerate(told, 2)
    ]


def marked(names, *values):
    return [
        MatchedRow(f"{i}.png", "t.csv", i + 2, dict(zip(names, row, strict=True)))
        for i, row in enumerate(values)
    ]


def read(found, columns=SINGLE, **decisions):
    return labels_of_rows(found, columns, Decisions(**decisions))


def labels(found, columns=SINGLE, **decisions):
    return dict(read(found, columns, **decisions).label_of)


def said(result):
    return {warning.id: warning.paths for warning in result.warnings}


def test_one_label_each_gives_no_warning():
    result = read(rows("a", "b", "a, b", "c|", "[x]", "10 mm; sharp"))
    assert dict(result.label_of) == {
        "0.png": "a",
        "1.png": "b",
        "3.png": "c|",
        "4.png": "[x]",
        "5.png": "10 mm; sharp",
    }
    assert said(result) == {"several-findings": ("2.png",)}
    assert read(rows("a", "b", "ductal, left", "ductal, right")).warnings == ()


def test_only_images_with_one_finding_are_taken():
    result = read(rows("a", "b", "a|b", "b;a", "a , b", "a|c", "a|a", "['b']", "['a', 'b']"))
    assert dict(result.label_of) == {"0.png": "a", "1.png": "b", "6.png": "a", "7.png": "b"}
    assert said(result)["several-findings"] == ("2.png", "3.png", "4.png", "5.png", "8.png")
    assert {entry.path for entry in result.left_out} == {
        "2.png",
        "3.png",
        "4.png",
        "5.png",
        "8.png",
    }


def test_a_label_with_a_separator_beside_a_known_piece_is_said():
    result = read(rows("a", "b", "a;x"))
    assert result.label_of["2.png"] == "a;x"
    assert said(result) == {"several-findings": ("2.png",)}


@pytest.mark.parametrize("asked", ["a", "A "])
def test_one_finding_is_set_against_the_rest(asked):
    result = read(rows("a", "b", "a|b", "b;c", "x;a", "nan"), finding=asked)
    assert dict(result.label_of) == {
        "0.png": "a",
        "1.png": "no a",
        "2.png": "a",
        "3.png": "no a",
        "4.png": "a",
    }
    assert said(result) == {"unlabelled": ("5.png",)}


def test_an_unknown_finding_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match=r"Unknown finding “z” for --finding\. Available: a, b\."):
        read(rows("a|b", "a"), finding="z")


def test_the_rest_has_a_name_of_its_own():
    names = ["Effusion", "No Finding", "Normal", "No_finding", "Nodule"]
    assert [negative_label(name) for name in names] == [
        *("no Effusion", "other", "other", "other", "no Nodule")
    ]


def test_one_hot_columns_are_labels():
    names = ("MEL", "NV")
    found = marked(names, ("1.0", "0.0"), ("0", "1"), ("true", "False"), ("", "x"))
    result = read(found, Columns("image", names, ONE_HOT))
    assert list(result.label_of.values()) == ["MEL", "NV", "MEL", "NV"]
    assert result.warnings == ()


def test_rows_with_no_several_or_uncertain_findings_are_left_out():
    names = ("A", "B", "C")
    found = marked(
        names,
        ("1", "", ""),
        ("", "1.0", "0"),
        ("1", "1", ""),
        ("0", "0.0", ""),
        ("1", "-1.0", ""),
        ("", "", ""),
        ("-1", "", ""),
    )
    columns = Columns("image", names, FINDINGS)
    result = read(found, columns)
    assert dict(result.label_of) == {"0.png": "A", "1.png": "B"}
    assert said(result) == {
        "several-findings": ("2.png", "3.png"),
        "uncertain-findings": ("4.png", "6.png"),
        "unlabelled": ("5.png",),
    }
    assert result.unlabelled == ("5.png",)
    assert labels(found, columns, uncertain="negative") == {
        "0.png": "A",
        "1.png": "B",
        "4.png": "A",
    }
    assert labels(found, columns, uncertain="positive") == {
        "0.png": "A",
        "1.png": "B",
        "6.png": "A",
    }


@pytest.mark.parametrize(
    ("uncertain", "label"), [("exclude", None), ("positive", "A"), ("negative", "no A")]
)
def test_an_uncertain_finding_counts_as_chosen(uncertain, label):
    names = ("A", "B")
    found = marked(names, ("1", "1"), ("0", "1"), ("-1", "1"), ("", "1"), ("", ""))
    result = read(found, Columns("image", names, FINDINGS), finding="A", uncertain=uncertain)
    expected = {"0.png": "A", "1.png": "no A", "3.png": "no A"}
    assert dict(result.label_of) == expected | ({"2.png": label} if label else {})
    assert result.unlabelled == ("4.png",)
    assert ("2.png" in {entry.path for entry in result.left_out}) == (label is None)
    messages = [w.paths for w in result.warnings if w.id == "uncertain-findings"]
    assert messages == ([("2.png",)] if label is None else []) + [("3.png",)]


def test_a_column_of_one_finding_is_read_as_that():
    found = marked(("A",), ("1.0",), ("0.0",), ("-1.0",), ("",))
    for columns, finding in ((Columns("i", ("A",), FINDINGS), ""), (Columns("i", ("A",)), "A")):
        assert labels(found, columns, finding=finding) == {"0.png": "A", "1.png": "no A"}
    plain = read(found, Columns("i", ("A",)))
    assert said(plain)["uncertain-findings"] == ("2.png",)
    assert plain.unlabelled == ("3.png",)


def test_findings_of_which_one_is_alone_are_refused_with_the_option():
    names = ("A", "B")
    found = marked(names, ("1", ""), ("1", "1"), ("-1", ""))
    with pytest.raises(MedrecogError, match=r"only of “A”.*--finding NAME.*A \(2\), B \(1\)"):
        read(found, Columns("image", names, FINDINGS))


def test_a_mark_that_is_none_is_refused_with_its_place():
    with pytest.raises(MedrecogError, match=r"t\.csv row 3 has “0\.7” in the column “A”"):
        read(marked(("A", "B"), ("1", "0"), ("0.7", "0")), Columns("image", ("A", "B"), ONE_HOT))


def test_missing_labels_are_kept_apart():
    result = read(rows("a", "b", "nan", "N/A", "", "?", "a"))
    assert result.unlabelled == ("2.png", "3.png", "4.png", "5.png")
    assert said(result) == {"unlabelled": result.unlabelled}
    kept = read(rows("a", "b", "NA"), merged_classes=("NA=NA",))
    assert kept.label_of["2.png"] == "NA"
    assert kept.warnings == ()


def test_a_doubtful_label_is_a_class_and_said():
    result = read(rows("a", "None", "None"))
    assert result.label_of["1.png"] == "None"
    assert said(result) == {"unlabelled": ("1.png", "2.png")}


def test_rows_that_agree_are_one_label():
    found = rows(
        ("x", "a"), ("x", "a"), ("x", ""), ("y", "Benign"), ("y", "benign"), ("z", "benign")
    )
    result = read(found)
    assert dict(result.label_of) == {"x": "a", "y": "benign", "z": "benign"}
    assert result.warnings == ()


def test_raters_who_disagree_are_refused_by_default():
    found = rows(("x", "a", "R1"), ("x", "b", "R2"), ("y", "a", "R1"), ("y", "a", "R2"))
    for columns in (SINGLE, RATED):
        with pytest.raises(
            MedrecogError,
            match=r"1 image has different labels .*x \(“a” in t\.csv row 2; “b” in t\.csv row 3\)"
            r".*--on-conflict majority.*--on-conflict unanimous",
        ):
            read(found, columns)


def test_conflicts_are_settled_by_choice():
    found = rows(
        *(("x", label, f"R{i}") for i, label in enumerate("aba")),
        *(("y", label, f"R{i}") for i, label in enumerate("ab")),
        *(("z", label, f"R{i}") for i, label in enumerate("bb")),
    )
    majority = read(found, RATED, on_conflict="majority")
    assert dict(majority.label_of) == {"x": "a", "z": "b"}
    assert said(majority) == {"label-conflicts": ("x", "y")}
    assert [entry.path for entry in majority.left_out] == ["y"]
    unanimous = read(found, RATED, on_conflict="unanimous")
    assert dict(unanimous.label_of) == {"z": "b"}
    assert said(unanimous) == {"label-conflicts": ("x", "y")}
    assert [entry.path for entry in unanimous.left_out] == ["x", "y"]


def test_several_findings_of_one_rater_are_no_conflict():
    found = rows(
        ("x", "a", "R1"),
        ("x", "b", "R1"),
        ("y", "a", "R1"),
        ("y", "a", "R1"),
        ("z", "b", "R2"),
    )
    result = read(found, RATED)
    assert dict(result.label_of) == {"y": "a", "z": "b"}
    assert said(result) == {"several-findings": ("x",)}
    assert labels(found, RATED, finding="b") == {"x": "b", "y": "no b", "z": "b"}


@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("abc"), st.sampled_from("1234"))),
    st.sampled_from(["majority", "unanimous"]),
)
def test_votes_are_counted_as_by_hand(votes, rule):
    everyone = [*votes, ("u", "a", "1"), ("v", "b", "1")]
    result = read(rows(*everyone), RATED, on_conflict=rule)
    expected = {}
    for image in {image for image, _, _ in everyone}:
        ballots = [
            frozenset(label for i, label, who in everyone if (i, who) == (image, rater))
            for rater in {who for i, _, who in everyone if i == image}
        ]
        counts = Counter(ballots)
        winners = [b for b in counts if counts[b] == max(counts.values())]
        if len(winners) == 1 and (rule == "majority" or len(counts) == 1):
            (winner,) = winners
            if len(winner) == 1:
                expected[image] = min(winner)
    assert dict(result.label_of) == expected
    everything = {*result.label_of, *(entry.path for entry in result.left_out)}
    assert everything == {image for image, _, _ in everyone}
    assert len(result.label_of) + len(result.left_out) == len(everything)


MARK = st.sampled_from(["1", "0", "-1", "", "1.0", "nan"])


@given(
    st.lists(st.tuples(MARK, MARK), max_size=12),
    st.sampled_from(["exclude", "positive", "negative"]),
    st.sampled_from(["", "A", "B"]),
)
def test_every_row_is_a_label_or_named(marks, uncertain, finding):
    found = marked(("A", "B"), ("1", "0"), ("0", "1"), *marks)
    result = read(found, Columns("i", ("A", "B"), FINDINGS), finding=finding, uncertain=uncertain)
    paths = [*result.label_of, *(entry.path for entry in result.left_out), *result.unlabelled]
    assert sorted(paths) == sorted(row.path for row in found)
    named = {path for warning in result.warnings for path in warning.paths}
    assert named.issuperset(set(paths) - set(result.label_of))
    as_one = {"positive": "1", "negative": "0", "exclude": "-1"}[uncertain]
    for row in found:
        values = {n: v.replace("-1", as_one).removesuffix(".0") for n, v in row.values.items()}
        expected = [name for name in "AB" if values[name] == "1"]
        if finding and row.path in result.label_of:
            assert result.label_of[row.path] == (
                finding if finding in expected else f"no {finding}"
            )
        elif row.path in result.label_of:
            assert [result.label_of[row.path]] == expected
            assert "-1" not in values.values()
