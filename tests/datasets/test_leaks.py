from pathlib import Path

from medrecog_core.datasets import Dataset, FileState, ImageRecord
from medrecog_core.datasets.leaks import (
    duplicate_findings,
    group_findings,
    near_duplicate_findings,
)


def image(path, content="", label="nv", split="", group=""):
    return ImageRecord(path, label, split, group, FileState(content or path, 1, 1))


def dataset(*images):
    fillers = (image("y1", label="mel"), image("z1", label="nv"))
    whole = sorted((*images, *fillers), key=lambda each: each.path)
    return Dataset("skin", Path("/images"), tuple(whole), "a folder a class")


def by_kind(findings):
    return {finding.kind: finding for finding in findings}


def pair_of(whole, first, second):
    paths = [each.path for each in whole.images]
    return tuple(sorted((paths.index(first), paths.index(second))))


def test_a_data_set_of_different_files_has_no_duplicates():
    assert duplicate_findings(dataset(image("a"), image("b"))) == []


def test_of_copies_in_one_class_and_split_all_but_the_first_are_excluded():
    (found,) = duplicate_findings(dataset(image("a", "x"), image("b", "x"), image("c", "x")))
    assert (found.kind, found.severity) == ("duplicates", "warning")
    assert found.sets == (("a", "b", "c"),)
    assert found.to_exclude == ("b", "c")
    assert "no predefined split" in found.words


def test_of_copies_across_splits_those_outside_the_test_are_excluded():
    copies = [image("a", "x", split="train"), image("b", "x", split="test")]
    more = [image("c", "x", split="val"), image("d", "y", split="val"), image("e", "y", "nv")]
    found = by_kind(duplicate_findings(dataset(*copies, *more)))["duplicates-across-splits"]
    assert found.severity == "severe"
    assert found.to_exclude == ("a", "c", "e")


def test_of_copies_across_classes_all_are_excluded():
    (found,) = duplicate_findings(dataset(image("a", "x"), image("b", "x", label="mel")))
    assert (found.kind, found.severity) == ("duplicates-across-classes", "severe")
    assert found.to_exclude == ("a", "b")


def test_near_duplicates_are_told_apart_by_split_and_class():
    whole = dataset(
        image("a", split="train"),
        image("b", split="test"),
        image("c", split="test", label="mel"),
        image("d", split="train"),
    )
    pairs = [pair_of(whole, *names) for names in ("ab", "bc", "ad")]
    findings, n_expected = near_duplicate_findings(whole, pairs)
    found = by_kind(findings)
    assert n_expected == 0
    assert found["near-duplicates-across-splits"].sets == (("a", "b"),)
    assert found["near-duplicates-across-splits"].to_exclude == ("a",)
    assert found["near-duplicates-across-classes"].to_exclude == ("b", "c")
    assert found["near-duplicates"].to_exclude == ("d",)


def test_images_of_one_group_are_expected_to_look_alike():
    whole = dataset(image("a", group="p1"), image("b", group="p1"))
    assert near_duplicate_findings(whole, [pair_of(whole, "a", "b")]) == ([], 1)


def test_exact_duplicates_are_not_counted_as_near_ones_too():
    whole = dataset(image("a", "x"), image("b", "x"))
    assert near_duplicate_findings(whole, [pair_of(whole, "a", "b")]) == ([], 0)


def test_groups_in_more_than_one_split_are_found():
    whole = dataset(
        image("a", split="train", group="p1"),
        image("b", split="train", group="p1"),
        image("c", split="test", group="p1"),
        image("d", split="train", group="p2"),
        image("e", split="train", group="p2"),
        image("f", split="test"),
        image("g", split="train"),
    )
    (found,) = group_findings(whole)
    assert (found.kind, found.severity) == ("groups-across-splits", "severe")
    assert found.sets == (("a", "b", "c"),)
    assert found.to_exclude == ("a", "b")
    assert "1 of 2 groups" in found.words


def test_excluding_a_finding_mends_it():
    whole = dataset(
        image("a", "x", split="train", group="p1"),
        image("b", "x", split="test", group="p2"),
        image("c", split="test", group="p1"),
        image("d", "w"),
        image("e", "w"),
    )
    for find in (duplicate_findings, group_findings):
        for finding in find(whole):
            left = [each for each in whole.images if each.path not in finding.to_exclude]
            mended = Dataset("skin", whole.root, tuple(left), whole.layout)
            assert finding.kind not in by_kind(find(mended))
