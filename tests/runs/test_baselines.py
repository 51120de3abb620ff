import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from medrecog_core.errors import MedrecogError
from medrecog_core.images import Glimpse
from medrecog_core.images.glimpse import SIDE
from medrecog_core.runs import Run, find_run, result_document
from medrecog_core.runs.baselines import (
    TITLES,
    add_baselines,
    baselines_of,
    compare_with_baselines,
)
from tests.made_runs import made_run


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDRECOG_CACHE", str(tmp_path))


def glimpses_of(run: Run, told_by: str = "") -> dict[tuple[str, str], Glimpse]:
    """Random images and files, one property of which is that of the class."""
    classes = sorted({image.label for image in run.images()})
    found = {}
    for image in run.images():
        rng = np.random.default_rng(int(image.sha256, 16))
        position = classes.index(image.label)
        pixels = rng.integers(60, 190, (SIDE, SIDE, 3), dtype=np.uint8)
        if told_by == "colour":
            pixels += np.array([60 * position, 0, 0], np.uint8)
        small = base64.b64encode(pixels.tobytes()).decode()
        width = 200 + int(rng.integers(50)) + (100 * position if told_by == "file" else 0)
        glimpse = Glimpse(width, 200, "L", 90, 9_000 + int(rng.integers(500)), small)
        found[image.identity] = glimpse
    return found


def test_glimpse_is_the_file_s_properties_and_the_mean_of_each_square() -> None:
    values = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    image = Picture.fromarray(values)
    glimpse = Glimpse.of(b"no image header", image)
    assert (glimpse.width, glimpse.height, glimpse.n_bytes) == (48, 32, 15)
    squares = values.reshape(SIDE, 2, SIDE, 3, 3).mean(axis=(1, 3))
    # Each of the two directions is rounded.
    np.testing.assert_allclose(glimpse.pixels, squares, atol=1.01)


@pytest.mark.parametrize("n_folds", [1, 3])
def test_baselines_are_what_scikit_learn_says(n_folds: int) -> None:
    run = made_run(n=60, n_folds=n_folds)
    glimpses = glimpses_of(run, "colour")
    scores = add_baselines(run, glimpses).scores
    assert set(scores) == set(TITLES)
    images, classes = run.images(), ["NORMAL", "PNEUMONIA"]
    labels = np.array([image.label for image in images])
    seen = np.array([glimpses[image.identity].pixels for image in images])
    tables = {
        "mean-colour": seen.mean(axis=(1, 2)),
        "pixels": seen.reshape(len(seen), -1),
        "largest-class": seen.reshape(len(seen), -1),
    }
    for name, table in tables.items():
        expected = []
        for fold in run.split().folds:
            train, test = list(fold.train), list(fold.test)
            oracle = (
                DummyClassifier()
                if name == "largest-class"
                else make_pipeline(StandardScaler(), LinearSVC(dual="auto", max_iter=100_000))
            )
            expected += list(oracle.fit(table[train], labels[train]).predict(table[test]))
        predicted = np.array(classes)[scores[name].argmax(axis=1)]
        assert list(predicted) == expected


def test_a_cell_that_colours_or_files_equal_is_flagged() -> None:
    for told_by, name in (("colour", "mean-colour"), ("file", "file-properties")):
        run = made_run(n=120, separations=(0.0, 9.0))
        add_baselines(run, glimpses_of(run, told_by))
        found = compare_with_baselines(run)
        assert found is not None
        assert (found.best.name, found.best.estimate.value) == (name, 1.0)
        assert found.unbeaten == {"block1-224-average", "block2-224-average"}
        assert "block2-224-average" in found.warning


def test_a_cell_is_unbeaten_only_if_it_is_not_significantly_better() -> None:
    run = made_run(n=120, separations=(0.0, 9.0))
    add_baselines(run, glimpses_of(run))
    found = compare_with_baselines(run, "balanced_accuracy")
    assert found is not None
    assert found.unbeaten == {"block1-224-average"}
    assert found.warning == ""
    largest = found.baselines[0].estimate
    assert (largest.value, found.baselines[0].name) == (0.5, "largest-class")
    assert all(b.estimate.low <= b.estimate.value <= b.estimate.high for b in found.baselines)


def test_they_are_kept_with_the_run_until_its_cells_are_discarded() -> None:
    run = made_run()
    assert compare_with_baselines(run) is None
    assert "baselines" not in result_document(run)
    made = add_baselines(run, glimpses_of(run))
    kept = baselines_of(find_run(run.id))
    assert kept is not None
    for name, scores in made.scores.items():
        np.testing.assert_array_equal(kept.scores[name], scores)
    assert [each["baseline"] for each in result_document(run)["baselines"]] == list(TITLES)
    run.discard_cells()
    assert baselines_of(run) is None


@pytest.mark.parametrize("text", ["{}", "[]", '{"scores": {"pixels": "x"}, "seconds": 1}'])
def test_damaged_ones_are_none(text: str) -> None:
    run = made_run()
    (run.path / "baselines.json").write_text(text)
    assert baselines_of(run) is None


def test_images_that_nobody_has_seen_are_read_and_must_be_there(tmp_path: Path) -> None:
    run = made_run(pictures=tmp_path / "pictures")
    with pytest.raises(MedrecogError, match="baselines"):
        add_baselines(run)  # the files have other content than the run recorded
    import hashlib

    images = run.images()
    hashed = [
        replace(image, sha256=hashlib.sha256(image.file.read_bytes()).hexdigest())
        for image in images
    ]
    run.write_images(hashed)
    add_baselines(run)
    found = compare_with_baselines(run)
    assert found is not None
    assert found.best.name == "mean-colour"
    assert found.best.estimate.value == 1.0
