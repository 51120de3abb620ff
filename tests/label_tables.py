"""Tables with labels, and what was read of them."""

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.found_tables import look_at_tables
from medrecog_core.datasets.intake.survey import survey_folder
from medrecog_core.datasets.intake.tables import read_tables

NAMES = [f"{i:03}" for i in range(8)]
IMAGES = [f"images/{name}.png" for name in NAMES]


def read(root, *tables, **decided):
    paths = tuple(root / table for table in tables)
    return read_tables(survey_folder(root), Decisions(tables=paths, **decided))


def find(root, **decided):
    return list(look_at_tables(survey_folder(root), Decisions(**decided)).interpretations)


def labels(found):
    return {image.path: image.label for image in found.images}


def said(found):
    return {warning.id: warning.paths for warning in found.warnings}


def listed(names=NAMES, suffix=".png", header="image,label"):
    rows = [f"{name}{suffix},{'ab'[i % 2]}" for i, name in enumerate(names)]
    return "\n".join([header, *rows]) + "\n"
