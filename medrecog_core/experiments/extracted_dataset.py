"""A data set whose images all have their descriptors in the store, but for those skipped."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medrecog_core.datasets import Dataset, ImageRecord, library, split_images
from medrecog_core.datasets.sampling import draw_sample
from medrecog_core.errors import MedrecogError
from medrecog_core.experiments.specification import RunSpecification
from medrecog_core.features import (
    DescriptorSource,
    DescriptorStore,
    HashedImage,
    Progress,
    Skipped,
    extract,
    hash_images,
    ignore,
    never,
    stop_if,
)
from medrecog_core.images import DEFAULT_PREPROCESSING, find_preprocessing
from medrecog_core.locations import cache_folder
from medrecog_core.networks import (
    Network,
    check_readable,
    find_network,
    installed_weights,
    resolve_precision,
)


@dataclass(frozen=True)
class ExtractedDataset:
    """A data set and what its extraction took.

    Attributes
    ----------
    dataset
        The data set.
    source
        The weights, preprocessing and precision that the descriptors depend on.
    images, files
        The images that have descriptors and their files, in one order.
    skipped
        Those that could not be read, or are not what they were when the data set was added.
    network_images
        From scale to images that went through the network.
    seconds
        From scale to the time from files to stored descriptors.
    peak_memory
        From scale to the greatest resident memory of the process until then, in bytes.
    file_states
        A row an image of the data set, as `file_states` gives them, taken before the files were
        read.
    """

    dataset: Dataset
    source: DescriptorSource
    images: tuple[ImageRecord, ...]
    files: tuple[HashedImage, ...]
    skipped: tuple[Skipped, ...]
    network_images: dict[int, int]
    seconds: dict[int, float]
    peak_memory: dict[int, int]
    file_states: list[list[Any]]


def descriptor_source(
    network: Network, precision: str, preprocessing: str = DEFAULT_PREPROCESSING
) -> DescriptorSource:
    """Return what this installation's descriptors depend on besides image and cell."""
    return DescriptorSource(
        installed_weights(network).identity,
        find_preprocessing(preprocessing).version,
        resolve_precision(precision),
    )


def extract_dataset(
    specification: RunSpecification,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> ExtractedDataset:
    """Put every descriptor that a specification needs into the store.

    Raises
    ------
    StoppedError
        If `should_stop` says so; every finished batch is in the store.
    MedrecogError
        If the data set cannot be loaded or split, no image can be read, or the layers need
        weights that are not installed.
    """
    network = find_network(specification.network)
    check_readable(network, {cell.layer for cell in specification.read_cells})

    def report_drawing(done: int, total: int) -> None:
        report(Progress("drawing the demo pictures", done, total))
        stop_if(should_stop())

    dataset = library.load(
        specification.dataset,
        report_drawing,
    )
    if not dataset.root.is_dir():
        raise _gone(dataset.root, dataset)
    # A split that cannot work is found out now, not after hours in the network.
    split_images(dataset.images, specification.split_protocol)
    dataset = library.complete(dataset.name)
    chosen = dataset.images
    if specification.sample is not None:
        chosen = draw_sample(dataset.images, specification.sample, specification.seed).images
        split_images(chosen, specification.split_protocol)
    states = file_states(dataset)
    paths = [dataset.absolute_path(image) for image in chosen]
    folders = {folder for folder in {path.parent for path in paths} if folder.is_dir()}
    source = descriptor_source(network, specification.precision, specification.preprocessing)
    found, unread = hash_images(paths, report, should_stop)
    _check_still_there(unread, folders, dataset)
    hashed, changed = _unchanged(dataset, found)
    with DescriptorStore(cache_folder().features) as store:
        extraction = extract(
            hashed,
            specification.read_cells,
            network,
            source,
            store,
            report,
            should_stop,
        )
    _check_still_there(extraction.skipped, folders, dataset)
    skipped = (*unread, *changed, *extraction.skipped)
    left_out = {entry.path for entry in skipped}
    file_of = {file.path: file for file in hashed if str(file.path) not in left_out}
    if not file_of:
        raise MedrecogError(
            f"None of the {len(paths)} images of “{dataset.name}” can be read; "
            f"the first, {skipped[0].path}: {skipped[0].reason}."
        )
    used = [image for image in chosen if dataset.absolute_path(image) in file_of]
    return ExtractedDataset(
        dataset,
        source,
        tuple(used),
        tuple(file_of[dataset.absolute_path(image)] for image in used),
        skipped,
        extraction.network_images,
        extraction.seconds,
        extraction.peak_memory,
        states,
    )


def file_states(dataset: Dataset) -> list[list[Any]]:
    """Return a row an image: path, label, split, group, and its file's size and time of change.

    The size is in bytes and the time in nanoseconds since 1970; both are -1 where there is no
    file.
    """
    return [
        [image.path, image.label, image.split, image.group, *_state(dataset.absolute_path(image))]
        for image in dataset.images
    ]


def _state(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _check_still_there(skipped: Iterable[Skipped], folders: set[Path], dataset: Dataset) -> None:
    """Raise where images could not be read because their folder went away in the meantime.

    To leave them out would give results of a part of the data set, that is, wrong ones.
    """
    for folder in {Path(entry.path).parent for entry in skipped} & folders:
        if not folder.is_dir():
            raise _gone(folder, dataset)


def _gone(folder: Path, dataset: Dataset) -> MedrecogError:
    return MedrecogError(
        f"The folder {folder} of the data set “{dataset.name}” is gone: put it back, or "
        "remove the data set and add it from where its images are now."
    )


def _unchanged(
    dataset: Dataset, files: Sequence[HashedImage]
) -> tuple[list[HashedImage], list[Skipped]]:
    """Part the files into those that are what the data set took in, and the others."""
    state_of = {dataset.absolute_path(image): image.file for image in dataset.images}
    same, changed = [], []
    for file in files:
        state = state_of[file.path]
        if state is None or state.sha256 == file.sha256:
            same.append(file)
        else:
            changed.append(
                Skipped(
                    str(file.path),
                    "it has changed since the data set was added; “datasets refresh "
                    f"{dataset.name}” takes in what is there now",
                )
            )
    return same, changed
