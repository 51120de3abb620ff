"""MURA: studies in folders of body parts and patients, and tables of studies without a header."""

from dataclasses import replace

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.layouts.layout import Layout, files_named
from medrecog_core.datasets.intake.survey import Survey
from medrecog_core.datasets.intake.tables import read_tables

_TABLES = ("train_labeled_studies.csv", "valid_labeled_studies.csv")


def _tables(survey: Survey) -> list[str]:
    return [file for name in _TABLES for file in files_named(survey, name)]


def _read(survey: Survey, decisions: Decisions) -> Interpretation:
    tables = tuple(survey.root / table for table in _tables(survey))
    found = read_tables(survey, replace(decisions, tables=tables))
    return replace(found, layout=f"MURA, {found.layout}")


MURA = Layout("MURA", lambda survey: bool(_tables(survey)), _read)
