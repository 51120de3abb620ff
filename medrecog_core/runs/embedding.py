"""The images of a run as points in the plane: their features reduced to two dimensions."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.bounds import Finite
from medrecog_core.classification.threads import n_cores
from medrecog_core.errors import StorageError, UsageError
from medrecog_core.features import AnyCell
from medrecog_core.images import Image
from medrecog_core.jobs.job import Job, create_job, last_job
from medrecog_core.jobs.kinds import MAP
from medrecog_core.jobs.progress import Progress, Report, Stage, ignore, never, stop_if
from medrecog_core.jobs.work import Work, carry_out, start_once
from medrecog_core.mode import is_viewer
from medrecog_core.runs.neighbours import unit_features
from medrecog_core.runs.run import Run, find_run

PCA, TSNE = "pca", "tsne"
METHODS = {PCA: "PCA", TSNE: "t-SNE"}
"""Names and titles of the methods."""

MAPS = "maps"
"""Folder of the computed maps in the folder of a run."""

_VERSION = 1
_PERPLEXITY = 30
_N_COMPONENTS = 50  # before t-SNE, as its authors do
_EXAGGERATED_STEPS, _STEPS = 250, 500
_STEPS_BETWEEN_LOOKS = 10
_READING = Stage("read-features", "Reading features")
_EMBEDDING = Stage("embed", "Computing the map", "steps")


@dataclass(frozen=True)
class Embedding:
    """Images as points in the plane.

    Attributes
    ----------
    images
        The n images of the run.
    points
        float32, shape (n, 2).
    method
        One of `METHODS`.
    explained
        Shares of the variance of the features along each axis, 0 to 1; None if the axes have no
        meaning, as those of t-SNE.
    """

    images: tuple[Image, ...]
    points: np.ndarray
    method: str = PCA
    explained: tuple[float, float] | None = None


@dataclass(frozen=True)
class _Kept:
    key: str
    points: list[tuple[Finite, Finite]]
    explained: tuple[Finite, Finite] | None = None


_KEPT = TypeAdapter(_Kept)


def embed_images(
    run: Run,
    cell: AnyCell,
    method: str = PCA,
    report: Report = ignore,
    should_stop: Callable[[], bool] = never,
) -> Embedding:
    """Return the images of a run as points, and keep them in its folder.

    Features are divided by their Euclidean lengths before. `pca` gives the first two principal
    components, whose signs have no meaning; `tsne` is t-SNE (van der Maaten and Hinton, 2008) by
    openTSNE with perplexity 30, from the first 50 principal components and started at the first
    two. A map that was computed before is returned at once.

    Parameters
    ----------
    run
        A run.
    cell
        One of its cells, or a fusion of some, without encodings.
    method
        One of `METHODS`.
    report, should_stop
        Called with the progress, and asked between steps of t-SNE.

    Raises
    ------
    UsageError
        If the method is unknown.
    StoppedError
        If `should_stop` says so.
    MedrecogError
        If the cell needs a codebook, which differs from fold to fold.
    StorageError
        If features are not in the feature cache any more, or the run's folder is damaged.
    """
    kept = kept_embedding(run, cell, method)
    if kept is not None:
        return kept
    report(Progress(_READING, 0, 0))
    rows = unit_features(run, cell)
    explained = None
    if method == PCA:
        points, explained = _principal_components(rows)
    else:
        points = _neighbour_embedding(rows, report, should_stop)
    if not is_viewer():
        document = {
            "key": _key(run, cell, method),
            "points": [[round(float(value), 5) for value in point] for point in points],
            "explained": explained,
        }
        atomic_file.write_json(_file(run, cell, method), document, indent=None)
    return Embedding(tuple(run.images()), points, method, explained)


def kept_embedding(run: Run, cell: AnyCell, method: str) -> Embedding | None:
    """Return a map that was computed before for the same images and features, else None.

    Raises
    ------
    UsageError
        If the method is unknown.
    StorageError
        If the run's folder is damaged.
    """
    if method not in METHODS:
        raise UsageError(f"Unknown method “{method}”. Available: {', '.join(METHODS)}.")
    try:
        kept = read_map(_file(run, cell, method))
    except (FileNotFoundError, StorageError):
        return None
    images = tuple(run.images())
    if kept.key != _key(run, cell, method) or len(kept.points) != len(images):
        return None
    points = np.array(kept.points, dtype=np.float32)
    return Embedding(images, points, method, kept.explained)


def map_changed(run: Run, cell: AnyCell, method: str) -> int:
    """Return when the file of a map was written, in nanoseconds since 1970; 0 if there is none."""
    try:
        return _file(run, cell, method).stat().st_mtime_ns
    except OSError:
        return 0


def kept_maps(run: Run) -> list[Path]:
    """Return the files of the maps of a run that are valid now.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    return [
        _file(run, cell, method)
        for cell in run.specification().cells
        for method in METHODS
        if kept_embedding(run, cell, method) is not None
    ]


