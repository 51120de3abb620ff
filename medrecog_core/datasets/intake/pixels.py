"""The rendering of an import: grey window, frames, slices and channels."""

from pathlib import Path

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.images import PLAIN, Rendering


def with_rendering(
    root: Path, found: Interpretation, decisions: Decisions
) -> tuple[Interpretation, Rendering]:
    """Return it with frames as images where wanted, and the rendering of all."""
    return found, PLAIN
