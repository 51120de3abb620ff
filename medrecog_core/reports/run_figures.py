"""The figures of a run, by name."""

from altair.typing import ChartType

from medrecog_core.classification import (
    DecisionCurve,
    ScoredImages,
    cross_calibrate,
    precision_recall_curve,
    roc_curve,
)
from medrecog_core.errors import UsageError
from medrecog_core.networks import find_network
from medrecog_core.reports.figures.confusion_matrix import (
    describe_confusion_matrix,
    draw_confusion_matrix,
)
from medrecog_core.reports.figures.curves import (
    describe_decision,
    describe_reliability,
    draw_decision,
    draw_folds,
    draw_precision_recall,
    draw_reliability,
    draw_roc,
)
from medrecog_core.reports.figures.heat_map import describe_heat_map, draw_heat_map
from medrecog_core.reports.measures import best_cell, told_measures
from medrecog_core.reports.tables import ready
from medrecog_core.runs import CellResult, Run
from medrecog_core.runs.baselines import compare_with_baselines
from medrecog_core.runs.comparison import rank_cells, score_images, with_positive

HEAT_MAP, CONFUSION, ROC, PRECISION_RECALL = "heat-map", "confusion", "roc", "precision-recall"
RELIABILITY, DECISION, FOLDS = "reliability", "decision", "folds"
FIGURES = (HEAT_MAP, CONFUSION, ROC, PRECISION_RECALL, RELIABILITY, DECISION, FOLDS)

_COLUMN_WIDTH = 110
_SQUARE_WIDTH = 60
_CURVE_WIDTH = 320
_FOLDS_WIDTH = 480


def draw_figure(
    run: Run,
    figure: str = HEAT_MAP,
    measure: str = "accuracy",
    cell: str = "",
    label: str = "",
    positive: str | None = None,
) -> ChartType:
    """Draw a figure of a run in print width, with a description in words.

    Parameters
    ----------
    run
        The run.
    figure
        One of `FIGURES`.
    measure
        Measure of the heat map, and of the best cell; one of the values of `MEASURES`.
    cell
        Name of the cell, such as `block5-224-average`, except for the heat map; empty: the best.
    label
        The class of a curve; empty: the positive one of two, otherwise the first.
    positive
        The positive class, with two classes; None: chosen by name.

    Raises
    ------
    UsageError
        If the figure, finished cell or class is unknown, or the measure is not available.
    MedrecogError
        If no cell is finished, or its test images are too few for probabilities.
    StorageError
        If the run's folder is damaged.
    """
    if figure not in FIGURES:
        raise UsageError(f"Unknown figure “{figure}”. Available: {', '.join(FIGURES)}.")
    results = with_positive(ready(run).cells(), positive)
    check_measure(results, measure)
    if figure == HEAT_MAP:
        return _heat_map(run, results, measure, positive)
    result = find_result(results, cell, measure)
    if figure == CONFUSION:
        n_classes = len(result.metrics.classes)
        return draw_confusion_matrix(result.metrics).properties(
            width=max(200, _SQUARE_WIDTH * n_classes if n_classes <= 20 else 24 * n_classes),
            description=describe_confusion_matrix(result.metrics),
        )
    if figure == FOLDS:
        return _folds(result)
    images = score_images(run, result)
    if figure == RELIABILITY:
        found = cross_calibrate(images)
        return draw_reliability(found, result.metrics.positive).properties(
            width=_CURVE_WIDTH, description=describe_reliability(found, result.metrics.positive)
        )
    if figure == DECISION:
        return _decision(images)
    return draw_curve(images, figure, find_class(images, label))


def find_decision_curve(images: ScoredImages) -> tuple[DecisionCurve, str]:
    """Return the decision curve of a cell, and its positive class.

    Raises
    ------
    UsageError
        If there are more than two classes.
    MedrecogError
        If its test images are too few for probabilities.
    """
    found = cross_calibrate(images).decision if images.positive else None
    if found is None or images.positive is None:
        raise UsageError(
            "A decision curve needs exactly two classes. Choose another figure or table."
        )
    return found, images.positive


def _decision(images: ScoredImages) -> ChartType:
    found, positive = find_decision_curve(images)
    return draw_decision(found, positive).properties(
        width=_CURVE_WIDTH, description=describe_decision(found, positive)
    )


def draw_curve(images: ScoredImages, figure: str, label: str) -> ChartType:
    """Draw the ROC or precision-recall curve of a class, with its area in the title.

    Parameters
    ----------
    images
        The test images of a cell.
    figure
        `ROC` or `PRECISION_RECALL`.
    label
        The class: one of `curve_classes`.
    """
    position = images.classes.index(label)
    scores, is_member = images.scores[:, position], images.truth == position
    if figure == ROC:
        roc = roc_curve(scores, is_member)
        chart, title = draw_roc(roc), [f"ROC of {label}", f"area {roc.area:.3f}"]
    else:
        recall = precision_recall_curve(scores, is_member)
        chart = draw_precision_recall(recall)
        average = f"average precision {recall.average_precision:.3f}"
        title = [f"Precision and recall of {label}", average]
    return chart.properties(width=_CURVE_WIDTH, title=title, description=", ".join(title))


def curve_classes(images: ScoredImages) -> list[str]:
    """Return the classes that have a curve: those with positive and negative test images."""
    return [
        label
        for position, label in enumerate(images.classes)
        if 0 < (images.truth == position).sum() < images.n_images
    ]


def find_class(images: ScoredImages, label: str = "") -> str:
    """Return the class of a name; without a name the positive of two, otherwise the first.

    Raises
    ------
    UsageError
        If it has no curve.
    """
    known = curve_classes(images)
    if not label and known:
        return images.positive if images.positive in known else known[0]
    if label not in known:
        raise UsageError(
            f"The class “{label}” has no curve. Available: {', '.join(known) or 'none'}."
        )
    return label


def find_result(results: list[CellResult], cell: str = "", measure: str = "accuracy") -> CellResult:
    """Return the finished cell of a name; without a name the best.

    Raises
    ------
    UsageError
        If it is not finished.
    """
    by_name = {result.cell.name: result for result in results}
    name = cell or best_cell(results, measure).name
    if name not in by_name:
        raise UsageError(
            f"This run has no finished cell “{cell}”. Available: {', '.join(by_name)}."
        )
    return by_name[name]


def check_measure(results: list[CellResult], measure: str) -> None:
    """Reject a measure that is not available for every cell.

    Raises
    ------
    UsageError
        If it is one.
    """
    told = told_measures(results).values()
    if measure not in told:
        raise UsageError(
            f"The measure “{measure}” is not available for this run. Available: {', '.join(told)}."
        )


def _folds(result: CellResult) -> ChartType:
    accuracies = ", ".join(f"{fold.accuracy:.3f}" for fold in result.folds)
    return draw_folds(result.folds).properties(
        width=_FOLDS_WIDTH, description=f"Accuracy of each fold: {accuracies}"
    )


def _heat_map(run: Run, results: list[CellResult], measure: str, positive: str | None) -> ChartType:
    specification = run.specification()
    columns = {(cell.scale, cell.pooling) for cell in specification.cells}
    baselines = compare_with_baselines(run, measure, positive)
    chart = draw_heat_map(
        specification.cells,
        results,
        find_network(specification.network),
        measure,
        rank_cells(run, measure, positive),
        unbeaten=baselines.unbeaten if baselines else (),
    )
    return chart.properties(
        width=max(2, len(columns)) * _COLUMN_WIDTH,
        description=describe_heat_map(results, measure),
    )
