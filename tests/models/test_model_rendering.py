"""A model classifies new images under the rendering that it was trained with."""

import dataclasses
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from medrecog_core.classification import LinearClassifier
from medrecog_core.datasets import library
from medrecog_core.errors import StorageError
from medrecog_core.features import DescriptorReader, DescriptorStore
from medrecog_core.images import PLAIN, Rendering, UnreadableImageError
from medrecog_core.locations import CacheFolder, cache_folder
from medrecog_core.models import (
    Model,
    Prediction,
    Predictor,
    answer_document,
    answers_csv,
    card_markdown,
    export_model,
    exported_model,
    import_model,
    load_model,
    predict_files,
)
from medrecog_core.models.storage import CARD, IMAGES
from medrecog_core.networks import find_network
from medrecog_core.runs import Run
from tests.deep_images import CELL, MODEL, NAME, WINDOW

pytestmark = pytest.mark.slow


@dataclasses.dataclass(frozen=True)
class RecordingSvm(LinearClassifier):
    """An SVM that keeps the descriptors it is asked about."""

    asked: list[np.ndarray] = dataclasses.field(default_factory=list)

    def scores(self, descriptors: np.ndarray) -> np.ndarray:
        self.asked.append(descriptors)
        return super().scores(descriptors)


@pytest.fixture
def deep(deep_run: Run) -> Model:
    return load_model(MODEL)


@pytest.fixture
def recording(deep: Model) -> Callable[[Rendering | None], tuple[Predictor, RecordingSvm]]:
    def make(rendering: Rendering | None = None) -> tuple[Predictor, RecordingSvm]:
        given = deep.classifier
        assert isinstance(given, LinearClassifier)
        svm = RecordingSvm(given.classes, given.weights, given.biases, given.normalisation)
        card = deep.card if rendering is None else _with(deep.card, rendering)
        return Predictor(dataclasses.replace(deep, card=card, classifier=svm)), svm

    return make


def _with(card: Any, rendering: Rendering) -> Any:
    return dataclasses.replace(card, rendering=rendering)


def encoded(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, options.pop("format", "TIFF"), **options)
    return buffer.getvalue()


def noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (16, 16), dtype=np.uint8))


def test_predicting_a_training_file_gives_its_training_descriptor_bit_for_bit(
    deep_run: Run, recording: Any
) -> None:
    predictor, svm = recording()
    images = deep_run.images()
    predict_files(predictor, [Path(image.path) for image in images])
    assert {image.rendering for image in images} == {PLAIN, WINDOW}
    with DescriptorStore(cache_folder().features) as store:
        kept = DescriptorReader(find_network("vgg19"), deep_run.source(), store).read(images, CELL)
    np.testing.assert_array_equal(np.concatenate(svm.asked), kept)


def test_in_another_window_only_files_of_more_than_8_bits_are_read_otherwise(
    deep_run: Run, recording: Any
) -> None:
    asked = []
    for rendering in (None, Rendering(window=(0, 65_535)), PLAIN):
        predictor, svm = recording(rendering)
        predict_files(predictor, [Path(image.path) for image in deep_run.images()])
        asked.append(np.concatenate(svm.asked))
    is_deep = np.array([image.path.endswith(".png") for image in deep_run.images()])
    trained, wide, plain = asked
    np.testing.assert_array_equal(trained[~is_deep], wide[~is_deep])
    assert (trained[is_deep] != wide[is_deep]).any(axis=1).all()
    # These files have 12 bits, which the rule of version 0.1.0 shows in the same window.
    np.testing.assert_array_equal(trained, plain)


def test_the_model_keeps_the_rendering_and_that_of_its_training_images(
    deep: Model, deep_run: Run
) -> None:
    assert deep.card.rendering == WINDOW
    assert deep.training_images is not None
    known = {image.sha256: image.rendering for image in deep.training_images.images}
    assert known == {image.sha256: image.rendering for image in deep_run.images()}
    (answer,) = predict_files(Predictor(deep), [Path(deep_run.images()[0].path)])
    assert isinstance(answer, Prediction) and answer.resemblance is not None
    nearest = answer.resemblance.nearest[0]
    assert (nearest.sha256, nearest.rendering) == (deep_run.images()[0].sha256, WINDOW)
    assert WINDOW.title in card_markdown(deep.card)


def test_an_exported_model_keeps_the_rendering(deep: Model, tmp_path: Path) -> None:
    export_model(MODEL, tmp_path / "one.medrecog-model")
    card = import_model(tmp_path / "one.medrecog-model", "other")
    assert card.rendering == WINDOW
    loaded = load_model("other")
    assert loaded.training_images is not None and deep.training_images is not None
    assert [image.rendering for image in loaded.training_images.images] == [
        image.rendering for image in deep.training_images.images
    ]


