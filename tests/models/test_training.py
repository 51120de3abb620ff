from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medrecog_core.classification import choose_calibration
from medrecog_core.datasets import ImageRecord
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.features import (
    Cell,
    DescriptorReader,
    DescriptorStore,
    members,
)
from medrecog_core.locations import CacheFolder
from medrecog_core.models import ALL, finished_cell, load_model, model_names, train_model
from medrecog_core.models.training import inner_folds, scores_of_run
from medrecog_core.networks import find_network
from medrecog_core.runs import Run
from tests.textures import CLASSES, add_textures, finished_run, specification, write_textures

pytestmark = pytest.mark.slow

VGG19 = find_network("vgg19")
CELL = Cell("block2", 224, "average")


def test_its_card_says_where_it_comes_from(finished: Run) -> None:
    model = train_model(finished, CELL, "my-model")
    card = model.card
    result = finished.cell(CELL)
    assert result is not None
    assert (card.run, card.dataset, card.cell) == (finished.id, "textures", CELL)
    assert card.accuracy_interval == result.metrics.accuracy_interval
    assert (card.accuracy, card.balanced_accuracy) == (
        result.metrics.accuracy,
        result.metrics.balanced_accuracy,
    )
    assert (card.n_train, card.n_test) == (9, 3)
    assert card.source == finished.source()
    assert (card.synthetic, card.network, card.classes) == (False, "vgg19", CLASSES)


def test_its_scores_are_those_that_the_run_kept(finished: Run, cache: CacheFolder) -> None:
    model = train_model(finished, CELL, "my-model")
    test = finished.tested_images()
    with DescriptorStore(cache.features) as store:
        descriptors = DescriptorReader(VGG19, model.card.source, store).read(test, CELL)
    scores = load_model("my-model").classifier.scores(descriptors)
    np.testing.assert_allclose(scores, finished.scores(CELL), atol=1e-6)


def test_a_taken_name_is_refused(finished: Run) -> None:
    train_model(finished, CELL, "my-model")
    before = load_model("my-model").card
    with pytest.raises(UsageError, match="“my-model” already exists"):
        train_model(finished, Cell("block1", 224, "max"), "my-model")
    assert load_model("my-model").card == before


@pytest.mark.parametrize("name", ["", "My model", "../runs", "a/b", "-x", "a" * 65])
def test_a_name_that_cannot_be_is_refused(finished: Run, name: str) -> None:
    with pytest.raises(UsageError, match="is not a valid name"):
        train_model(finished, CELL, name)
    assert model_names() == []


@pytest.mark.parametrize(
    "cell",
    [
        Cell("block5", 224, "average"),
        Cell("block2", 544, "average"),
        Cell("block2", 224, "median"),
        Cell("../cells/block2", 224, "average"),
    ],
)
def test_a_cell_that_the_run_has_not_gives_a_sentence(finished: Run, cell: Cell) -> None:
    with pytest.raises(MedrecogError) as caught:
        train_model(finished, cell, "my-model")
    sentence = str(caught.value)
    assert f"no finished cell {cell.name}" in sentence
    assert "block2-224-average" in sentence


def test_a_run_without_cells_gives_a_sentence(finished: Run) -> None:
    finished.discard_cells()
    with pytest.raises(MedrecogError, match="none"):
        train_model(finished, CELL, "my-model")


@pytest.mark.parametrize("content", [None, "{}", "[", '{"weights": {}}'])
def test_a_damaged_record_gives_a_sentence(finished: Run, content: str | None) -> None:
    file = finished.path / "record.json"
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    with pytest.raises(StorageError, match=r"record\.json is damaged"):
        train_model(finished, CELL, "my-model")


def test_missing_descriptors_give_a_sentence(finished: Run, cache: CacheFolder) -> None:
    cache.features.rename(cache.root / "elsewhere")
    with pytest.raises(StorageError, match="missing from the feature cache"):
        train_model(finished, CELL, "my-model")
    assert model_names() == []


def test_the_card_tells_what_was_measured_and_on_how_many_images(finished: Run) -> None:
    card = train_model(finished, CELL, "my-model").card
    of = {estimate.measure: estimate for estimate in card.estimates}
    assert of["accuracy"].value == card.accuracy
    assert (of["accuracy"].n_images, card.n_test_groups, card.n_leaking_groups) == (3, 3, 0)
    assert card.fingerprint == finished.needed_record().dataset.fingerprint
    assert (card.trained_on, card.n_learnt, card.n_learnt_groups) == ("training", 9, 9)
    assert card.versions["medrecog"] == finished.needed_record().medrecog


def test_a_model_of_all_images_learns_from_the_tested_ones_too(finished: Run) -> None:
    everything = train_model(finished, CELL, "everything", ALL)
    assert (everything.card.trained_on, everything.card.n_learnt) == ("all", 12)
    assert everything.card.n_test == 3
    assert everything.training_images is not None
    known = {image.sha256 for image in everything.training_images.images}
    assert known == {image.sha256 for image in finished.images()}
    part = train_model(finished, CELL, "part")
    assert not np.array_equal(part.classifier.weights, everything.classifier.weights)


def test_other_images_cannot_be_chosen(finished: Run) -> None:
    with pytest.raises(UsageError, match=r"images “test”\. Available: training, all"):
        train_model(finished, CELL, "my-model", "test")


def test_the_test_images_decide_nothing(finished: Run) -> None:
    model = train_model(finished, CELL, "my-model")
    assert model.training_images is not None
    known = {image.sha256 for image in model.training_images.images}
    assert known == {image.sha256 for image in finished.trained_images()}
    assert model.card.calibration is not None
    assert model.card.calibration.n_images == 9


