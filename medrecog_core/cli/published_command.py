"""`published`: published figures beside those of a run."""

from dataclasses import asdict
from typing import Any

import click

from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import write_json, write_table
from medrecog_core.features import Cell
from medrecog_core.runs import CellResult, find_run
from medrecog_core.runs.published import (
    BesideStudy,
    PublishedTable,
    beside_report,
    beside_study,
    find_published_table,
)


@click.command()
@click.argument("run_id", metavar="RUN")
@json_option
def published(run_id: str, as_json: bool) -> None:
    """Show published figures on the images of RUN beside its own, and what differs.

    The data set is recognised by its classes or its name.
    """
    run = find_run(run_id)
    record, results = run.needed_record(), run.cells()
    study = beside_study(run.specification(), record, results)
    table = find_published_table(run.specification().dataset, list(record.dataset.classes))
    if as_json:
        write_json(
            {
                "run": run.id,
                "study": study and _study_document(study),
                "report": table and _report_document(table, results),
            }
        )
        return
    if study is not None:
        _write_study(study)
    if table is not None:
        click.echo(f"2018 report, {table.name}: {table.dataset}")
        rows = _report_rows(table, results)
        if rows:
            write_table(("cell", "this run", "2018 report", "difference"), rows)
        click.echo(f"{table.source}. {table.note}")
    if study is None and table is None:
        click.echo(f"No published figures are known for the images of run {run.id}.")


def _write_study(beside: BesideStudy) -> None:
    study = beside.study
    click.echo(f"{study.name}: {study.dataset}")
    rows: list[tuple[Any, ...]] = []
    if beside.result is not None:
        own = (beside.value(measure) for measure in study.measures)
        rows.append((f"this run, {beside.result.cell.name}", *own))
    for figure in study.figures:
        rows.append((figure.method, *(figure.values.get(name, "-") for name in study.measures)))
    write_table(("method", *(measure.replace("_", " ") for measure in study.measures)), rows)
    for sentence in beside.differences:
        click.echo(sentence)
    click.echo(f"{study.protocol}. {study.source}.")


def _study_document(beside: BesideStudy) -> dict[str, Any]:
    result, measures = beside.result, beside.study.measures
    return {
        **asdict(beside.study),
        "comparable_cell": None if result is None else result.cell.name,
        "values": {measure: beside.value(measure) for measure in measures},
        "differences": list(beside.differences),
    }


def _report_rows(
    table: PublishedTable, results: list[CellResult]
) -> list[tuple[str, float, float, float]]:
    accuracies = {r.cell: r.metrics.accuracy for r in results if isinstance(r.cell, Cell)}
    return [
        (row.cell.name, row.accuracy, row.published.accuracy, row.difference)
        for row in beside_report(accuracies, table)
    ]


def _report_document(table: PublishedTable, results: list[CellResult]) -> dict[str, Any]:
    names = ("cell", "accuracy", "published", "difference")
    return {
        "name": table.name,
        "dataset": table.dataset,
        "source": table.source,
        "note": table.note,
        "cells": [dict(zip(names, row, strict=True)) for row in _report_rows(table, results)],
    }
