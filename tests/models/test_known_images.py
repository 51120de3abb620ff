from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from medrecog_core.datasets.health.measurements import measure_image, measurement_key
from medrecog_core.images import Image, UnreadableImageError
from medrecog_core.models import KnownImages, Model, describe_copies, name_copies
from medrecog_core.models.known_images import index_known_images
from medrecog_core.runs import Run


@pytest.fixture
def run(finished: Run) -> Run:
    return finished


def saved_again(file: Path, to: Path) -> bytes:
    """Return the picture as a darker JPEG, whose bytes and pixels differ."""
    with Picture.open(file) as image:
        image.convert("RGB").point(lambda value: 0.9 * value).save(to, quality=80)
    return to.read_bytes()


def test_every_image_of_the_run_is_recognised_with_its_part_and_label(
    model: Model, run: Run
) -> None:
    tested = {image.path for image in run.tested_images()}
    for image in run.images():
        copies = model.copies_of(Path(image.path).read_bytes())
        assert copies is not None
        first = copies[0]
        assert (first.sha256, first.label) == (image.sha256, image.label)
        assert (first.is_exact, first.is_test) == (True, image.path in tested)
        assert all(not copy.is_exact for copy in copies[1:])


def test_a_picture_saved_again_is_a_near_copy(model: Model, run: Run, tmp_path: Path) -> None:
    for image in (run.trained_images()[0], run.tested_images()[0]):
        copies = model.copies_of(saved_again(Path(image.path), tmp_path / "again.jpg"))
        assert copies is not None
        assert image.sha256 in {copy.sha256 for copy in copies}
        assert not any(copy.is_exact for copy in copies)


def test_a_new_picture_is_no_copy(model: Model, tmp_path: Path) -> None:
    slope = np.linspace(0, 255, 96).astype(np.uint8)
    Picture.fromarray(np.tile(slope, (96, 1))).save(tmp_path / "new.png")
    assert model.copies_of((tmp_path / "new.png").read_bytes()) == ()


def test_an_image_that_is_trained_on_is_no_test_image(run: Run) -> None:
    known = index_known_images(run.images(), run.tested_images(), {})
    assert len(known.sha256s) == len(run.images())
    assert not known.is_test.any()


def test_images_whose_files_are_gone_or_blank_are_recognised_by_their_bytes_alone(
    tmp_path: Path,
) -> None:
    Picture.new("L", (64, 64), 120).save(tmp_path / "blank.png")
    blank = (tmp_path / "blank.png").read_bytes()
    images = [
        Image(str(tmp_path / "gone.png"), "0" * 64, "a", ""),
        Image(str(tmp_path / "blank.png"), "1" * 64, "b", ""),
    ]
    known = index_known_images(images, [], {})
    assert not known.can_compare.any()
    assert known.copies_of(blank) == ()
    with pytest.raises(UnreadableImageError):
        known.copies_of(b"Dear doctor")


def test_measured_images_are_not_read_again(run: Run) -> None:
    image = run.images()[0]
    measured = measure_image(Path(image.path).read_bytes())
    gone = replace(image, path="/gone.png")
    known = index_known_images(
        [gone], [], {measurement_key(image.sha256, image.rendering): measured}
    )
    assert known.can_compare.all()
    assert known.hashes[0] == measured.perceptual_hash


def test_a_model_of_an_earlier_version_knows_exact_copies_of_training_images(
    model: Model, run: Run, tmp_path: Path
) -> None:
    old = replace(model, known_images=None)
    learnt = run.trained_images()[0]
    (copy,) = old.copies_of(Path(learnt.path).read_bytes()) or ()
    assert (copy.sha256, copy.label, copy.is_test) == (learnt.sha256, learnt.label, False)
    assert old.copies_of(Path(run.tested_images()[0].path).read_bytes()) == ()
    assert old.copies_of(saved_again(Path(learnt.path), tmp_path / "again.jpg")) == ()
    assert replace(old, training_images=None).copies_of(b"") is None


def test_arrays_that_do_not_belong_together_are_refused(model: Model) -> None:
    assert model.known_images is not None
    classes = model.card.classes
    arrays = model.known_images.to_arrays(classes)
    again = KnownImages.from_arrays(classes, arrays)
    assert (again.sha256s, again.labels) == (model.known_images.sha256s, model.known_images.labels)
    for name in arrays:
        with pytest.raises(ValueError, match="known image"):
            KnownImages.from_arrays(classes, {**arrays, name: arrays[name][1:]})
    with pytest.raises(ValueError, match="class that the model does not have"):
        KnownImages.from_arrays(classes[:1], arrays)


def test_sentences_name_part_and_labels(model: Model, run: Run, tmp_path: Path) -> None:
    learnt, tested = run.trained_images()[0], run.tested_images()[0]
    exact = model.copies_of(Path(learnt.path).read_bytes()) or ()
    said = describe_copies(exact)
    assert said.startswith(f"This exact image is in the training data, labelled {learnt.label}.")
    assert name_copies(exact) == "in the training data"
    near = model.copies_of(saved_again(Path(tested.path), tmp_path / "again.jpg")) or ()
    assert f"labelled {tested.label}" in describe_copies(near)
    assert (describe_copies(()), name_copies(())) == ("", "")