def test_probabilities_are_no_worse_than_the_bare_scores(finished: Run) -> None:
    report = train_model(finished, CELL, "my-model").card.calibration
    assert report is not None
    assert report.log_loss_after <= report.log_loss_before


@pytest.mark.parametrize("normalisation", ["pca", "signed-sqrt-l2"])
def test_the_normalisation_and_c_of_the_cell_are_taken_over(
    known: Path, normalisation: str
) -> None:
    run = finished_run(
        specification(
            layers=["block2"],
            poolings=["average"],
            normalisation=normalisation,
            n_components=3,
            C=[0.1, 10.0],
            class_weight="balanced",
        )
    )
    model = train_model(run, CELL, "my-model")
    assert model.card.parameter_value in (0.1, 10.0)
    assert (model.card.normalisation, model.card.class_weight) == (normalisation, "balanced")
    loaded = load_model("my-model")
    rows = np.random.default_rng(0).random((4, 128))
    np.testing.assert_array_equal(loaded.classifier.scores(rows), model.classifier.scores(rows))


@pytest.mark.parametrize("name", ["block1+block2-224-max+average", "block1+block2-224-bow"])
def test_a_fusion_becomes_a_model_with_the_codebooks_of_its_members(fused: Run, name: str) -> None:
    cell = finished_cell(fused, *name.split("-"))
    model = train_model(fused, cell, "my-model")
    loaded = load_model("my-model")
    assert loaded.card == model.card
    assert loaded.card.cell == cell
    encoded = [member for member in members(cell) if member.is_encoded]
    assert list(loaded.codebooks) == encoded


def test_a_cross_validated_run_calibrates_with_its_own_scores(known: Path) -> None:
    run = finished_run(
        specification(layers=["block2"], poolings=["average"], protocol="k-fold", n_folds=2)
    )
    model = train_model(run, CELL, "my-model")
    assert model.card.calibration is not None
    assert (model.card.calibration.n_images, model.card.n_learnt) == (12, 12)
    held_out = scores_of_run(run, CELL)
    assert held_out is not None
    chosen = choose_calibration(
        held_out.scores, held_out.labels, CLASSES, held_out.groups, seed=model.card.seed
    )
    assert chosen.log_loss_after == model.card.calibration.log_loss_after


def test_an_image_of_repeated_folds_is_counted_once(tmp_path: Path, cache: CacheFolder) -> None:
    add_textures(write_textures(tmp_path / "two", CLASSES[:2]), "two")
    asked = specification(
        dataset="two",
        layers=["block2"],
        poolings=["average"],
        protocol="k-fold",
        n_folds=2,
        n_repeats=3,
    )
    card = train_model(finished_run(asked), CELL, "my-model").card
    assert card.calibration is not None and card.threshold is not None
    assert (card.calibration.n_images, card.threshold.n_images) == (8, 8)
    assert card.n_learnt == card.n_test == 8


def test_two_classes_get_a_threshold_chosen_on_held_out_training_images(
    tmp_path: Path, cache: CacheFolder
) -> None:
    add_textures(write_textures(tmp_path / "two", CLASSES[:2]), "two")
    run = finished_run(specification(dataset="two", layers=["block2"], poolings=["average"]))
    card = train_model(run, CELL, "my-model").card
    assert card.threshold is not None
    assert {card.threshold.positive, card.threshold.negative} == set(CLASSES[:2])
    assert card.threshold.n_images == 6
    assert load_model("my-model").card.threshold == card.threshold


def test_a_class_of_one_group_leaves_the_model_without_probabilities_and_says_why(
    finished: Run,
) -> None:
    images = [replace(i, group="one" if i.label == "noise" else i.group) for i in finished.images()]
    finished.write_images(images)
    model = train_model(finished, CELL, "my-model")
    assert model.calibration is None and model.card.calibration is None
    (sentence,) = model.card.missing
    assert sentence.startswith(
        "It has no probabilities or decision threshold. The class “noise” has only 3 images"
    )


def test_a_cell_is_found_by_its_sides(fused: Run) -> None:
    assert finished_cell(fused, "block1", 224, "max") == Cell("block1", 224, "max")
    fusion = finished_cell(fused, "block1+block2", "224", "bow")
    assert fusion.name == "block1+block2-224-bow"
    with pytest.raises(MedrecogError, match=r"cell block9-224-bow\. Available: block1"):
        finished_cell(fused, "block9", 224, "bow")


def images(*labels_and_groups: str) -> list[ImageRecord]:
    return [
        ImageRecord(f"{i}", each[0], group=each[1:]) for i, each in enumerate(labels_and_groups)
    ]


def test_groups_stay_whole_and_every_image_is_held_out_once() -> None:
    given = images(*(f"{label}{group}" for label in "ab" for group in "123456" for _ in "xy"))
    split = inner_folds(given, seed=0)
    assert len(split.folds) == 5
    assert sorted(split.tested) == list(range(len(given)))
    for fold in split.folds:
        assert not {given[i].group for i in fold.train} & {given[i].group for i in fold.test}


def test_there_are_no_more_folds_than_groups_of_the_rarest_class() -> None:
    assert len(inner_folds(images(*["a"] * 9, *["b"] * 2), seed=0).folds) == 2
    with pytest.raises(MedrecogError, match="“b”"):
        inner_folds(images(*["a"] * 9, "b1", "b1"), seed=0)


def test_a_run_of_one_fold_has_no_scores_of_its_training_images(finished: Run) -> None:
    assert scores_of_run(finished, Cell("block2", 224, "average")) is None
    assert np.isfinite(finished.scores(Cell("block2", 224, "average"))).all()