def exported_card(name: str) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(exported_model(name))) as archive:
        document: dict[str, Any] = json.loads(archive.read(CARD))
    return document


def test_a_rendering_makes_a_newer_format_that_version_0_1_0_refuses(deep: Model) -> None:
    document = exported_card(MODEL)
    assert document["format"] == 3
    assert document["rendering"]["window"] == [0, 4095]


def test_a_model_of_plain_images_is_written_as_version_0_1_0_did(
    model: Model, cache: CacheFolder
) -> None:
    document = exported_card("my-model")
    assert document["format"] == 2
    assert document.keys().isdisjoint({"rendering", "files"})
    assert all(
        len(row) == 3 for row in json.loads((cache.models / "my-model" / IMAGES).read_text())
    )


def test_a_model_of_version_0_1_0_opens_and_predicts_by_the_old_rule(
    deep: Model, deep_run: Run, cache: CacheFolder
) -> None:
    files = [Path(image.path) for image in deep_run.images()]
    before = predict_files(
        Predictor(dataclasses.replace(deep, card=_with(deep.card, PLAIN))), files
    )
    file = cache.models / MODEL / CARD
    document = json.loads(file.read_text())
    del document["rendering"], document["files"]
    file.write_text(json.dumps({**document, "format": 2}))
    rows = json.loads((cache.models / MODEL / IMAGES).read_text())["images"]
    (cache.models / MODEL / IMAGES).write_text(json.dumps([row[:3] for row in rows]))
    old = load_model(MODEL)
    assert old.card.rendering == PLAIN
    for answer, expected in zip(predict_files(Predictor(old), files), before, strict=True):
        assert isinstance(answer, Prediction) and isinstance(expected, Prediction)
        assert (answer.label, answer.scores) == (expected.label, expected.scores)


@pytest.mark.parametrize("rendering", [{"window": [1, 1]}, {"unknown": 1}, {"frame": "last"}])
def test_a_model_with_a_damaged_rendering_is_damaged(
    deep: Model, cache: CacheFolder, rendering: object
) -> None:
    file = cache.models / MODEL / CARD
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "rendering": rendering}))
    with pytest.raises(StorageError):
        load_model(MODEL)


def test_the_frame_that_was_read_is_said(recording: Any) -> None:
    frames = [noise(i) for i in range(3)]
    stack = encoded(frames[0], save_all=True, append_images=frames[1:])
    for rendering, frame in ((None, 0), (dataclasses.replace(WINDOW, frame="middle"), 1)):
        predictor, svm = recording(rendering)
        several, one = predictor.predict([stack, encoded(frames[frame])])
        np.testing.assert_array_equal(svm.asked[0][0], svm.asked[0][1])
        assert "3 frames" in several.remark and f"Frame {frame} " in several.remark
        assert one.remark == ""
        assert answer_document("a.tif", several)["remark"] == several.remark
        assert answer_document("b.tif", one)["remark"] is None
        assert several.remark in answers_csv(["a.tif", "b.tif"], [several, one])
        explained, _ = predictor.explain(stack)
        assert explained.remark == several.remark


def test_a_file_without_the_frame_is_refused(recording: Any) -> None:
    predictor, _ = recording(Rendering(frame=5))
    frames = [noise(i) for i in range(3)]
    (answer,) = predictor.predict([encoded(frames[0], save_all=True, append_images=frames[1:])])
    assert isinstance(answer, UnreadableImageError)


@pytest.mark.parametrize("grey", [0, 255])
def test_a_picture_without_content_is_refused(deep: Model, grey: int) -> None:
    predictor = Predictor(deep)
    blank = encoded(Image.new("L", (32, 32), grey), format="PNG")
    black = encoded(Image.fromarray(np.full((8, 8), 0, np.uint16)), format="PNG")
    # Its values differ, and all of them are above the window.
    above = np.linspace(5_000, 60_000, 64).reshape(8, 8).astype(np.uint16)
    answers = predictor.predict(
        [blank, black, encoded(Image.fromarray(above), format="PNG"), encoded(noise(1))]
    )
    assert [isinstance(answer, UnreadableImageError) for answer in answers] == [
        True,
        True,
        True,
        False,
    ]
    with pytest.raises(UnreadableImageError):
        predictor.explain(blank)


def test_a_black_first_frame_is_named(recording: Any) -> None:
    frames = [Image.new("L", (16, 16), 0), noise(1)]
    stack = encoded(frames[0], save_all=True, append_images=frames[1:])
    (answer,) = recording()[0].predict([stack])
    assert isinstance(answer, UnreadableImageError)
    assert "frame 0 of 2" in str(answer)
    (second,) = recording(dataclasses.replace(WINDOW, frame=1))[0].predict([stack])
    assert isinstance(second, Prediction)


def test_the_data_set_of_the_model_has_its_rendering(deep: Model) -> None:
    assert library.load(NAME).rendering == deep.card.rendering
