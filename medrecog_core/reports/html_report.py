"""Self-contained HTML report of a run: no script, no request, no other file."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from altair.typing import ChartType

from medrecog_core import __version__
from medrecog_core.classification import (
    HYPER_PARAMETERS,
    CrossCalibration,
    ScoredImages,
    cross_calibrate,
    estimate,
    estimate_classes,
)
from medrecog_core.datasets import kept_report
from medrecog_core.errors import MedrecogError
from medrecog_core.features import Cell
from medrecog_core.images import Image
from medrecog_core.jobs.state import stage_label
from medrecog_core.reports.figures.curves import (
    describe_decision,
    describe_reliability,
    draw_decision,
    draw_reliability,
)
from medrecog_core.reports.figures.embedding_map import MOST_POINTS, draw_map
from medrecog_core.reports.figures.heat_map import UNBEATEN_MARK
from medrecog_core.reports.figures.learning_curve import draw_learning_curves
from medrecog_core.reports.measures import MEASURES
from medrecog_core.reports.rendering import to_svg
from medrecog_core.reports.run_figures import (
    CONFUSION,
    FOLDS,
    HEAT_MAP,
    PRECISION_RECALL,
    ROC,
    curve_classes,
    draw_curve,
    draw_figure,
)
from medrecog_core.reports.tables import ready
from medrecog_core.reports.validity import by_column, by_group, outside_tests
from medrecog_core.runs import CellResult, Run
from medrecog_core.runs.baselines import compare_with_baselines
from medrecog_core.runs.comparison import RankedCell, rank_cells, score_images
from medrecog_core.runs.description import reservations, used_settings
from medrecog_core.runs.embedding import METHODS, kept_embedding
from medrecog_core.runs.extracted_dataset import dataset_of_run
from medrecog_core.runs.label_errors import find_doubtful_labels
from medrecog_core.runs.learning_curve import gain_words, kept_learning_curves, unit_noun
from medrecog_core.runs.published import beside_report, beside_study, find_published_table
from medrecog_core.runs.record import RunRecord
from medrecog_core.wording import RESEARCH_ONLY, counted


@dataclass(frozen=True)
class ClassCount:
    """Number of images of a class, or of all; with folds, an image can be in both parts."""

    label: str
    n_train: int
    n_test: int
    n_images: int


@dataclass(frozen=True)
class DataDescription:
    """The images of a run.

    Attributes
    ----------
    counts
        One row per class.
    total
        All classes together.
    n_train_groups, n_test_groups
        Groups (patients, lesions) in each part; 0 if unknown.
    excluded
        Number of excluded images by reason; if the data set has changed since the run, only their
        total is known, under an empty reason.
    unreadable
        Paths of unreadable images, with the reasons.
    findings
        Titles of the findings of the health check for the data set of the run, the severe ones
        first; None if it was not checked.
    """

    counts: tuple[ClassCount, ...]
    total: ClassCount
    n_train_groups: int
    n_test_groups: int
    excluded: tuple[tuple[str, int], ...]
    unreadable: tuple[tuple[str, str], ...]
    findings: tuple[str, ...] | None

    @property
    def n_excluded(self) -> int:
        """Number of excluded images."""
        return sum(n for _, n in self.excluded)


def describe_data(run: Run) -> DataDescription:
    """Describe the images of a run.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    images, split, record = run.images(), run.split(), run.needed_record()
    trained, tested = (
        [images[i] for i in sorted(set(part))] for part in (split.trained, split.tested)
    )
    of_train, of_test, of_all = (
        Counter(image.label for image in part) for part in (trained, tested, images)
    )
    kept = dataset_of_run(run)
    n_excluded = record.dataset.n_excluded
    excluded = [("", n_excluded)] if n_excluded else []
    findings = None
    if kept is not None:
        excluded = Counter(each.reason or each.finding for each in kept.excluded).most_common()
        health = kept_report(kept.name)
        if health is not None and health.fingerprint == kept.fingerprint:
            findings = tuple(finding.title for finding in health.findings)
    return DataDescription(
        tuple(ClassCount(k, of_train[k], of_test[k], of_all[k]) for k in sorted(of_all)),
        ClassCount("all", len(trained), len(tested), len(images)),
        _n_groups(trained),
        _n_groups(tested),
        tuple(excluded),
        tuple((entry.path, entry.reason) for entry in record.skipped),
        findings,
    )


def _n_groups(images: Iterable[Image]) -> int:
    return len({image.group for image in images if image.group})


