import numpy as np
import pytest

from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.features import Cell
from medrecog_core.locations import cache_folder
from medrecog_core.runs.embedding import _principal_components, embed_images


def test_components_are_those_of_a_singular_value_decomposition():
    rows = np.random.default_rng(0).normal(size=(40, 12)) @ np.diag([9, 5, *[1] * 10])
    points, explained = _principal_components(rows)
    centred = rows - rows.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    expected = left[:, :2] * values[:2]
    assert np.allclose(np.abs(points), np.abs(expected), atol=1e-3)
    assert np.allclose(explained, values[:2] ** 2 / (values**2).sum(), atol=1e-6)


def test_every_image_of_a_run_has_a_point(finished):
    cell = finished.cells()[0].cell
    embedding = embed_images(finished, cell)
    assert list(embedding.images) == finished.images()
    assert embedding.points.shape == (len(embedding.images), 2)
    assert np.isfinite(embedding.points).all()
    assert 0 <= embedding.explained[1] <= embedding.explained[0] <= 1


def test_an_encoded_cell_is_refused_with_the_way_out(finished):
    with pytest.raises(MedrecogError, match="Choose a cell with max"):
        embed_images(finished, Cell("block5", 224, "vlad"))


def test_features_that_are_gone_are_named(finished):
    (cache_folder().features / "cache.db").unlink()
    with pytest.raises(StorageError, match="Start the run again"):
        embed_images(finished, finished.cells()[0].cell)
