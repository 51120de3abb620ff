"""A run's data set: with all its features in the cache, and as it is kept here."""

import dataclasses
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medrecog_core.access import Action
from medrecog_core.datasets import Dataset, ImageRecord, draw_sample, library, split_images
from medrecog_core.errors import MedrecogError
from medrecog_core.features import (
    Cell,
    DescriptorReader,
    DescriptorSource,
    DescriptorStore,
    Skipped,
    extract,
    hash_images,
)
from medrecog_core.features.cost import keep_rates
from medrecog_core.features.extraction import Extraction
from medrecog_core.images import (
    Glimpse,
    Image,
    Rendering,
    find_preprocessing,
    read_glimpses,
    write_glimpses,
)
from medrecog_core.jobs.progress import Progress, ignore, never, stop_if
from medrecog_core.locations import cache_folder
from medrecog_core.mode import check_may_change
from medrecog_core.networks import (
    Network,
    check_readable,
    find_network,
    installed_weights,
    resolve_precision,
)
from medrecog_core.networks.engines import AUTO, Choice
from medrecog_core.runs.run import Run
from medrecog_core.runs.specification import RunSpecification

GLIMPSES = "glimpses.json"
"""File with the glimpses of a data set's images, in its folder."""


@dataclass(frozen=True)
class ExtractedDataset:
    """A data set and what its extraction took.

    Attributes
    ----------
    dataset
        The data set; of a sample, with the images that were drawn.
    sample
        What was drawn, as words of a sentence; empty where that is everything.
    source
        The weights, preprocessing and precision that the descriptors depend on.
    records, images
        The images that have descriptors: as in the data set, and as they are read, in one order.
    skipped
        Those that could not be read, or are not what they were when the data set was added.
    network_images
        From scale to images that went through the network.
    seconds
        From scale to the time from files to stored descriptors.
    choice
        The engine that computed features, and why; None where all were cached.
    peak_memory
        From scale to the greatest resident memory of the process until then, in bytes.
    glimpses
        Those that are known, by identity of the image.
    file_states
        A row an image of the data set, as `file_states` gives them, taken before the files were
        read.
    """

    dataset: Dataset
    sample: str
    source: DescriptorSource
    records: tuple[ImageRecord, ...]
    images: tuple[Image, ...]
    skipped: tuple[Skipped, ...]
    network_images: dict[int, int]
    seconds: dict[int, float]
    peak_memory: dict[int, int]
    choice: Choice | None
    glimpses: dict[tuple[str, str], Glimpse]
    file_states: list[list[Any]]


def descriptor_source(specification: RunSpecification) -> DescriptorSource:
    """Return what this installation's descriptors depend on besides image and cell."""
    return DescriptorSource(
        installed_weights(find_network(specification.network)).identity,
        find_preprocessing(specification.preprocessing, specification.views).version,
        resolve_precision(specification.precision),
    )


def load_sample(
    specification: RunSpecification,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
    rendering: Rendering | None = None,
) -> tuple[Dataset, str]:
    """Load the data set of a specification, with the images that are drawn from it.

    Parameters
    ----------
    specification
        Names the data set and the size of the sample, and the layers that are to be read.
    report, should_stop
        Called with the progress, and asked between the pictures of the demo.
    rendering
        How stored values become pictures, in the place of the data set's own rendering.

    Returns
    -------
    tuple
        The data set with the images the run works on, and what was drawn, as words of a sentence;
        empty where that is everything.

    Raises
    ------
    StoppedError
        If `should_stop` says so while the demo's pictures are drawn.
    MedrecogError
        If the data set cannot be loaded, the sample is too small for its classes, or the layers
        need weights that are not installed.
    """
    # A layer that cannot be read is found out before the demo is drawn.
    network = find_network(specification.network)
    check_readable(network, {cell.layer for cell in specification.read_cells})

    def report_drawing(done: int, total: int) -> None:
        report(Progress(library.DRAWING, done, total))
        stop_if(should_stop())

    dataset = library.load(specification.dataset, report_drawing)
    if not dataset.root.is_dir():
        raise _gone(dataset.root, dataset)
    if any(image.file is None for image in dataset.every_image):
        dataset = library.complete(dataset.name)
    if rendering is not None:
        dataset = dataclasses.replace(dataset, rendering=rendering)
    return sampled(dataset, specification)


