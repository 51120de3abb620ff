"""Labels from tables."""

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.survey import Survey


def read_tables(survey: Survey, decisions: Decisions) -> Interpretation:
    """Return what the named tables say."""
    raise NotImplementedError


def find_tables(survey: Survey, decisions: Decisions) -> list[Interpretation]:
    """Return what tables that lie in the folder say."""
    return []
