"""A model on another data set: Predict's scores, matched classes, copies, and its files."""

import json
import shutil
from pathlib import Path

import pytest

from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.jobs.job import all_jobs
from medrecog_core.locations import CacheFolder
from medrecog_core.models import (
    Model,
    Predictor,
    delete_test,
    evaluate_model,
    export_model,
    import_model,
    load_model,
    predict_files,
    read_outside_tests,
    start_evaluation,
)
from medrecog_core.models.evaluation import carry_out_evaluation
from medrecog_core.models.storage import OUTSIDE
from tests.textures import CLASSES, PER_CLASS, add_textures, wait_until, write_textures

pytestmark = pytest.mark.slow

N = PER_CLASS + 3
OTHER = "others"


@pytest.fixture
def others(tmp_path: Path, model: Model, models_cache: Path, cache: CacheFolder) -> Path:
    """Give a data set with the model's images and three more a class, one class renamed."""
    shutil.copytree(models_cache, cache.root, dirs_exist_ok=True)  # with the model's run
    folder = write_textures(tmp_path / "others", n=N)
    (folder / "waves").rename(folder / "ripples")
    add_textures(folder, OTHER)
    return folder


def test_scores_are_those_of_predict_and_copies_are_counted(model: Model, others: Path) -> None:
    test = evaluate_model(model, OTHER, {"ripples": "waves"})
    files = sorted(others.glob("*/*.png"))
    answers = predict_files(Predictor(model), files)
    truth = {"ripples": "waves"}
    right = [
        answer.label == truth.get(file.parent.name, file.parent.name)  # type: ignore[union-attr]
        for file, answer in zip(files, answers, strict=True)
    ]
    assert test.of("accuracy").value == pytest.approx(sum(right) / len(files))
    assert test.n_images == len(files) == N * len(CLASSES)
    copies = [answer.copies for answer in answers]  # type: ignore[union-attr]
    of_training = [any(not each.is_test for each in found or ()) for found in copies]
    of_test = [bool(found) and not of for found, of in zip(copies, of_training, strict=True)]
    assert test.n_training_copies == sum(of_training) >= model.card.n_learnt
    assert test.n_test_copies == sum(of_test)
    rest = {each.measure: each for each in test.without_copies}["accuracy"]
    assert rest.n_images == len(files) - sum(of_training)
    unlike = [answer.resemblance.is_unlike for answer in answers]  # type: ignore[union-attr]
    assert test.n_unlike == sum(unlike)
    assert test.own == model.card.estimates
    assert set(test.differences) == {each.measure for each in test.own}


def test_a_class_left_out_leaves_the_own_test_of_the_others(model: Model, others: Path) -> None:
    test = evaluate_model(model, OTHER, leaves_out=True)
    assert test.left_out == {"ripples": N}
    assert test.untested == ("waves",)
    own = {each.measure: each for each in test.own}
    # The model's own test has the images of two of its three classes.
    assert own["accuracy"].n_images == model.card.n_test * 2 // 3
    assert "auc" not in test.differences
    assert sum("left out" in sentence for sentence in test.warnings) == 1


def test_a_single_class_can_be_left(model: Model, others: Path) -> None:
    test = evaluate_model(model, OTHER, {"noise": "", "ripples": ""})
    assert (test.n_images, test.untested) == (N, ("noise", "waves"))
    assert test.left_out == {"noise": N, "ripples": N}


def test_unmatched_classes_start_nothing(model: Model, others: Path) -> None:
    with pytest.raises(UsageError, match="ripples"):
        start_evaluation("my-model", OTHER, {})
    assert all_jobs() == []


def test_a_job_keeps_it_and_it_is_exported_replaced_and_deleted(
    model: Model, others: Path, tmp_path: Path
) -> None:
    job = start_evaluation("my-model", OTHER, {"ripples": "waves"})
    wait_until(lambda: job.state().has_ended, seconds=120)
    assert (job.state().status, job.state().error) == ("finished", "")
    (test,) = read_outside_tests("my-model")
    assert load_model("my-model").outside_tests == (test,)
    export_model("my-model", tmp_path / "file")
    import_model(tmp_path / "file", "its-copy")
    assert read_outside_tests("its-copy") == (test,)
    carry_out_evaluation("its-copy", OTHER, {}, leaves_out=True)
    assert [each.n_images for each in read_outside_tests("its-copy")] == [2 * N]
    delete_test("its-copy", OTHER)
    assert load_model("its-copy").outside_tests == ()
    with pytest.raises(MedrecogError):
        delete_test("its-copy", OTHER)


def test_a_damaged_test_is_refused(model: Model, others: Path, cache: CacheFolder) -> None:
    carry_out_evaluation("my-model", OTHER, {"ripples": "waves"})
    file = cache.models / "my-model" / OUTSIDE
    (document,) = json.loads(file.read_text())
    for changed in (
        {"classes": ["a", "b", "c"]},
        {"confusion": [[1]]},
        {"estimates": []},
        {"n_unreadable": -1},
        {"dataset": "../elsewhere"},
    ):
        file.write_text(json.dumps([{**document, **changed}]))
        with pytest.raises(StorageError):
            load_model("my-model")
