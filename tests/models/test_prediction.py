import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medrecog_core.classification import DecisionThreshold, LinearClassifier
from medrecog_core.datasets import library, read_dataset
from medrecog_core.errors import MedrecogError
from medrecog_core.features import ENCODINGS, Cell
from medrecog_core.images import PREPROCESSINGS, UnreadableImageError, find_preprocessing
from medrecog_core.locations import CacheFolder
from medrecog_core.models import (
    Model,
    Prediction,
    Predictor,
    load_model,
    predict_files,
    train_model,
)
from medrecog_core.models.evidence import can_explain
from medrecog_core.runs import Run, RunSpecification
from tests.textures import CLASSES, cache_at, finished_run

pytestmark = pytest.mark.slow

CELL = Cell("block2", 224, "average")


@pytest.fixture(scope="module")
def run(finished_cache: tuple[Path, str], models_cache: Path) -> Run:
    run = Run(finished_cache[1])
    run.path = models_cache / "runs" / run.id
    return run


@pytest.fixture(scope="module")
def predictor(models_cache: Path) -> Predictor:
    with cache_at(models_cache):
        return Predictor(load_model("my-model"))


def answered(answers: list[Prediction | UnreadableImageError]) -> list[Prediction]:
    assert all(isinstance(answer, Prediction) for answer in answers), answers
    return [answer for answer in answers if isinstance(answer, Prediction)]


def test_it_agrees_with_the_run_on_its_test_images(predictor: Predictor, run: Run) -> None:
    test = run.tested_images()
    answers = answered(predict_files(predictor, [Path(image.path) for image in test]))
    kept = run.scores(CELL)
    assert [a.label for a in answers] == [CLASSES[i] for i in kept.argmax(axis=1)]
    # In bfloat16 a batch of another size may round otherwise.
    scores = [[answer.scores[label] for label in CLASSES] for answer in answers]
    np.testing.assert_allclose(scores, kept, atol=0.02)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_models_of_encodings_agree_with_their_run(
    encoded: Run, encoded_models: tuple[Path, dict[str, Model]], encoding: str
) -> None:
    test = encoded.tested_images()
    predictor = Predictor(encoded_models[1][encoding])
    answers = answered(predict_files(predictor, [Path(image.path) for image in test]))
    scores = [[answer.scores[label] for label in CLASSES] for answer in answers]
    # A position that lies between two words may fall to the other in another batch.
    cell = Cell("block2", 224, encoding)
    np.testing.assert_allclose(scores, encoded.scores(cell), atol=0.05)


