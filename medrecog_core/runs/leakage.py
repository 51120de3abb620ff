"""How much results improve by leakage when groups are split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.access import Action
from medrecog_core.classification import Comparison, ScoredImages, compare
from medrecog_core.datasets import Split, library, split_images, unit_of
from medrecog_core.errors import MedrecogError
from medrecog_core.features import AnyCell, DescriptorReader, DescriptorStore
from medrecog_core.images import Image
from medrecog_core.jobs.progress import Progress, ignore, never, stop_if
from medrecog_core.locations import cache_folder
from medrecog_core.mode import check_may_change
from medrecog_core.networks import find_network
from medrecog_core.runs.cell_evaluation import CellResult, StoredImages, evaluate_cell
from medrecog_core.runs.estimate import TRAINING
from medrecog_core.runs.extracted_dataset import extract_dataset
from medrecog_core.runs.specification import RunSpecification


@dataclass(frozen=True)
class Leakage:
    """A cell's result with groups mixed, and with groups kept whole.

    Attributes
    ----------
    cell
        The cell.
    mixed, grouped
        Results of k-fold cross-validation without and with regard to groups. Either interval takes
        the images of a group for one.
    gap
        The mixed accuracy minus the grouped one, on the same images.
    """

    cell: AnyCell
    mixed: CellResult
    grouped: CellResult
    gap: Comparison


@dataclass(frozen=True)
class LeakageReport:
    """What mixing groups does to the cells of a data set.

    Attributes
    ----------
    n_images, n_groups
        Images, and groups that are known.
    n_leaking_groups
        Groups on both sides of a fold when groups are mixed.
    n_folds
        Of either cross-validation.
    cells
        In the order of the grid.
    """

    n_images: int
    n_groups: int
    n_leaking_groups: int
    n_folds: int
    cells: tuple[Leakage, ...]


def measure_leakage(
    specification: RunSpecification,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> LeakageReport:
    """Cross-validate every cell twice, with groups mixed and with groups kept whole.

    Parameters
    ----------
    specification
        Data set, grid, folds, seed and SVM; its protocol is k-fold, whatever it says.
    report, should_stop
        Called with the progress, and asked between two steps.

    Raises
    ------
    StoppedError
        If `should_stop` says so; descriptors are kept.
    MedrecogError
        If the data set has no groups, or cannot be extracted or split so.
    """
    check_may_change("extract descriptors", Action.ADD)
    mixed, grouped = (
        specification.model_copy(update={"protocol": "k-fold", "keep_groups": kept})
        for kept in (False, True)
    )
    if not library.load(specification.dataset).groups:
        raise MedrecogError(
            f"The data set “{specification.dataset}” has no groups (patients, lesions), so "
            "leakage cannot be measured. Add it again with a column of groups."
        )
    extracted = extract_dataset(grouped, report, should_stop)
    network = find_network(specification.network)
    splits = [split_images(extracted.records, asked.split_protocol) for asked in (mixed, grouped)]
    found = []
    with DescriptorStore(cache_folder().features) as store:
        reader = DescriptorReader(network, extracted.source, store)
        stored = StoredImages(extracted.images, reader)
        for i, cell in enumerate(specification.cells):
            stop_if(should_stop())
            report(Progress(TRAINING, i, len(specification.cells)))
            results = []
            for asked, split in zip((mixed, grouped), splits, strict=True):
                data = stored.cell_data(cell, split, asked, report, should_stop)
                result, scores = evaluate_cell(cell, data, asked, should_stop)
                results.append((result, _in_order(extracted.images, split, result, scores)))
            (one, one_scored), (other, other_scored) = results
            found.append(Leakage(cell, one, other, compare(one_scored, other_scored)))
    report(Progress(TRAINING, len(specification.cells), len(specification.cells)))
    return LeakageReport(
        len(extracted.images),
        len({image.group for image in extracted.images if image.group}),
        splits[0].n_leaking_groups,
        specification.n_folds,
        tuple(found),
    )


def _in_order(
    images: Sequence[Image], split: Split, result: CellResult, scores: np.ndarray
) -> ScoredImages:
    """Return the scores in the order of the images, so that two splits can be compared."""
    order = np.argsort(np.array(split.tested), kind="stable")
    tested = [images[split.tested[i]] for i in order]
    return ScoredImages.of(
        [image.label for image in tested],
        scores[order],
        [row.label for row in result.metrics.classes],
        groups=[unit_of(image.group, image.path) for image in tested],
    )
