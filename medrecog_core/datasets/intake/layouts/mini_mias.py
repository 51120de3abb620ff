"""Mini-MIAS: mammograms, and a list of abnormalities within a text that explains it."""

import re
from dataclasses import replace

from medrecog_core.datasets.intake.columns import Columns
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.layouts.layout import Layout, files_named
from medrecog_core.datasets.intake.survey import Survey
from medrecog_core.datasets.intake.table import Table
from medrecog_core.datasets.intake.tables import read_as
from medrecog_core.errors import MedrecogError

_LIST = "info.txt"
_MOST_BYTES = 2**20
# Reference number, background tissue, class of abnormality, severity; then its place and radius.
_ROW = re.compile(
    r"(mdb(\d{3}))\s+([FGD])\s+(CALC|CIRC|SPIC|MISC|ARCH|ASYM|NORM)\b(?:\s+([BM])\b)?.*"
)
_COLUMNS = Columns(
    "image",
    ("class",),
    groups=("patient",),
    reasons=("the class of abnormality is the third column, as mini-MIAS has it",),
)


def _lists(survey: Survey) -> list[str]:
    if not any(path.rpartition("/")[2].lower().startswith("mdb") for path in survey.images):
        return []
    return [path for path in files_named(survey, _LIST) if _rows(survey, path)]


def _rows(survey: Survey, path: str) -> list[tuple[int, re.Match[str]]]:
    file = survey.root / path
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode("latin-1")
    except OSError as error:
        raise MedrecogError(f"The list {file} cannot be read ({error.strerror}).") from error
    lines = enumerate(text.splitlines(), start=1)
    return [(number, row) for number, line in lines if (row := _ROW.fullmatch(line.strip()))]


def _read(survey: Survey, decisions: Decisions) -> Interpretation:
    path = _lists(survey)[0]
    rows = _rows(survey, path)
    table = Table(
        survey.root / path,
        ("image", "tissue", "class", "severity", "patient"),
        [[row[1], row[3], row[4], row[5] or "", _patient(int(row[2]))] for _, row in rows],
        [number for number, _ in rows],
        has_header=False,
    )
    found = read_as(survey, decisions, table, _COLUMNS)
    remark = "images come in pairs, the two breasts of a patient"
    return replace(found, layout=f"mini-MIAS, {found.layout}, {remark}")


def _patient(number: int) -> str:
    """Return the patient of an image: each has two, an odd number and the next."""
    first = number - 1 + number % 2
    return f"mdb{first:03}-{first + 1:03}"


MINI_MIAS = Layout("mini-MIAS", lambda survey: bool(_lists(survey)), _read)