@pytest.mark.parametrize(
    ("preprocessing", "views"), [*((name, 1) for name in PREPROCESSINGS), ("keep-aspect", 10)]
)
def test_it_reads_new_images_as_its_run_did(
    preprocessing: str, views: int, tmp_path: Path, cache: CacheFolder
) -> None:
    rng = np.random.default_rng(0)
    for label, low in (("dark", 0), ("light", 120)):
        (tmp_path / "wide" / label).mkdir(parents=True)
        for i, size in enumerate([(40, 90), (90, 40), (50, 50), (60, 90)]):
            pixels = rng.integers(low, low + 136, (*size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "wide" / label / f"{i}.png")
    library.save(read_dataset("wide", tmp_path / "wide"))
    asked = {"dataset": "wide", "layers": ["block1"], "poolings": ["average"]}
    run = finished_run(
        RunSpecification.from_document(
            {**asked, "precision": "float32", "preprocessing": preprocessing, "views": views}
        )
    )
    cell = Cell("block1", 224, "average")
    model = train_model(run, cell, "wide")
    version = find_preprocessing(preprocessing, views).version
    assert (model.card.source.preprocessing, model.card.n_views) == (version, views)
    assert can_explain(model) == (views == 1)
    test = [Path(image.path) for image in run.tested_images()]
    answers = answered(predict_files(Predictor(model), test))
    found = [[answer.scores[label] for label in ("dark", "light")] for answer in answers]
    np.testing.assert_allclose(found, run.scores(cell), atol=1e-4)


def test_a_file_that_is_there_again_when_it_is_read_twice_moves_no_answer(
    predictor: Predictor, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [pictures / "noise" / "noise-0.png", pictures / "waves" / "waves-0.png"]
    late = tmp_path / "late.png"
    contents = iter([UnreadableImageError("the file does not exist"), others[0].read_bytes()])

    def read(file: Path) -> bytes:
        if file != late:
            return file.read_bytes()
        content = next(contents)
        if isinstance(content, UnreadableImageError):
            raise content
        return content

    monkeypatch.setattr("medrecog_core.models.prediction.read_file", read)
    asked = [late, others[0], late, others[1]]
    first, *rest = predict_files(predictor, asked)
    assert isinstance(first, UnreadableImageError)
    assert [each.label for each in answered(rest)] == [
        each.label for each in answered(predict_files(predictor, [others[0], others[0], others[1]]))
    ]


def test_the_label_has_the_greatest_score(predictor: Predictor, pictures: Path) -> None:
    for answer in answered(predict_files(predictor, sorted(pictures.glob("*/*-0.png")))):
        assert tuple(answer.scores) == CLASSES
        assert answer.label == max(answer.scores, key=answer.scores.__getitem__)


def test_it_has_learnt_its_training_images(predictor: Predictor, run: Run) -> None:
    train = run.trained_images()
    answers = answered(predict_files(predictor, [Path(image.path) for image in train]))
    assert [answer.label for answer in answers] == [image.label for image in train]


def test_bytes_are_classified_as_the_file_they_come_from(
    predictor: Predictor, pictures: Path
) -> None:
    file = pictures / "stripes/stripes-1.png"
    assert predictor.predict([file.read_bytes()]) == predict_files(predictor, [file])


def test_the_same_file_gets_the_same_answer_every_time(
    predictor: Predictor, pictures: Path
) -> None:
    files = [pictures / "waves/waves-2.png"] * 3
    first, *others = answered(predict_files(predictor, files))
    for other in [*others, *answered(predict_files(predictor, files))]:
        assert other.label == first.label
        assert other.scores == pytest.approx(first.scores, abs=1e-5)


def test_unreadable_files_get_the_reason_and_the_others_their_label(
    predictor: Predictor, pictures: Path, tmp_path: Path
) -> None:
    good = sorted(pictures.glob("*/*.png"))
    empty, text, folder = tmp_path / "empty.png", tmp_path / "text.jpg", tmp_path / "folder.png"
    empty.touch()
    text.write_text("no picture")
    folder.mkdir()
    files = [empty, *good[:5], text, tmp_path / "missing.png", *good[5:], folder, empty]
    answers = predict_files(predictor, files)
    assert len(answers) == len(files)
    reasons = {f.name: str(a) for f, a in zip(files, answers, strict=True) if f not in good}
    assert "empty" in reasons["empty.png"]
    assert "not an image" in reasons["text.jpg"]
    assert "the file does not exist" in reasons["missing.png"]
    assert reasons["folder.png"]
    labels = [a.label for a in answers if isinstance(a, Prediction)]
    assert labels == [file.parent.name for file in good]


def test_many_files_are_answered_in_their_order(
    predictor: Predictor, pictures: Path, tmp_path: Path
) -> None:
    files = [pictures / f"{CLASSES[i % 3]}/{CLASSES[i % 3]}-0.png" for i in range(40)]
    files.insert(33, tmp_path / "missing.png")
    answers = predict_files(predictor, files)
    assert isinstance(answers[33], UnreadableImageError)
    labels = [a.label if isinstance(a, Prediction) else None for a in answers]
    assert labels == [f.parent.name if f.exists() else None for f in files]


def test_nothing_gets_no_answer(predictor: Predictor) -> None:
    assert predictor.predict([]) == []
    assert predict_files(predictor, []) == []


def test_other_weights_or_preprocessing_are_refused(predictor: Predictor) -> None:
    model = predictor.model
    for change, advice in (
        ({"weights": "vgg19-other"}, "Install them, or train the model again."),
        ({"preprocessing": "squeeze-0"}, "does not support. Train the model again."),
    ):
        source = replace(model.card.source, **change)
        changed = replace(model, card=replace(model.card, source=source))
        with pytest.raises(MedrecogError) as caught:
            Predictor(changed)
        sentence = str(caught.value)
        assert "“my-model”" in sentence and sentence.endswith(advice)
        assert next(iter(change.values())) in sentence


def test_a_layer_that_the_weights_do_not_reach_is_refused(predictor: Predictor) -> None:
    card = replace(predictor.model.card, cell=Cell("fc1", 224, "max"))
    svm = LinearClassifier(CLASSES, np.zeros((3, 4096)), np.zeros(3))
    with pytest.raises(MedrecogError, match="do not reach fc1"):
        Predictor(Model(card, svm))


def test_threads_may_share_it(predictor: Predictor, pictures: Path) -> None:
    files = [pictures / f"{label}/{label}-0.png" for label in CLASSES]
    labels: dict[Path, str] = {}

    def classify(file: Path) -> None:
        (answer,) = answered(predict_files(predictor, [file]))
        labels[file] = answer.label

    threads = [threading.Thread(target=classify, args=(file,)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert labels == {file: file.parent.name for file in files}


def test_a_model_goes_with_its_cache_folder_to_another_place(
    predictor: Predictor, models_cache: Path, tmp_path: Path
) -> None:
    shutil.copytree(models_cache / "models", tmp_path / "elsewhere/models")
    with cache_at(tmp_path / "elsewhere"):
        moved = load_model("my-model")
    assert moved.card == predictor.model.card


def test_probabilities_are_those_of_the_calibration(predictor: Predictor, pictures: Path) -> None:
    (answer,) = answered(predict_files(predictor, [pictures / "waves/waves-1.png"]))
    assert answer.probabilities is not None and predictor.model.calibration is not None
    scores = np.array([list(answer.scores.values())])
    expected = predictor.model.calibration.probabilities(scores)[0]
    assert list(answer.probabilities.values()) == pytest.approx(expected.tolist())
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert answer.at_threshold is None


def test_two_classes_are_told_at_the_threshold_too(predictor: Predictor, pictures: Path) -> None:
    threshold = DecisionThreshold("stripes", "waves", -100.0, "sensitivity", 1.0, 0.0, 9)
    svm = predictor.model.classifier
    two = LinearClassifier(("stripes", "waves"), svm.weights[1:], svm.biases[1:], svm.normalisation)
    card = replace(predictor.model.card, classes=two.classes, threshold=threshold)
    (answer,) = answered(
        predict_files(Predictor(Model(card, two)), [pictures / "waves/waves-1.png"])
    )
    assert (answer.label, answer.at_threshold) == ("waves", "stripes")


def test_a_training_image_is_nearest_to_itself_and_not_unlike(
    predictor: Predictor, run: Run
) -> None:
    for image in run.trained_images()[::4]:
        (answer,) = answered(predict_files(predictor, [Path(image.path)]))
        assert answer.resemblance is not None
        nearest = answer.resemblance.nearest[0]
        assert (nearest.path, nearest.label, nearest.sha256) == (
            image.path,
            image.label,
            image.sha256,
        )
        assert nearest.distance < 1e-3
        assert not answer.resemblance.is_unlike


def test_an_image_unlike_the_training_images_is_told(predictor: Predictor, tmp_path: Path) -> None:
    red = Image.new("RGB", (300, 300), (255, 0, 0))
    red.paste((0, 0, 255), (0, 0, 10, 10))
    red.save(tmp_path / "red.png")
    detector = predictor.model.training_images.detector
    # So few training images cannot make anything surprising at the usual alarm.
    few = replace(predictor.model.training_images, detector=replace(detector, alarm=0.11))
    predictor = Predictor(replace(predictor.model, training_images=few))
    (answer,) = answered(predict_files(predictor, [tmp_path / "red.png"]))
    assert answer.resemblance.is_unlike
    assert answer.resemblance.p_value == pytest.approx(0.1)


def test_a_model_of_the_first_format_predicts_without_the_rest(
    predictor: Predictor, pictures: Path
) -> None:
    old = Model(predictor.model.card, predictor.model.classifier)
    file = pictures / "waves/waves-1.png"
    (bare,) = answered(predict_files(Predictor(old), [file]))
    (answer,) = answered(predict_files(predictor, [file]))
    assert bare.scores == pytest.approx(answer.scores, abs=1e-5)
    assert (bare.probabilities, bare.resemblance) == (None, None)
