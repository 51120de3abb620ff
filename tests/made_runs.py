"""Finished runs with made-up scores, for what reads runs and needs no network."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from medrecog_core.datasets import Dataset, FileState, Fold, ImageRecord, Split
from medrecog_core.datasets.library import folder_of
from medrecog_core.datasets.manifest import write_manifest
from medrecog_core.images import Image
from medrecog_core.jobs.state import JobState
from medrecog_core.runs import Run, RunSpecification, create_run
from medrecog_core.runs.cell_evaluation import CellData, evaluate_cell
from medrecog_core.runs.record import RunRecord

CLASSES = ("NORMAL", "PNEUMONIA")


def made_run(
    classes: Sequence[str] = CLASSES,
    n: int = 60,
    n_groups: int = 0,
    separations: Sequence[float] = (0.5, 1.5),
    seed: int = 0,
    dataset: str = "made",
    pictures: Path | None = None,
    n_folds: int = 1,
    order: Sequence[int] | None = None,
    **settings: object,
) -> Run:
    """Return a finished run.

    Parameters
    ----------
    classes, n, n_groups
        Of the images, half of which are tested where there is one fold, else all.
    separations
        How far apart the classes stand in each of the cells, which are of ascending layers.
    seed
        Of the scores; labels and groups are always the same.
    pictures
        Folder for one-colour files of the images; None: there are no files.
    order
        Another order of the images; None: as they are.
    settings
        Of the specification.
    """
    truth = np.arange(n) % len(classes)
    groups = [f"patient {i % n_groups}" if n_groups else "" for i in range(n)]
    folder = pictures or Path("/made")
    images = [
        Image(str(folder / f"{i}.png"), f"{i:064x}", classes[truth[i]], groups[i])
        for i in (range(n) if order is None else order)
    ]
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        for i in range(n):
            Picture.new("RGB", (32, 32), ("red", "green", "blue")[truth[i] % 3]).save(
                pictures / f"{i}.png"
            )
    specification = RunSpecification.from_document(
        {
            "dataset": dataset,
            "layers": [f"block{i}" for i, _ in enumerate(separations, 1)],
            "poolings": ["average"],
            **settings,
        }
    )
    run = create_run(specification)
    run.write_images(images)
    run.write_split(_split(n, n_folds))
    for cell, separation in zip(specification.cells, separations, strict=True):
        descriptors = _descriptors(images, classes, separation, seed)
        data = CellData(images, run.split(), _always(descriptors))
        run.write_cell(*evaluate_cell(cell, data, specification))
    run.write_record(_record(run, images, classes))
    run.write_state(JobState("finished", created=run.state().created))
    return run


def _split(n: int, n_folds: int) -> Split:
    everything = np.arange(n)
    if n_folds == 1:
        return Split("given", (Fold(tuple(range(n // 2)), tuple(range(n // 2, n))),))
    parts = [everything[(everything // 3) % n_folds == i] for i in range(n_folds)]
    return Split(
        f"{n_folds}-fold",
        tuple(
            Fold(tuple(map(int, np.setdiff1d(everything, part))), tuple(map(int, part)))
            for part in parts
        ),
    )


def _always(descriptors: np.ndarray) -> Callable[[Fold], np.ndarray]:
    return lambda _: descriptors


def _descriptors(
    images: Sequence[Image], classes: Sequence[str], separation: float, seed: int
) -> np.ndarray:
    described = []
    for image in images:
        rng = np.random.default_rng([seed, int(image.sha256, 16)])
        described.append(rng.normal(size=8) + separation * np.eye(8)[classes.index(image.label)])
    return np.array(described, dtype=np.float32)


def _record(run: Run, images: Sequence[Image], classes: Sequence[str]) -> RunRecord:
    split = run.split()
    counts = {label: sum(image.label == label for image in images) for label in classes}
    document = {
        "run": run.id,
        "specification": run.specification().to_document(),
        "dataset": {
            "name": run.specification().dataset,
            "classes": counts,
            "synthetic": False,
            "layout": "made",
            "fingerprint": "0" * 64,
        },
        "split": {
            "kind": split.kind,
            "n_train": len(split.folds[0].train),
            "n_test": len(split.folds[0].test),
            "n_leaking_groups": 0,
        },
        "n_images": len(images),
        "sample": "",
        "skipped": [],
        "network": "VGG-19",
        "weights": {"title": "embedded", "identity": "embedded"},
        "preprocessing": "squeeze-1",
        "precision": "float32",
        "versions": {},
        "medrecog": "0",
    }
    return RunRecord.from_document(document)


def keep_dataset(run: Run, metadata: Mapping[str, Sequence[str]]) -> None:
    """Keep the data set of a made run, with columns of values in the order of its images."""
    images, name = run.images(), run.specification().dataset
    records = tuple(
        ImageRecord(Path(i.path).name, i.label, group=i.group, file=FileState(i.sha256, 1, 1))
        for i in images
    )
    columns = {
        column: {r.path: v for r, v in zip(records, values, strict=True) if v}
        for column, values in metadata.items()
    }
    by_path = tuple(sorted(records, key=lambda record: record.path))
    root = Path(images[0].path).parent
    write_manifest(folder_of(name), Dataset(name, root, by_path, "made", metadata=columns))


def rewrite_record(run: Run, **parts: object) -> None:
    """Change what a run recorded: its members, and members of its parts by part."""
    document = run.needed_record().to_document()
    for name, value in parts.items():
        is_part = isinstance(value, dict) and name in document
        document[name] = {**document[name], **value} if is_part else value
    run.write_record(RunRecord.from_document(document))
