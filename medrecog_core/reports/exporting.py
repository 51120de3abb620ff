"""Export of a run as the content of a file, in the format of its ending."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from medrecog_core.csv_text import csv_text
from medrecog_core.errors import UsageError
from medrecog_core.reports.measures import MEASURES
from medrecog_core.reports.tables import (
    caption_reservations,
    cells_csv,
    cells_latex,
    ready,
    run_report_table,
)
from medrecog_core.runs import Run, result_document
from medrecog_core.runs.comparison import score_images, with_positive

CELLS, REPORT, DECISION = "cells", "report", "decision"
TABLES = (CELLS, REPORT, DECISION)
"""One row per cell, the layout of the 2018 report, or the decision curve of a cell (.csv)."""


@dataclass(frozen=True)
class Choice:
    """What to export; empty: the default.

    Attributes
    ----------
    table
        One of `TABLES`, for .csv and .tex.
    figure
        One of `FIGURES` of `run_figures`, for .png and .svg; empty: the heat map.
    measure
        One of the values of `MEASURES`.
    cell, label
        Name of a cell and a class, for figures that need them.
    positive
        The positive class, with two classes; None: chosen by name.

    Raises
    ------
    UsageError
        If the table or measure is unknown.
    """

    table: str = ""
    figure: str = ""
    measure: str = "accuracy"
    cell: str = ""
    label: str = ""
    positive: str | None = None

    def __post_init__(self) -> None:
        if self.table not in ("", *TABLES):
            raise UsageError(f"Unknown table “{self.table}”. Available: {', '.join(TABLES)}.")
        if self.measure not in MEASURES.values():
            raise UsageError(
                f"Unknown measure “{self.measure}”. Available: {', '.join(MEASURES.values())}."
            )


def exported(run: Run, file: PurePath, choice: Choice | None = None) -> bytes:
    """Return the content of a file with the results of a run.

    Parameters
    ----------
    run
        The run.
    file
        File ending in .json (everything), .csv or .tex (tables), .html (report), .png or .svg
        (figures).
    choice
        Which table or figure.

    Raises
    ------
    UsageError
        If the ending is unknown, or does not fit the choice.
    MedrecogError
        If no cell is finished.
    StorageError
        If the run's folder is damaged.
    """
    choice = choice or Choice()
    ending = file.suffix.lower()
    if ending not in _WRITERS:
        *others, last = _WRITERS
        raise UsageError(
            f"The name {file} has an unknown ending. Use {', '.join(others)} or {last}."
        )
    if choice.table and ending not in (".csv", ".tex"):
        raise UsageError(f"A table cannot be written to {file}. Use a .csv or .tex file.")
    if choice.figure and ending not in (".png", ".svg"):
        raise UsageError(f"A figure cannot be written to {file}. Use a .png or .svg file.")
    return _WRITERS[ending](run, choice, ending)


def _json(run: Run, choice: Choice, ending: str) -> bytes:
    return json.dumps(result_document(run), indent=1, ensure_ascii=False).encode() + b"\n"


def _table(run: Run, choice: Choice, ending: str) -> bytes:
    if choice.table == DECISION:
        if ending != ".csv":
            raise UsageError("A decision curve is written as CSV. Use a .csv file.")
        return _decision_csv(run, choice).encode()
    if choice.table != REPORT:
        return (cells_csv(run) if ending == ".csv" else cells_latex(run)).encode()
    table = run_report_table(run, choice.measure, choice.positive)
    if ending == ".csv":
        return table.to_csv().encode()
    measure = choice.measure.replace("_", " ")
    caption = f"{run.specification().dataset}: {measure}, in the layout of the 2018 report."
    caption += caption_reservations(run)
    return table.to_latex(caption, f"tab:{run.id}").encode()


def _decision_csv(run: Run, choice: Choice) -> str:
    from medrecog_core.reports.run_figures import find_decision_curve, find_result

    results = with_positive(ready(run).cells(), choice.positive)
    result = find_result(results, choice.cell, choice.measure)
    found, positive = find_decision_curve(score_images(run, result))
    names = ("run", "cell", "positive", "threshold", "net_benefit", "treat_all", "treat_none")
    rows = (
        (run.id, result.cell.name, positive, point.threshold, point.model, point.treat_all, 0)
        for point in found.points
    )
    return csv_text(names, rows)


def _report(run: Run, choice: Choice, ending: str) -> bytes:
    from medrecog_core.reports.html_report import html_report

    return html_report(ready(run)).encode()


def _figure(run: Run, choice: Choice, ending: str) -> bytes:
    from medrecog_core.reports.rendering import to_png, to_svg
    from medrecog_core.reports.run_figures import HEAT_MAP, draw_figure

    figure = choice.figure or HEAT_MAP
    about = choice.cell, choice.label, choice.positive
    chart = draw_figure(run, figure, choice.measure, *about)
    return to_png(chart) if ending == ".png" else to_svg(chart).encode()


_WRITERS: dict[str, Callable[[Run, Choice, str], bytes]] = {
    ".csv": _table,
    ".json": _json,
    ".tex": _table,
    ".html": _report,
    ".png": _figure,
    ".svg": _figure,
}
