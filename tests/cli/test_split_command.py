import csv
from pathlib import Path

import pytest

from medrecog_core.datasets import Protocol, library, split_images
from tests.textures import CLASSES

from .conftest import Call


def test_folds_are_those_of_a_run_and_are_told(call: Call, known: Path) -> None:
    answer = call("datasets", "split", "textures", "--protocol", "k-fold", "--folds", "2", "--json")
    assert answer.status == 0
    assert answer.json["folds"] == [{"n_train": 6, "n_test": 6}] * 2
    assert answer.json["kind"] == "stratified 2-fold cross-validation, seed 0"
    assert (
        "fold 2: 6 training and 6 test images"
        in call("datasets", "split", "textures", "--protocol", "k-fold", "--folds", "2").out
    )


def test_a_written_hold_out_is_a_given_split_of_the_same_images(
    call: Call, known: Path, tmp_path: Path
) -> None:
    file = tmp_path / "split.csv"
    assert call("datasets", "split", "textures", "--seed", "3", "--to", file).status == 0
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    images = library.load("textures").images
    fold = split_images(images, Protocol(seed=3)).folds[0]
    assert [row["path"] for row in rows if row["split"] == "test"] == [
        images[i].path for i in fold.test
    ]
    assert {row["label"] for row in rows} == set(CLASSES)


@pytest.mark.parametrize(
    ("options", "status", "word"),
    [
        (["--protocol", "bootstrap"], 2, "Unknown protocol “bootstrap”"),
        (["--protocol", "leave-one-group-out"], 1, "has no groups"),
        (["--to", "/nowhere/split.csv"], 1, "Cannot write to /nowhere/split.csv"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    call: Call, known: Path, options: list[str], status: int, word: str
) -> None:
    answer = call("datasets", "split", "textures", *options)
    assert answer.status == status
    assert word in answer.sentence
