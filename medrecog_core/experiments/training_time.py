"""How long this machine takes to train and test the SVMs of a cell, from cells it has trained."""

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from medrecog_core.atomic_file import read_json, write_json
from medrecog_core.datasets import ImageRecord
from medrecog_core.datasets.splitting import given_folds, resolved_kind
from medrecog_core.errors import StorageError
from medrecog_core.experiments.cell_evaluation import INNER_FOLDS
from medrecog_core.experiments.specification import RunSpecification
from medrecog_core.features import DEFAULT_N_WORDS, AnyCell, Cell, members
from medrecog_core.locations import cache_folder
from medrecog_core.networks import Network, find_device, find_network

# Of a Newton iteration over a training part, those of all its conjugate gradients.
_PRODUCTS_A_PROBLEM = 100
# Reading descriptors, and the intervals of the result, which hardly depend on anything.
_WORK_OF_ANY_CELL = 3e8
_COMPONENTS_OF_AN_ENCODING = 128
_LEARNS = ("standardise", "pca", "pca-whitened")
_ROWS_AN_OCTAVE = 2


def training_work(
    cell: AnyCell, specification: RunSpecification, images: Sequence[ImageRecord]
) -> float:
    """Return about how many multiplications a cell takes, to be set beside those of other cells.

    They are those of one Gram matrix, or of one a fold where something is learned from its
    training part; of the problems that are solved with it, one for each fold, class and C; and of
    encoding the images by each fold's codebook.

    Parameters
    ----------
    cell
        The cell or fusion.
    specification
        Says the protocol, the values of C, the normalisation and the words.
    images
        Those of the run.
    """
    network = find_network(specification.network)
    n = len(images)
    n_folds = _n_folds(specification, images)
    several = len(specification.C) > 1
    n_problems = n_folds * len({image.label for image in images}) * len(specification.C)
    n_problems *= INNER_FOLDS + 1 if several else 1
    parts = members(cell)
    relearns = specification.normalisation in _LEARNS or any(part.is_encoded for part in parts)
    length = sum(_length(network, part, specification.n_words) for part in parts)
    gram = float(n) ** 2 * length * (n_folds if relearns else 1)
    solving = float(n) ** 2 * _PRODUCTS_A_PROBLEM * n_problems
    encoding = sum(_encoding(network, part, specification.n_words) for part in parts)
    return _WORK_OF_ANY_CELL + gram + solving + n_folds * n * encoding


def keep_training_times(times: Iterable[tuple[float, float]]) -> None:
    """Keep what cells took on disk, each in the place of an earlier one of about the same work.

    Of two processes that write at once, one loses its measurement and nothing else; a disk that
    takes none costs an estimate.

    Parameters
    ----------
    times
        Pairs of a cell's work and the seconds that it took.
    """
    kept = {_kind(row): row for row in _rows()}
    machine = _machine()
    for work, seconds in times:
        row = {**machine, "work": work, "seconds": seconds}
        kept[_kind(row)] = row
    with suppress(StorageError):
        write_json(cache_folder().training_times, list(kept.values()))


def seconds_of_training(work: float) -> float | None:
    """Return what a cell of so much work will take, None before any measurement.

    The measured cell of the nearest work stands for it in proportion.
    """
    machine = _machine()
    measured = [row for row in _rows() if all(row[key] == machine[key] for key in machine)]
    if not measured:
        return None
    nearest = min(measured, key=lambda row: abs(math.log(row["work"] / work)))
    return float(nearest["seconds"] * work / nearest["work"])


def _n_folds(specification: RunSpecification, images: Sequence[ImageRecord]) -> int:
    kind = resolved_kind(images, specification.split_protocol)
    if kind == "k-fold":
        return specification.n_folds * specification.n_repeats
    if kind == "leave-one-group-out":
        return max(1, len({image.group for image in images}))
    if kind == "given-folds":
        return max(1, len(given_folds(images)))
    return 1


def _length(network: Network, cell: Cell, n_words: int | None) -> int:
    """Return the length of a cell's descriptors."""
    if not cell.is_encoded:
        return cell.stored_length(network)
    words = n_words or DEFAULT_N_WORDS[cell.pooling]
    numbers = min(network.layer(cell.layer).channels, _COMPONENTS_OF_AN_ENCODING)
    return words * {"bow": 1, "vlad": numbers, "fisher": 2 * numbers}[cell.pooling]


def _encoding(network: Network, cell: Cell, n_words: int | None) -> float:
    """Return the multiplications of encoding an image: reducing its positions, finding words."""
    if not cell.is_encoded:
        return 0.0
    layer = network.layer(cell.layer)
    positions = math.ceil(cell.scale / layer.stride) ** 2
    words = n_words or DEFAULT_N_WORDS[cell.pooling]
    return positions * _COMPONENTS_OF_AN_ENCODING * float(layer.channels + words)


def _rows() -> list[dict[str, Any]]:
    """Return what is kept; what is damaged is measured again."""
    try:
        rows = read_json(cache_folder().training_times)
        return [row for row in rows if _kind(row) and row["seconds"] > 0]
    except (FileNotFoundError, StorageError, KeyError, TypeError, ValueError):
        return []


def _kind(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["device"], row["n_cores"], round(_ROWS_AN_OCTAVE * math.log2(row["work"]))


def _machine() -> dict[str, Any]:
    device = find_device()
    return {"device": device.name, "n_cores": device.n_cores}
