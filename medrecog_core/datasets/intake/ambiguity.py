"""Error for folders that can be read in several ways."""

from collections.abc import Sequence

from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.errors import MedrecogError


class AmbiguousError(MedrecogError):
    """Two interpretations explain the images about equally; `interpretations` lists them."""

    def __init__(self, message: str, interpretations: Sequence[Interpretation]) -> None:
        super().__init__(message)
        self.interpretations = tuple(interpretations)
