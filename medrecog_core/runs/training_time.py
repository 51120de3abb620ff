"""How long this machine takes to train and test a cell, from cells it has trained."""

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter

from medrecog_core.atomic_file import read_json, write_json
from medrecog_core.bounds import KNOWN_ONLY, Count, Finite, Seconds
from medrecog_core.classification import DEFAULT_CLASSIFIER
from medrecog_core.datasets import ImageRecord
from medrecog_core.datasets.splits import given_folds, resolved_kind
from medrecog_core.errors import StorageError
from medrecog_core.features import DEFAULT_N_WORDS, AnyCell, Cell, members
from medrecog_core.locations import cache_folder
from medrecog_core.networks import Network, find_device, find_network
from medrecog_core.runs.cell_evaluation import INNER_FOLDS
from medrecog_core.runs.specification import RunSpecification

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
    training part; of the problems that are solved with it, one for each fold, class and value of
    the hyper-parameter; and of encoding the images by each fold's codebook. Other classifiers than
    the linear SVM take other work, which grows alike.

    Parameters
    ----------
    cell
        The cell or fusion.
    specification
        Says the protocol, the classifier and its values, the normalisation and the words.
    images
        Those of the run.
    """
    network = find_network(specification.network)
    n = len(images)
    n_folds = _n_folds(specification, images)
    n_values = len(specification.parameter_values)
    n_problems = n_folds * len({image.label for image in images}) * n_values
    n_problems *= INNER_FOLDS + 1 if n_values > 1 else 1
    parts = members(cell)
    relearns = specification.normalisation in _LEARNS or any(part.is_encoded for part in parts)
    length = sum(descriptor_length(network, part, specification.n_words) for part in parts)
    gram = float(n) ** 2 * length * (n_folds if relearns else 1)
    solving = float(n) ** 2 * _PRODUCTS_A_PROBLEM * n_problems
    encoding = sum(_encoding(network, part, specification.n_words) for part in parts)
    return _WORK_OF_ANY_CELL + gram + solving + n_folds * n * encoding


def keep_training_times(
    times: Iterable[tuple[float, float]], classifier: str = DEFAULT_CLASSIFIER
) -> None:
    """Keep what cells took on disk, each in the place of an earlier one of about the same work.

    Of two processes that write at once, one loses its measurement and nothing else; a disk that
    takes none costs an estimate.

    Parameters
    ----------
    times
        Pairs of a cell's work and the seconds that it took.
    classifier
        Name of what was trained.
    """
    kept = {_kind(row): row for row in _rows()}
    machine = _machine(classifier)
    for work, seconds in times:
        row = {**machine, "work": work, "seconds": seconds}
        kept[_kind(row)] = row
    with suppress(StorageError):
        write_json(cache_folder().training_times, list(kept.values()))


def seconds_of_training(work: float, classifier: str = DEFAULT_CLASSIFIER) -> float | None:
    """Return what a cell of so much work will take, None before any measurement.

    The measured cell of the nearest work, with the same classifier, is scaled in proportion.
    """
    machine = _machine(classifier)
    measured = [row for row in _rows() if _kind(row)[:-1] == _kind({**machine, "work": 1})[:-1]]
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


def descriptor_length(network: Network, cell: Cell, n_words: int | None) -> int:
    """Return about how long a cell's descriptors are."""
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
        rows = _TIMES.validate_python(read_json(cache_folder().training_times))
    except (FileNotFoundError, StorageError, ValueError):
        return []
    return [row.model_dump(exclude_unset=True) for row in rows]


class _Time(BaseModel):
    model_config = KNOWN_ONLY

    device: str
    n_cores: Count
    classifier: str = DEFAULT_CLASSIFIER
    work: Annotated[Finite, Field(gt=0)]
    seconds: Annotated[Seconds, Field(gt=0)]


_TIMES = TypeAdapter(list[_Time])


def _kind(row: dict[str, Any]) -> tuple[Any, ...]:
    classifier = row.get("classifier", DEFAULT_CLASSIFIER)
    octaves = round(_ROWS_AN_OCTAVE * math.log2(row["work"]))
    return row["device"], row["n_cores"], classifier, octaves


def _machine(classifier: str) -> dict[str, Any]:
    device = find_device()
    machine = {"device": device.name, "n_cores": device.n_cores}
    return machine if classifier == DEFAULT_CLASSIFIER else {**machine, "classifier": classifier}
