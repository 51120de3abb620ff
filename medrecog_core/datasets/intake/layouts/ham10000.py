"""HAM10000: images in parts, and a table with diagnoses and lesions."""

from dataclasses import replace

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.layouts.layout import Layout, files_named, share
from medrecog_core.datasets.intake.survey import Survey
from medrecog_core.datasets.intake.tables import read_tables

_TABLES = ("ham10000_metadata", *(f"ham10000_metadata.{s}" for s in ("csv", "tab", "tsv")))


def _tables(survey: Survey) -> list[str]:
    return [file for name in _TABLES for file in files_named(survey, name)]


def _read(survey: Survey, decisions: Decisions) -> Interpretation:
    table = survey.root / _tables(survey)[0]
    decided = replace(
        decisions,
        tables=(table,),
        image_column=decisions.image_column or "image_id",
        label_columns=decisions.label_columns or ("dx",),
        group_column="lesion_id" if decisions.group_column is None else decisions.group_column,
    )
    found = read_tables(survey, decided)
    return replace(found, layout=f"HAM10000, {found.layout}{share(found.images, 'ham10000')}")


HAM10000 = Layout("HAM10000", lambda survey: bool(_tables(survey)), _read, by_file_name=True)