def read_map(file: Path) -> _Kept:
    """Return the map in a file.

    Raises
    ------
    FileNotFoundError
        If there is none.
    StorageError
        If it is damaged.
    """
    try:
        return _KEPT.validate_python(atomic_file.read_json(file))
    except ValueError as error:
        raise StorageError(f"The map {file.name} is damaged. Delete it.") from error


def _file(run: Run, cell: AnyCell, method: str) -> Path:
    return run.path / MAPS / f"{cell.name}-{method}.json"


def _key(run: Run, cell: AnyCell, method: str) -> str:
    """Return what a map depends on, as one SHA-256."""
    source = run.source()
    what: list[Any] = [_VERSION, method, cell.name, run.specification().network]
    what += [source.weights, source.preprocessing, source.precision]
    what += [image.identity for image in run.images()]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()


def _principal_components(rows: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    from sklearn import decomposition

    reduced = decomposition.PCA(n_components=2, svd_solver="randomized", random_state=0)
    points = reduced.fit_transform(rows)
    first, second = (float(share) for share in np.nan_to_num(reduced.explained_variance_ratio_))
    return points.astype(np.float32), (first, second)


def _neighbour_embedding(
    rows: np.ndarray, report: Report, should_stop: Callable[[], bool]
) -> np.ndarray:
    import openTSNE
    from sklearn import decomposition

    n_components = min(_N_COMPONENTS, *rows.shape)
    components = decomposition.PCA(n_components, svd_solver="randomized", random_state=0)
    reduced = components.fit_transform(rows)
    total, done = _EXAGGERATED_STEPS + _STEPS, 0
    report(Progress(_EMBEDDING, 0, total))

    def look(*_: object) -> None:
        nonlocal done
        done += _STEPS_BETWEEN_LOOKS
        report(Progress(_EMBEDDING, min(done, total), total))
        stop_if(should_stop())

    stop_if(should_stop())
    embedded = openTSNE.TSNE(
        perplexity=min(_PERPLEXITY, (len(rows) - 1) / 3),
        early_exaggeration_iter=_EXAGGERATED_STEPS,
        n_iter=_STEPS,
        n_jobs=n_cores(),
        callbacks=look,
        callbacks_every_iters=_STEPS_BETWEEN_LOOKS,
        random_state=0,
    ).fit(reduced)
    return np.asarray(embedded, dtype=np.float32)


# --- The job -------------------------------------------------------------------------------------


def start_map(run: Run, cell: AnyCell, method: str) -> Job:
    """Start a job that computes a map, unless there is one; return at once.

    Raises
    ------
    StorageError
        If the cache folder cannot be written to.
    """
    return start_once(MAP, *_order(run, cell, method))


def last_map_job(run: Run, cell: AnyCell, method: str) -> Job | None:
    """Return the newest job that computes or computed a map."""
    return last_job(MAP, _order(run, cell, method)[0])


def carry_out_map(run: Run, cell: AnyCell, method: str, report: Report = ignore) -> Embedding:
    """Compute a map as a job in this process, unless it was computed before.

    Raises
    ------
    StoppedError
        If the job was stopped.
    MedrecogError
        If it failed.
    """
    if kept_embedding(run, cell, method) is None:
        carry_out(create_job(MAP, *_order(run, cell, method)), report)
    return embed_images(run, cell, method)


def _order(run: Run, cell: AnyCell, method: str) -> tuple[str, str, dict[str, str]]:
    subject = f"{run.id} {cell.name} {method}"
    arguments = {"run": run.id, "cell": cell.name, "method": method}
    return subject, f"{METHODS[method]} map of {cell.name}", arguments


def work(job: Job, work: Work) -> None:
    """Do the work of a job of `start_map`."""
    arguments = job.order().arguments
    run = find_run(arguments["run"])
    cell = run.find_cell(arguments["cell"])
    embed_images(run, cell, arguments["method"], work.report, work.should_stop)
