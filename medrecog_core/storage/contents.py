"""Contents of the cache folder by kind, and cached features by network."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from medrecog_core.datasets import library
from medrecog_core.datasets.downloading import DOWNLOAD
from medrecog_core.datasets.manifest import MANIFEST
from medrecog_core.features import DescriptorStore
from medrecog_core.jobs.job import all_jobs
from medrecog_core.locations import cache_folder
from medrecog_core.mode import is_viewer
from medrecog_core.models import MODEL_TRASH, model_names
from medrecog_core.networks import NETWORKS
from medrecog_core.runs import RUN_TRASH, all_runs


@dataclass(frozen=True)
class Part:
    """A kind of content of the cache folder.

    Attributes
    ----------
    kind
        Its name in documents, such as `feature-maps`.
    title
        Title shown to users.
    n_items
        Number of features, runs and so on, or of files.
    n_bytes
        Size of its files.
    """

    kind: str
    title: str
    n_items: int
    n_bytes: int


@dataclass(frozen=True)
class FeatureGroup:
    """The features of the same weights and precision.

    Attributes
    ----------
    network
        Name of the network; empty if this installation does not have it.
    weights, precision
        As in `DescriptorKey`.
    n_items
        Number of features.
    n_bytes
        Their share of the size of the feature cache on disk.
    """

    network: str
    weights: str
    precision: str
    n_items: int
    n_bytes: int


@dataclass(frozen=True)
class _Size:
    n_files: int = 0
    n_bytes: int = 0


def parts() -> tuple[Part, ...]:
    """Return the contents of the cache folder by kind, including empty ones.

    The size of every file is read, which takes seconds for 100,000 files. The parts cover the whole
    folder.

    Raises
    ------
    StorageError
        If the feature cache cannot be used.
    """
    cache = cache_folder()
    images, downloads, manifests = _sizes_of_datasets(cache.datasets)
    thumbnails = _size_of(cache.thumbnails, cache.bundled_thumbnails)
    maps, weights = _size_of(cache.feature_maps), _size_of(cache.weights)
    features = _size_of(cache.features)
    n_deleted = len(RUN_TRASH.contents()) + len(MODEL_TRASH.contents())
    named = (
        Part("features", "Features", _n_features(features), features.n_bytes),
        Part("images", "Images", images.n_files, images.n_bytes),
        Part("downloads", "Downloads", downloads.n_files, downloads.n_bytes),
        Part("datasets", "Data sets", _n_datasets(), manifests.n_bytes),
        Part("runs", "Runs", len(all_runs()), _size_of(cache.runs).n_bytes),
        Part("trash", "Trash (runs and models)", n_deleted, _size_of(cache.trash).n_bytes),
        Part("jobs", "Jobs", len(all_jobs()), _size_of(cache.jobs, cache.queue).n_bytes),
        Part("models", "Models", len(model_names()), _size_of(cache.models).n_bytes),
        Part("weights", "Weights", len(list(cache.weights.glob("*.npz"))), weights.n_bytes),
        Part("thumbnails", "Thumbnails", thumbnails.n_files, thumbnails.n_bytes),
        Part("feature-maps", "Feature maps", maps.n_files, maps.n_bytes),
    )
    known = {
        *(cache.features, cache.datasets, cache.runs, cache.models, cache.weights),
        *(cache.thumbnails, cache.bundled_thumbnails, cache.feature_maps),
        *(cache.jobs, cache.queue, cache.trash),
    }
    other = _size_of(*(path for path in _children(cache.root) if path not in known))
    return (*named, Part("other", "Other files", other.n_files, other.n_bytes))


def feature_groups() -> tuple[FeatureGroup, ...]:
    """Return the features by weights and precision, the largest first.

    No value is read. In a read-only view, the cache cannot be opened, and the result is empty.

    Raises
    ------
    StorageError
        If the feature cache cannot be used.
    """
    if is_viewer() or not cache_folder().features.is_dir():
        return ()
    n_items: dict[tuple[str, str], int] = defaultdict(int)
    n_bytes: dict[tuple[str, str], int] = defaultdict(int)
    with DescriptorStore(cache_folder().features) as store:
        on_disk = store.n_bytes
        for entries in store.entries():
            for entry in entries:
                group = entry.key.weights, entry.key.precision
                n_items[group] += 1
                n_bytes[group] += entry.n_bytes
    total = sum(n_bytes.values())
    groups = (
        FeatureGroup(
            network_of(weights),
            weights,
            precision,
            n,
            share_of(on_disk, n_bytes[weights, precision], total),
        )
        for (weights, precision), n in n_items.items()
    )
    return tuple(sorted(groups, key=lambda group: (-group.n_bytes, group.weights)))


def network_of(weights: str) -> str:
    """Return the name of the network of weights; empty if it is unknown."""
    names = [name for name in NETWORKS if weights.startswith(f"{name}-")]
    return max(names, key=len, default="")


def share_of(on_disk: int, n_bytes: int, total: int) -> int:
    """Return the share of entries in the size of the feature cache on disk.

    A page of the index contains few values, so that entries take up to twice their size.
    """
    return round(on_disk * n_bytes / total) if total else 0


def _n_features(size: _Size) -> int:
    if is_viewer() or not size.n_files:
        return 0
    with DescriptorStore(cache_folder().features) as store:
        return len(store)


def _n_datasets() -> int:
    return sum((library.folder_of(name) / MANIFEST).is_file() for name in library.names())


def _sizes_of_datasets(folder: Path) -> tuple[_Size, _Size, _Size]:
    """Return the sizes of images, downloads, and manifests of data sets."""
    each = [path for path in _children(folder) if path.is_dir()]
    images = _size_of(*(path / library.IMAGES for path in each))
    downloads = _size_of(*(path / DOWNLOAD for path in each))
    everything = _size_of(folder)
    rest = everything.n_bytes - images.n_bytes - downloads.n_bytes
    return images, downloads, _Size(everything.n_files, max(0, rest))


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _size_of(*paths: Path) -> _Size:
    n_files = n_bytes = 0
    for size in _sizes(paths):
        n_files += 1
        n_bytes += size
    return _Size(n_files, n_bytes)


def _sizes(paths: Iterable[Path]) -> Iterator[int]:
    """Give the size of every file at or below some paths, except files deleted meanwhile."""
    todo: list[str] = [os.fspath(path) for path in paths]
    while todo:
        path = todo.pop()
        try:
            with os.scandir(path) as found:
                for entry in found:
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    else:
                        yield entry.stat(follow_symlinks=False).st_size
        except NotADirectoryError:
            yield Path(path).lstat().st_size
        except OSError:
            continue
