"""Models of every classifier but the usual one, from the run to a file for another machine."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medrecog_core.classification import CLASSIFIERS, DEFAULT_CLASSIFIER
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.features import Cell
from medrecog_core.locations import CacheFolder
from medrecog_core.models import (
    Predictor,
    can_explain,
    card_markdown,
    export_model,
    import_model,
    limits,
    load_model,
    train_model,
    what_is_kept,
    what_would_be_kept,
)
from medrecog_core.models import model as kept
from medrecog_core.models.model import ALL, TRAINING
from medrecog_core.models.storage import FORMAT, format_of
from medrecog_core.networks import find_network
from medrecog_core.runs import Run
from tests.textures import (
    CLASSES,
    add_textures,
    cache_at,
    copy_of_run,
    finished_run,
    specification,
    write_textures,
)

pytestmark = pytest.mark.slow

CELL = Cell("block2", 224, "average")
LENGTH = find_network("vgg19").layer("block2").channels
OTHERS = [name for name in CLASSIFIERS if name != DEFAULT_CLASSIFIER]
VALUES = {"C": [0.1, 10.0], "k": [1, 2]}


@pytest.fixture(scope="session", params=OTHERS)
def classifier_cache(
    request: pytest.FixtureRequest, pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """Give a cache folder with a run and a model `mine` of a classifier, and the run's identity."""
    folder = tmp_path_factory.mktemp("classifier") / "cache"
    parameter = CLASSIFIERS[request.param].parameter.name
    with cache_at(folder):
        add_textures(pictures)
        run = finished_run(
            specification(
                layers=["block2"],
                poolings=["average"],
                classifier=request.param,
                **{parameter: VALUES[parameter]},
            )
        )
        train_model(run, CELL, "mine")
        return folder, run.id


@pytest.fixture
def run(classifier_cache: tuple[Path, str], cache: CacheFolder) -> Run:
    return copy_of_run(*classifier_cache)


def test_the_run_says_what_it_trained(run: Run) -> None:
    asked = run.specification()
    parameter = asked.trained_classifier.parameter.name
    assert run.needed_record().specification["classifier"] == asked.classifier
    assert run.needed_record().specification[parameter] == VALUES[parameter]
    (result,) = run.cells()
    assert result.folds[0].parameter == parameter
    assert result.folds[0].value in VALUES[parameter]
    assert result.to_document()["folds"][0][parameter] == result.folds[0].value


def test_a_model_is_kept_in_a_format_of_its_own(run: Run, cache: CacheFolder) -> None:
    model = load_model("mine")
    document = json.loads((cache.models / "mine" / "model.json").read_text())
    assert (document["format"], document["classifier"]) == (FORMAT, run.specification().classifier)
    assert format_of(load_model("mine").card) == 4  # of an export
    assert document[model.card.trained_classifier.parameter.name] == model.card.parameter_value
    assert (cache.models / "mine" / f"{model.card.classifier}.npz").is_file()
    assert not (cache.models / "mine" / "svm.npz").exists()
    assert model.card.trained_classifier.title in card_markdown(model.card).lower()


def test_its_answers_are_calibrated_and_its_evidence_sums_to_them(run: Run, pictures: Path) -> None:
    model = load_model("mine")
    predictor = Predictor(model)
    content = (pictures / "waves/waves-0.png").read_bytes()
    (answer,) = predictor.predict([content])
    assert answer.label == "waves"
    assert answer.probabilities is not None
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert can_explain(model) == model.card.trained_classifier.is_linear
    if can_explain(model):
        told, explained = predictor.explain(content)
        np.testing.assert_allclose(
            explained.evidence.scores, list(told.scores.values()), rtol=1e-3, atol=1e-5
        )
    else:
        with pytest.raises(UsageError, match=f"{model.card.trained_classifier.title} cannot be"):
            predictor.explain(content)


def test_it_goes_through_a_file_bit_for_bit(run: Run, tmp_path: Path) -> None:
    export_model("mine", tmp_path / "file")
    import_model(tmp_path / "file", "theirs")
    mine, theirs = load_model("mine"), load_model("theirs")
    assert theirs.card == replace(mine.card, name="theirs")
    rows = np.random.default_rng(0).random((5, LENGTH)).astype(np.float32)
    np.testing.assert_array_equal(theirs.classifier.scores(rows), mine.classifier.scores(rows))


def test_what_it_holds_of_the_training_images_is_said_before_and_after(run: Run) -> None:
    card = load_model("mine").card
    classifier = run.specification().trained_classifier
    assert card.bytes_kept == classifier.bytes_kept(9, LENGTH)
    assert bool(what_is_kept(card)) == (card.bytes_kept > 0)
    assert bool(what_would_be_kept(run, CELL, TRAINING)) == (card.bytes_kept > 0)
    if card.bytes_kept:
        assert "contains the features of all 9 training images" in what_is_kept(card)
        assert what_is_kept(card) in limits(card)
        assert "all 12 training images" in what_would_be_kept(run, CELL, ALL)


def test_too_much_to_hold_is_refused_when_made_and_when_read(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = load_model("mine").card
    monkeypatch.setattr(kept, "MOST_BYTES", max(0, card.bytes_kept - 1))
    if not card.bytes_kept:
        load_model("mine")
        return
    with pytest.raises(MedrecogError, match="can be saved"):
        train_model(run, CELL, "second")
    with pytest.raises(StorageError, match="is damaged"):
        load_model("mine")


@pytest.mark.parametrize("name", OTHERS)
def test_two_classes_get_a_threshold(name: str, tmp_path: Path, cache: CacheFolder) -> None:
    add_textures(write_textures(tmp_path / "two", CLASSES[:2]), "two")
    parameter = CLASSIFIERS[name].parameter
    asked = specification(
        dataset="two",
        layers=["block2"],
        poolings=["average"],
        classifier=name,
        **{parameter.name: VALUES[parameter.name][0]},
    )
    card = train_model(finished_run(asked), CELL, "mine").card
    assert card.threshold is not None and card.calibration is not None
    assert card.calibration.log_loss_after <= card.calibration.log_loss_before


def test_a_card_that_tells_less_than_the_model_holds_is_refused(
    run: Run, cache: CacheFolder
) -> None:
    file = cache.models / "mine" / "model.json"
    document = json.loads(file.read_text())
    if "bytes_kept" not in document:
        assert load_model("mine").card.bytes_kept == 0
        return
    n_bytes = document["bytes_kept"] // 9
    for changes in ({"bytes_kept": 0}, {"n_learnt": 1, "bytes_kept": n_bytes}):
        file.write_text(json.dumps({**document, **changes}))
        with pytest.raises(StorageError, match="is damaged"):
            load_model("mine")
