"""The splits of an import, and what is wrong between training and test."""

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation


def with_splits(found: Interpretation, decisions: Decisions) -> Interpretation:
    """Return it with the splits that the decisions and the evidence give."""
    return found
