import shutil
from dataclasses import replace

import pytest

from medrecog_core.datasets.dataset import ImageRecord
from medrecog_core.datasets.intake import copies
from medrecog_core.datasets.intake.copies import look_same, same_bytes, without_copies
from medrecog_core.datasets.intake.decisions import BY_EVIDENCE
from medrecog_core.datasets.intake.interpretation import Interpretation


@pytest.fixture
def leaned(tmp_path):
    """Write files by path and content, and return what is left of them as images."""

    def lean(files, records, **decided):
        for path, content in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(content)
        images = tuple(ImageRecord(path, *record) for path, record in records.items())
        decisions = replace(BY_EVIDENCE, **decided)
        found = without_copies(tmp_path, Interpretation(images, "", decisions), decisions)
        return (
            [image.path for image in found.images],
            {w.id: w.paths for w in found.warnings},
            {entry.path: entry.reason for entry in found.left_out},
        )

    return lean


FILES = {"a/1": b"one", "a/2": b"one", "b/3": b"one", "b/4": b"two", "b/5": b""}


def test_of_copies_with_one_label_and_split_the_first_is_taken(leaned):
    kept, warnings, left_out = leaned(FILES, dict.fromkeys(FILES, ("nv", "train")))
    assert kept == ["a/1", "b/4", "b/5"]
    assert warnings == {"second-copies": ("a/2", "b/3")}
    assert left_out == dict.fromkeys(("a/2", "b/3"), "an exact copy of a/1")


def test_they_are_kept_on_demand(leaned):
    kept, warnings, _ = leaned(FILES, dict.fromkeys(FILES, ("nv",)), keeps_copies=True)
    assert kept == list(FILES)
    assert warnings == {}


def test_copies_across_splits_or_labels_are_kept_and_said(leaned):
    records = {"a/1": ("nv", "train"), "a/2": ("nv", "test"), "b/4": ("nv",)}
    assert leaned(FILES, records)[:2] == (
        ["a/1", "a/2", "b/4"],
        {"copies-across-splits": ("a/1", "a/2")},
    )
    records = {"a/1": ("nv",), "b/3": ("mel",)}
    assert leaned(FILES, records)[:2] == (
        ["a/1", "b/3"],
        {"copies-across-labels": ("a/1", "b/3")},
    )


def test_files_that_differ_between_their_parts_are_no_copies(tmp_path):
    content = bytearray(10 * copies._PART_BYTES)
    (tmp_path / "a").write_bytes(content)
    content[2 * copies._PART_BYTES] = 1
    (tmp_path / "b").write_bytes(content)
    shutil.copy(tmp_path / "a", tmp_path / "c")
    assert same_bytes(tmp_path, ["a", "b", "c", "gone"]) == [["a", "c"]]
    assert look_same(tmp_path, "a", "c")
    assert not look_same(tmp_path, "a", "gone")


def test_files_of_a_size_of_their_own_are_not_opened(tmp_path, monkeypatch):
    for n in range(3):
        (tmp_path / str(n)).write_bytes(bytes(n + 1))
    monkeypatch.setattr(copies, "_parts", None)
    assert same_bytes(tmp_path, "012") == []
