"""The classes of an import: spellings, measurements, and which classes are wanted."""

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation


def choose_classes(found: Interpretation, decisions: Decisions) -> Interpretation:
    """Return it with the classes that the decisions and the evidence give."""
    return found