_TEMPLATES = Path(__file__).parent / "templates"
_MOST_CURVES = 6
_RELIABILITY_WIDTH = 360
_MOST_LISTED = 200
_MOST_DOUBTFUL = 20
_SAID_ELSEWHERE = (
    *("data set", "images", "fingerprint of the data set"),
    *("processor or GPU", "medrecog"),
)


def html_report(run: Run) -> str:
    """Return the whole report of a run.

    Parameters
    ----------
    run
        A run with a finished cell; the report says if other cells are not finished.

    Raises
    ------
    MedrecogError
        If no cell is finished.
    StorageError
        If the run's folder is damaged.
    """
    import jinja2

    ranked = rank_cells(ready(run))
    record = run.record()
    if record is None:
        raise MedrecogError(f"Run {run.id} has no record yet. Resume it first.")
    best = next(each for each in ranked if each.ranked.is_best)
    images = score_images(run, best.result)
    data = describe_data(run)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("report.html").render(
        title=run.title,
        run=run.id,
        research_only=RESEARCH_ONLY,
        record=record,
        created=_day(run.state().created),
        written=_day(time.time()),
        version=__version__,
        warnings=_warnings(run),
        n_cells=len(run.specification().cells),
        n_columns=len({(cell.scale, cell.pooling) for cell in run.specification().cells}),
        best=best,
        # With repeated folds, an image is predicted several times.
        noun="image" if best.estimate.n_images == best.result.n_test else "prediction",
        unit="image" if best.estimate.n_units == best.result.n_test else "group",
        equal=[
            each.result.cell.name
            for each in ranked
            if each.ranked.is_indistinguishable and not each.ranked.is_best
        ],
        ranked=ranked,
        baselines=compare_with_baselines(run),
        unbeaten_mark=UNBEATEN_MARK,
        heat_map=_figure(draw_figure(run, HEAT_MAP)),
        estimates=_estimates(images),
        classes=estimate_classes(images),
        positive=best.result.metrics.positive,
        confusion=_figure(draw_figure(run, CONFUSION, cell=best.result.cell.name)),
        curves=[_figure(chart) for chart in _curves(images)],
        n_without_curves=max(0, len(curve_classes(images)) - _MOST_CURVES),
        folds=_folds(run, best.result),
        calibration=_calibration(images, best.result.metrics.positive),
        learning=_learning(run),
        maps=_maps(run, best.result),
        doubtful=find_doubtful_labels(run, best.result, n_neighbours=0),
        most_doubtful=_MOST_DOUBTFUL,
        published=_published(run, record, ranked),
        groups=by_group(run, best.result),
        columns=by_column(run, best.result),
        outside=outside_tests(run),
        study=beside_study(run.specification(), record, [each.result for each in ranked]),
        title_of={name: title for title, name in MEASURES.items()},
        data=data,
        relabelled=Counter(
            (each.imported, each.label) for each in record.dataset.relabelled
        ).most_common(),
        most_listed=_MOST_LISTED,
        settings=_settings(run),
        machine=_machine(record),
        stages=_stages(record),
        limits=_limits(images, record),
        specification=json.dumps(run.specification().to_document(), indent=1, ensure_ascii=False),
    )


def _figure(chart: ChartType) -> dict[str, Any]:
    from markupsafe import Markup

    # Vega escapes the labels that it draws.
    return {"svg": Markup(to_svg(chart)), "words": chart.to_dict().get("description", "")}  # noqa: S704


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _warnings(run: Run) -> list[str]:
    n_finished, n_cells = len(run.cells()), len(run.specification().cells)
    unfinished = f"This run is not finished ({n_finished} of {n_cells} cells)."
    return [*([unfinished] if n_finished < n_cells else []), *reservations(run).values()]


def _estimates(images: ScoredImages) -> list[dict[str, Any]]:
    title_of = {measure: title for title, measure in MEASURES.items()}
    return [
        {"title": title_of[name], "estimate": found} for name, found in estimate(images).items()
    ]


def _curves(images: ScoredImages) -> list[ChartType]:
    classes = curve_classes(images)
    if images.positive in classes:
        classes = [images.positive]
    return [
        draw_curve(images, figure, label)
        for label in classes[:_MOST_CURVES]
        for figure in (ROC, PRECISION_RECALL)
    ]


def _folds(run: Run, result: CellResult) -> dict[str, Any] | None:
    if len(result.folds) < 2:
        return None
    accuracies = [fold.accuracy for fold in result.folds]
    chart = draw_figure(run, FOLDS, cell=result.cell.name)
    return {
        "figure": _figure(chart),
        "n": len(accuracies),
        "mean": sum(accuracies) / len(accuracies),
        "low": min(accuracies),
        "high": max(accuracies),
    }


