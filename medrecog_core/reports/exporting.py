"""What is known of a run as the content of a file, in the form that the file's ending names."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from medrecog_core.errors import UsageError
from medrecog_core.reports.cell_table import (
    cells_csv,
    cells_latex,
    ready,
    reservations,
    run_report_table,
)
from medrecog_core.reports.measures import MEASURES
from medrecog_core.runs import Run, result_document

CELLS, REPORT = "cells", "report"
TABLES = (CELLS, REPORT)
"""A row a cell, or the shape of the report's own tables."""


@dataclass(frozen=True)
class Choice:
    """What is to be exported; empty: what there is otherwise.

    Attributes
    ----------
    table
        One of `TABLES`, for .csv and .tex.
    figure
        One of `FIGURES` of `run_figures`, for .png and .svg; empty: the heat map.
    measure
        One of `MEASURES`' values.
    cell, label
        A cell's name and a class, for the figures that are about them.
    positive
        The positive one of two classes, None to have it chosen by its name.

    Raises
    ------
    UsageError
        If there is no such table or measure.
    """

    table: str = ""
    figure: str = ""
    measure: str = "accuracy"
    cell: str = ""
    label: str = ""
    positive: str | None = None

    def __post_init__(self) -> None:
        if self.table not in ("", *TABLES):
            raise UsageError(f"There is no table “{self.table}”: choose among {', '.join(TABLES)}.")
        if self.measure not in MEASURES.values():
            raise UsageError(
                f"There is no measure “{self.measure}”: choose among "
                f"{', '.join(MEASURES.values())}."
            )


def exported(run: Run, file: PurePath, choice: Choice | None = None) -> bytes:
    """Return the content of a file with a run's results.

    Parameters
    ----------
    run
        The run.
    file
        Ends in .json (everything), .csv or .tex (tables), .html (the whole report), .png or .svg
        (figures).
    choice
        Which table or figure.

    Raises
    ------
    UsageError
        If the file ends otherwise, or the choice does not go with it.
    MedrecogError
        If no cell is finished.
    StorageError
        If the run's folder is damaged.
    """
    choice = choice or Choice()
    ending = file.suffix.lower()
    if ending not in _WRITERS:
        *others, last = _WRITERS
        raise UsageError(f"{file} should end in {', '.join(others)} or {last}.")
    if choice.table and ending not in (".csv", ".tex"):
        raise UsageError(f"A table is a .csv or .tex file: {file} is neither.")
    if choice.figure and ending not in (".png", ".svg"):
        raise UsageError(f"A figure is a .png or .svg file: {file} is neither.")
    return _WRITERS[ending](run, choice, ending)


def _json(run: Run, choice: Choice, ending: str) -> bytes:
    return json.dumps(result_document(run), indent=1, ensure_ascii=False).encode() + b"\n"


def _table(run: Run, choice: Choice, ending: str) -> bytes:
    if choice.table != REPORT:
        return (cells_csv(run) if ending == ".csv" else cells_latex(run)).encode()
    table = run_report_table(run, choice.measure, choice.positive)
    if ending == ".csv":
        return table.to_csv().encode()
    measure = choice.measure.replace("_", " ")
    caption = f"{run.specification().dataset}: {measure}, in the shape of the report's tables."
    caption += reservations(run.record())
    return table.to_latex(caption, f"tab:{run.id}").encode()


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
