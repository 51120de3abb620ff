import zipfile

import numpy as np
import pytest
from PIL import Image

from medrecog_core.datasets.archive import Bounds, unpack
from medrecog_core.datasets.intake.decisions import BY_EVIDENCE
from medrecog_core.datasets.intake.medmnist import write_images
from medrecog_core.datasets.intake.source import interpretations
from medrecog_core.datasets.intake.survey import survey_folder
from medrecog_core.errors import MedrecogError

N = {"train": 6, "val": 2, "test": 3}


def write(path, *, side=5, colours=(), **other):
    rng = np.random.default_rng(0)
    arrays = {}
    for split, n in N.items():
        shape = (n, side, side + 1, *colours)
        arrays[f"{split}_images"] = rng.integers(0, 256, shape, np.uint8)
        arrays[f"{split}_labels"] = (np.arange(n, dtype=np.uint8) % 3).reshape(n, 1)
    np.savez_compressed(path, **{**arrays, **other})
    return {**arrays, **other}


@pytest.mark.parametrize("colours", [(), (3,)])
def test_images_labels_and_split_are_those_of_the_arrays(tmp_path, colours):
    arrays = write(tmp_path / "set.npz", colours=colours)
    unpack([tmp_path / "set.npz"], tmp_path / "images")
    survey = survey_folder(tmp_path / "images")
    (found,) = interpretations(survey, BY_EVIDENCE)
    assert len(found.images) == sum(N.values())
    assert found.warnings == ()
    for image in found.images:
        split, label, name = image.path.split("/")
        number = int(name.removesuffix(".png")) - 1
        assert (image.split, image.label) == (split, label)
        assert int(arrays[f"{split}_labels"][number, 0]) == int(label)
        pixels = np.asarray(Image.open(tmp_path / "images" / image.path))
        assert np.array_equal(pixels, arrays[f"{split}_images"][number])


def test_labels_may_be_a_plain_row_and_the_val_part_may_be_absent(tmp_path):
    arrays = write(tmp_path / "all.npz")
    part = {name: a for name, a in arrays.items() if not name.startswith("val")}
    part["train_labels"] = part["train_labels"][:, 0].astype(np.int64)
    np.savez(tmp_path / "set.npz", **part)
    write_images(tmp_path / "set.npz", tmp_path / "images", 10**9)
    assert {p.name for p in (tmp_path / "images").iterdir()} == {"train", "test"}


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"train_labels": np.zeros((6, 14), np.uint8)}, "several labels an image"),
        ({"train_labels": np.zeros((6, 1))}, "labels that are no numbers"),
        ({"train_labels": np.zeros((5, 1), np.uint8)}, "6 images and 5 labels"),
        ({"train_images": np.zeros((6, 4, 4, 4), np.uint8)}, "4 x 4 x 4 arrays"),
        ({"train_images": np.zeros((6, 4, 4), np.float32)}, "float32"),
        ({"train_images": np.asfortranarray(np.zeros((6, 4, 4), np.uint8))}, "by columns"),
        ({"train_labels": np.array([None] * 6, object)}, "labels that are no numbers"),
    ],
)
def test_other_arrays_are_refused_and_leave_nothing(tmp_path, other, words):
    write(tmp_path / "set.npz", **other)
    with pytest.raises(MedrecogError, match=words):
        unpack([tmp_path / "set.npz"], tmp_path / "images")
    assert not (tmp_path / "images").exists()


def test_files_without_these_arrays_and_damaged_ones_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    (tmp_path / "b.npz").write_bytes(b"nothing")
    write(tmp_path / "c.npz")
    whole = (tmp_path / "c.npz").read_bytes()
    (tmp_path / "c.npz").write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as made:
        for name in ("train_images.npy", "train_labels.npy"):
            made.writestr(name, b"\x93NUMPY\1\0\x76\0{'descr'")
    for name, words in (("a", "no arrays"), ("b", "damaged"), ("c", "damaged"), ("d", "damaged")):
        with pytest.raises(MedrecogError, match=words):
            unpack([tmp_path / f"{name}.npz"], tmp_path / "images")


def test_the_bound_on_bytes_holds(tmp_path):
    write(tmp_path / "set.npz")
    with pytest.raises(MedrecogError, match="more than the"):
        unpack([tmp_path / "set.npz"], tmp_path / "images", Bounds(n_bytes=100))