def _calibration(images: ScoredImages, positive: str | None) -> dict[str, Any] | None:
    try:
        found = cross_calibrate(images)
    except MedrecogError:
        return None  # too few test images
    before, after = found.before, found.after
    chart = draw_reliability(found, positive).properties(
        width=_RELIABILITY_WIDTH, description=describe_reliability(found, positive)
    )
    return {
        "figure": _figure(chart),
        "decision": _decision(found, positive),
        "n_folds": found.n_folds,
        "rows": [
            (
                "Calibration error",
                before.curve.calibration_error,
                after.curve.calibration_error,
            ),
            ("Brier score", before.brier, after.brier),
            ("Log loss", before.log_loss, after.log_loss),
        ],
    }


def _decision(found: CrossCalibration, positive: str | None) -> dict[str, Any] | None:
    if found.decision is None or positive is None:
        return None
    return _figure(
        draw_decision(found.decision, positive).properties(
            width=_RELIABILITY_WIDTH, description=describe_decision(found.decision, positive)
        )
    )


def _learning(run: Run) -> dict[str, Any] | None:
    """Return the learning curves of a run that were computed before."""
    curves = {cell.name: curve for cell, curve in kept_learning_curves(run).items()}
    if not curves:
        return None
    return {
        "figure": _figure(draw_learning_curves(curves, unit_noun(run))),
        "unit": unit_noun(run),
        "curves": [(name, curve, gain_words(run, curve)) for name, curve in curves.items()],
    }


def _maps(run: Run, result: CellResult) -> list[dict[str, Any]]:
    """Return the maps of a cell that were computed before."""
    kept = (kept_embedding(run, result.cell, method) for method in METHODS)
    return [
        {
            "figure": _figure(draw_map(embedding)),
            "method": METHODS[embedding.method],
            "n": len(embedding.images),
            "n_shown": min(len(embedding.images), MOST_POINTS),
            "explained": embedding.explained,
        }
        for embedding in kept
        if embedding is not None
    ]


def _published(run: Run, record: RunRecord, ranked: list[RankedCell]) -> dict[str, Any] | None:
    table = find_published_table(run.specification().dataset, list(record.dataset.classes))
    if table is None:
        return None
    estimates = {
        each.result.cell: each.estimate for each in ranked if isinstance(each.result.cell, Cell)
    }
    rows = beside_report({cell: found.value for cell, found in estimates.items()}, table)
    return {
        "table": table,
        "rows": [{"row": row, "estimate": estimates[row.cell]} for row in rows],
    }


def _settings(run: Run) -> list[tuple[str, str]]:
    return [
        (name if name in HYPER_PARAMETERS else name[0].upper() + name[1:], value)
        for name, value in used_settings(run).items()
        if name not in _SAID_ELSEWHERE
    ]


def _machine(record: RunRecord) -> list[tuple[str, str]]:
    device, memory = record.device, record.memory_bytes
    cores = f"{device.name} ({device.kind}), {counted(device.n_cores, 'core')}" if device else ""
    known = {
        "Device": cores,
        "Memory": f"{memory / 1e9:.1f} GB" if memory else "",
        "System": record.system,
        "Python": record.python,
        "medrecog": record.medrecog,
        **record.versions,
    }
    return [(name, value) for name, value in known.items() if value]


def _stages(record: RunRecord) -> list[tuple[str, float, float | None]]:
    peaks = record.peak_memory_bytes
    return [(stage_label(stage), s, peaks.get(stage)) for stage, s in record.seconds.items()]


def _limits(images: ScoredImages, record: RunRecord) -> list[str]:
    limits = [
        "Limited to one data set and one split: the intervals apply to similar images, not to "
        "other hospitals, devices or populations.",
        "The best cell was selected on these test images, so its result is slightly optimistic; "
        "cells that are not significantly different may be equally good.",
        "The network is used without fine-tuning; it was trained on everyday photographs "
        "(ImageNet), not on medical images."
        if record.weights.title.startswith("ImageNet")
        else (
            "The network is used without fine-tuning; the training data of these weights is "
            "unknown."
        ),
    ]
    if images.is_grouped:
        limits.append(
            "Intervals resample groups (patients, lesions), because images of one group are "
            "similar."
        )
    else:
        limits.append(
            "No two test images share a known group. If several come from one patient, the "
            "intervals are too narrow, and leakage between training and test images is not "
            "detected."
        )
    return limits