def sampled(dataset: Dataset, specification: RunSpecification) -> tuple[Dataset, str]:
    """Return a data set with the images that a run uses, and what was drawn, as words.

    The words are empty if the run uses all images.

    Raises
    ------
    MedrecogError
        If the sample is too small for the classes.
    """
    if specification.sample is None:
        return dataset, ""
    drawn = draw_sample(dataset.images, specification.sample, specification.seed)
    return dataclasses.replace(dataset, images=drawn.images), drawn.words


def extract_dataset(
    specification: RunSpecification,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> ExtractedDataset:
    """Load the data set of a specification and put every descriptor it needs into the store.

    Parameters and errors are those of `load_sample` and `extract_images`.
    """
    check_may_change("extract descriptors", Action.ADD)
    dataset, sample = load_sample(specification, report, should_stop)
    return extract_images(specification, dataset, sample, report, should_stop)


def extract_images(
    specification: RunSpecification,
    dataset: Dataset,
    sample: str = "",
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> ExtractedDataset:
    """Put every descriptor that a specification needs into the store.

    Parameters
    ----------
    specification
        What is read.
    dataset, sample
        Its data set, from `load_sample`.
    report, should_stop
        Called with the progress, and asked before each batch.

    Raises
    ------
    StoppedError
        If `should_stop` says so; every finished batch is in the store.
    MedrecogError
        If the data set cannot be split, or no image can be read.
    """
    # A split that cannot work is found out now, not after hours in the network.
    split_images(dataset.images, specification.split_protocol)
    states = file_states(dataset)
    source = descriptor_source(specification)
    described = describe_images(
        dataset,
        dataset.images,
        specification.read_cells,
        find_network(specification.network),
        source,
        report,
        should_stop,
        specification.engine,
    )
    extraction = described.extraction
    return ExtractedDataset(
        dataset,
        sample,
        source,
        described.records,
        described.images,
        described.skipped,
        extraction.network_images,
        extraction.seconds,
        extraction.peak_memory,
        extraction.choice,
        described.glimpses,
        states,
    )


@dataclass(frozen=True)
class DescribedImages:
    """The images of a data set that have descriptors.

    Attributes
    ----------
    records, images
        As in the data set, and as they are read, in one order.
    skipped
        Those that could not be read, or are not what they were when the data set was added.
    extraction
        What the extraction did.
    glimpses
        Those that are known, by identity of the image.
    """

    records: tuple[ImageRecord, ...]
    images: tuple[Image, ...]
    skipped: tuple[Skipped, ...]
    extraction: Extraction
    glimpses: dict[tuple[str, str], Glimpse]


def describe_images(
    dataset: Dataset,
    records: Sequence[ImageRecord],
    cells: Sequence[Cell],
    network: Network,
    source: DescriptorSource,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
    engine: str = AUTO,
) -> DescribedImages:
    """Put the descriptors of some images of a data set in some cells into the store.

    Parameters
    ----------
    dataset, records
        The data set, and the images.
    cells, network, source, engine
        What is read, by which network, with what it is read, and by which engine.
    report, should_stop
        Called with the progress, and asked before each batch.

    Raises
    ------
    StoppedError
        If `should_stop` says so; every finished batch is in the store.
    MedrecogError
        If the folder of the images is missing, or no image can be read.
    """
    paths = [dataset.absolute_path(record) for record in records]
    folders = {folder for folder in {path.parent for path in paths} if folder.is_dir()}
    found, unread = hash_images(paths, report, should_stop)
    _check_still_there(unread, folders, dataset)
    hashed, changed = _unchanged(dataset, records, paths, found)
    glimpses_file = library.folder_of(dataset.name) / GLIMPSES
    glimpses = read_glimpses(glimpses_file)
    n_known = len(glimpses)
    with DescriptorStore(cache_folder().features) as store:
        extraction = extract(
            list(hashed.values()),
            cells,
            DescriptorReader(network, source, store),
            report,
            should_stop,
            engine,
            glimpses,
        )
    if len(glimpses) > n_known:
        write_glimpses(glimpses_file, glimpses)
    keep_rates(network, source.precision, extraction.passes)
    _check_still_there(extraction.skipped, folders, dataset)
    skipped = (*unread, *changed, *extraction.skipped)
    image_of = {
        path: image for path, image in hashed.items() if image.identity not in extraction.unreadable
    }
    if not image_of:
        raise MedrecogError(
            f"None of the {len(records)} images of “{dataset.name}” can be read; "
            f"the first, {skipped[0].path}: {skipped[0].reason}."
        )
    described = [record for record in records if record.path in image_of]
    return DescribedImages(
        tuple(described),
        tuple(image_of[record.path] for record in described),
        skipped,
        extraction,
        glimpses,
    )


def file_states(dataset: Dataset) -> list[list[Any]]:
    """Return a row an image: path, label, split, group, and its file's size and time of change.

    The size is in bytes and the time in nanoseconds since 1970; both are -1 where there is no
    file. Where the data set gives folds, the image's follows.
    """
    return [
        [
            *(image.path, image.label, image.split, image.group),
            *_state(f"{dataset.root}{os.sep}{image.file_path}"),
            *([image.fold] if image.fold else []),
        ]
        for image in dataset.images
    ]


def _state(file: str) -> tuple[int, int]:
    try:
        status = os.stat(file)  # noqa: PTH116 -- making a Path takes four times as long
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _check_still_there(skipped: Iterable[Skipped], folders: set[Path], dataset: Dataset) -> None:
    """Raise where images could not be read because their folder went away in the meantime.

    Skipping them would give results of a part of the data set, that is, wrong ones.
    """
    for folder in {Path(entry.path).parent for entry in skipped} & folders:
        if not folder.is_dir():
            raise _gone(folder, dataset)


def _gone(folder: Path, dataset: Dataset) -> MedrecogError:
    return MedrecogError(
        f"The folder {folder} of the data set “{dataset.name}” is missing. Put it back, or "
        "delete the data set and add it from the folder where its images are now."
    )


def _unchanged(
    dataset: Dataset, records: Sequence[ImageRecord], paths: Sequence[Path], hashed: Sequence[Image]
) -> tuple[dict[str, Image], list[Skipped]]:
    """Return images by their paths in the data set, and the files that have changed."""
    image_at = {image.path: image for image in hashed}
    same: dict[str, Image] = {}
    changed: dict[str, Skipped] = {}
    for record, path in zip(records, paths, strict=True):
        image = image_at.get(str(path))
        if image is None:
            continue
        if record.file is None or record.file.sha256 == image.sha256:
            same[record.path] = dataclasses.replace(
                image,
                label=record.label,
                group=record.group,
                rendering=dataset.rendering_of(record),
            )
        else:
            changed[image.path] = Skipped(
                image.path,
                "it has changed since the data set was added; “datasets refresh "
                f"{dataset.name}” updates the index",
            )
    return same, list(changed.values())


def dataset_of_run(run: Run) -> Dataset | None:
    """Return the whole data set of a run if it is kept here and has not changed since; else None.

    No picture of the demo is drawn for that, and no image is read.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    specification = run.specification()
    name, record = specification.dataset, run.record()
    dataset = library.find_kept(name)
    if dataset is None:
        return None
    try:
        seen, _ = sampled(dataset, specification)
    except MedrecogError:
        return None
    return dataset if record and seen.fingerprint == record.dataset.fingerprint else None
