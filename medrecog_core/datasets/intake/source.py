"""Where labels come from: a known layout, a table, DICOM tags or folders."""

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.survey import Survey


def interpretations(survey: Survey, decisions: Decisions) -> list[Interpretation]:
    """Return the interpretations that explain the images, best first."""
    raise NotImplementedError
