"""The result of a cell."""

from dataclasses import asdict, dataclass
from typing import Any

from medrecog_core.classification import Metrics
from medrecog_core.features import Cell


@dataclass(frozen=True)
class CellResult:
    """A cell with its result; `seconds` is the time of training and testing."""

    cell: Cell
    metrics: Metrics
    n_train: int
    n_test: int
    seconds: float

    def to_document(self) -> dict[str, Any]:
        """Return the result as JSON values, flat as the command line prints it."""
        return {
            **asdict(self.cell),
            **self.metrics.to_document(),
            "n_train": self.n_train,
            "n_test": self.n_test,
            "seconds": self.seconds,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "CellResult":
        """Return the result that `to_document` gave."""
        return cls(
            Cell(document["layer"], document["scale"], document["pooling"]),
            Metrics.from_document(document),
            document["n_train"],
            document["n_test"],
            document["seconds"],
        )
