"""Deletion of cached features by data set, network or precision, or if nothing uses them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from medrecog_core.datasets import Dataset, demo, library
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.features import DescriptorKey, DescriptorStore, is_extracting
from medrecog_core.jobs.job import all_jobs
from medrecog_core.jobs.kinds import TRAIN
from medrecog_core.locations import cache_folder
from medrecog_core.mode import check_may_change
from medrecog_core.models import load_model, model_names
from medrecog_core.networks import NETWORKS, PRECISIONS, all_installed_weights, find_network
from medrecog_core.runs import all_runs
from medrecog_core.runs.repetition import recorded_rendering
from medrecog_core.storage.contents import network_of, share_of

Content = tuple[str, str]
"""SHA-256 of an image file, and identity of its rendering."""


@dataclass(frozen=True)
class Selection:
    """Features to delete: those that match all given criteria.

    Attributes
    ----------
    dataset
        Name of a data set: features of its images, except images that another one contains.
    network
        Name of a network: features computed with any of its weights.
    precision
        Such as `bfloat16`.
    unreachable
        Whether to delete only features of files, renderings and weights that no data set, run or
        model uses.

    Raises
    ------
    UsageError
        If no criterion is given.
    """

    dataset: str | None = None
    network: str | None = None
    precision: str | None = None
    unreachable: bool = False

    def __post_init__(self) -> None:
        if not self.unreachable and not (self.dataset or self.network or self.precision):
            raise UsageError(
                "No features selected. Select a data set, a network, a precision or --unreachable."
            )


@dataclass(frozen=True)
class Freed:
    """What was or would be deleted.

    Attributes
    ----------
    n_items
        Number of features.
    n_bytes
        Their share of the size of the feature cache on disk.
    """

    n_items: int = 0
    n_bytes: int = 0


@dataclass(frozen=True)
class _Reachable:
    contents: frozenset[Content]
    weights: frozenset[str]

    def has(self, key: DescriptorKey) -> bool:
        return (key.sha256, key.rendering) in self.contents and key.weights in self.weights


def delete_features(selection: Selection, dry_run: bool = False) -> Freed:
    """Delete the features of a selection; they are computed again when needed.

    Results of runs and models are kept. Entries are deleted a few thousand at a time, so that other
    processes do not wait long.

    Parameters
    ----------
    selection
        Features to delete.
    dry_run
        Count the features without deleting them.

    Raises
    ------
    UsageError
        If the network or precision is unknown.
    MedrecogError
        If the data set is unknown, a run or an extraction is in progress, or it is unknown what a
        data set, a run or a model uses.
    StorageError
        If the feature cache cannot be used, or this is a read-only view.
    """
    check_may_change("delete features")
    n_items = n_bytes = total = 0
    with DescriptorStore(cache_folder().features) as store:
        _check_idle(store)
        is_selected = _test_of(selection, store)
        on_disk = store.n_bytes
        for entries in store.entries():
            found = [entry for entry in entries if is_selected(entry.key)]
            if found and not dry_run:
                _check_idle(store)
                store.delete(entry.key for entry in found)
            total += sum(entry.n_bytes for entry in entries)
            n_items += len(found)
            n_bytes += sum(entry.n_bytes for entry in found)
    return Freed(n_items, share_of(on_disk, n_bytes, total))


def _check_idle(store: DescriptorStore) -> None:
    for job in (*all_runs(), *all_jobs(TRAIN)):
        if not job.state().has_ended:
            raise MedrecogError(
                f"{job.kind.title} {job.id} is not finished. Wait until it has ended, or stop it, "
                "before you delete features."
            )
    if is_extracting(store):
        raise MedrecogError(
            "Another process is extracting features. Wait until it has ended before you delete "
            "features."
        )


def _test_of(selection: Selection, store: DescriptorStore) -> Callable[[DescriptorKey], bool]:
    tests: list[Callable[[DescriptorKey], bool]] = []
    if selection.network is not None:
        network = find_network(selection.network).name
        tests.append(lambda key: network_of(key.weights) == network)
    if selection.precision is not None:
        precision = _known_precision(selection.precision, store)
        tests.append(lambda key: key.precision == precision)
    if selection.dataset is not None:
        own, others = _contents_of_dataset(selection.dataset)
        files = {sha256 for sha256, _ in own}
        tests.append(lambda key: key.sha256 in files and (key.sha256, key.rendering) not in others)
    if selection.unreachable:
        reachable = _reachable()
        tests.append(lambda key: not reachable.has(key))
    return lambda key: all(test(key) for test in tests)


def _known_precision(name: str, store: DescriptorStore) -> str:
    known = {each for each in PRECISIONS if each != "auto"}
    if name not in known:
        known |= {entry.key.precision for entries in store.entries() for entry in entries}
    if name not in known:
        raise UsageError(f"Unknown precision “{name}”. Available: {', '.join(sorted(known))}.")
    return name


def _contents_of_dataset(name: str) -> tuple[set[Content], set[Content]]:
    """Return the contents of a data set's images, and of the images of all other data sets."""
    library.imported(name)  # raises if it is unknown
    others = (each for each in _names() if each != name)
    return set(_contents(_dataset(name))), {c for each in others for c in _contents(_dataset(each))}


def _reachable() -> _Reachable:
    contents: set[Content] = set()
    weights = {w.identity for network in NETWORKS.values() for w in all_installed_weights(network)}
    datasets = {name: _dataset(name) for name in _names()}
    for dataset in datasets.values():
        contents.update(_contents(dataset))
    for run in all_runs():
        contents.update((image.sha256, image.rendering.identity) for image in run.images())
        if record := run.record():
            weights.add(record.weights.identity)
        dataset_of_run = datasets.get(run.specification().dataset)
        rendering = recorded_rendering(run)
        if run.state().status != "finished" and dataset_of_run and rendering is not None:
            # What it will read when resumed; it may have been stopped before it recorded that.
            contents.update(_contents(replace(dataset_of_run, rendering=rendering)))
    for name in model_names():
        model = load_model(name)
        weights.add(model.card.source.weights)
        if model.training_images is not None:
            images = model.training_images.images
            contents.update((image.sha256, image.rendering.identity) for image in images)
    return _Reachable(frozenset(contents), frozenset(weights))


def _names() -> list[str]:
    return [name for name in library.names() if name != demo.NAME or demo.is_drawn()]


def _dataset(name: str) -> Dataset:
    dataset = library.complete(name)
    unknown = [image.path for image in dataset.every_image if image.file is None]
    if unknown:
        raise MedrecogError(
            f"The data set “{name}” has {len(unknown)} images whose files have never been read, "
            f"such as {unknown[0]}, so their features are not known. Make the files available "
            f"or run “datasets refresh {name}”, then try again."
        )
    return dataset


def _contents(dataset: Dataset) -> Iterator[Content]:
    for image in dataset.every_image:
        if image.file is not None:
            yield image.file.sha256, dataset.rendering_of(image).identity
