import dataclasses

import numpy as np
import pytest

from medrecog_core.errors import MedrecogError, StoppedError, StorageError, UsageError
from medrecog_core.features import Cell
from medrecog_core.jobs.job import all_jobs
from medrecog_core.jobs.kinds import MAP
from medrecog_core.locations import cache_folder
from medrecog_core.runs.embedding import (
    PCA,
    TSNE,
    _neighbour_embedding,
    _principal_components,
    carry_out_map,
    embed_images,
    kept_embedding,
    kept_maps,
)


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


def test_tsne_keeps_neighbours_together_reports_and_can_be_stopped():
    rng = np.random.default_rng(0)
    cluster = np.repeat([0, 1, 2], 40)
    rows = rng.normal(size=(120, 10)) + 20 * np.eye(10)[cluster]
    told = []
    points = _neighbour_embedding(rows, told.append, lambda: False)
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (cluster[distances.argmin(axis=1)] == cluster).all()
    assert told[-1].done == told[-1].total > 0
    with pytest.raises(StoppedError):
        _neighbour_embedding(rows, lambda _: None, lambda: True)


def test_a_map_is_kept_until_images_or_features_change(finished):
    cell = finished.cells()[0].cell
    assert kept_embedding(finished, cell, PCA) is None
    made = embed_images(finished, cell)
    kept = kept_embedding(finished, cell, PCA)
    assert kept is not None
    assert np.allclose(kept.points, made.points, atol=1e-5)
    assert kept.explained == made.explained
    assert [file.name for file in kept_maps(finished)] == [f"{cell.name}-pca.json"]
    (cache_folder().features / "cache.db").unlink()
    assert np.array_equal(embed_images(finished, cell).points, kept.points)
    first, *rest = finished.images()
    finished.write_images([dataclasses.replace(first, sha256="f" * 64), *rest])
    assert kept_embedding(finished, cell, PCA) is None


def test_a_damaged_map_is_computed_again(finished):
    cell = finished.cells()[0].cell
    embed_images(finished, cell)
    (file,) = kept_maps(finished)
    file.write_text('{"points": 1}')
    assert kept_embedding(finished, cell, PCA) is None
    assert len(embed_images(finished, cell).points) == len(finished.images())


def test_a_map_is_a_job_that_is_done_once(finished):
    cell = finished.cells()[0].cell
    embedding = carry_out_map(finished, cell, TSNE)
    assert embedding.explained is None
    assert embedding.points.shape == (len(finished.images()), 2)
    carry_out_map(finished, cell, TSNE)
    assert [job.state().status for job in all_jobs(MAP)] == ["finished"]


def test_an_unknown_method_is_refused(finished):
    with pytest.raises(UsageError):
        embed_images(finished, finished.cells()[0].cell, "umap")
