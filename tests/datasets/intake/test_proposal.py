import shutil

from PIL import Image

from medrecog_core.datasets import Decisions
from medrecog_core.datasets.intake.proposal import propose


def write(root, *paths):
    for number, path in enumerate(paths):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, 9, 9)).save(file)


def warned(root, **decided):
    found = propose("x", root, Decisions(**decided)).dataset.warnings
    return {warning.id: warning.paths for warning in found}


def test_a_class_that_is_small_without_its_copies_is_said(tmp_path):
    write(tmp_path, "a/0.png", "a/1.png", "b/0.png")
    shutil.copy(tmp_path / "b/0.png", tmp_path / "b/1.png")
    assert warned(tmp_path) == {"second-copies": ("b/1.png",), "small-class": ("b/0.png",)}
    assert warned(tmp_path, keeps_copies=True) == {}


def test_versions_of_an_image_are_said_and_the_way_out_works(tmp_path):
    write(tmp_path, *(f"{c}/{i}{v}.png" for c in "ab" for i in "12" for v in ("", "_aug1")))
    assert set(warned(tmp_path)) == {"image-versions"}
    assert warned(tmp_path, group_pattern=r"(\w/\d)") == {}


def test_a_given_split_needs_no_two_images_of_a_class(tmp_path):
    write(tmp_path, "train/a/0.png", "train/b/0.png", "test/a/1.png")
    assert warned(tmp_path) == {}
