"""The result of a cell."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from medrecog_core.bounds import Count, Finite, Seconds, Share
from medrecog_core.classification import Metrics
from medrecog_core.features import AnyCell, Cell, Fusion


@dataclass(frozen=True)
class FoldResult:
    """What came of one fold.

    Attributes
    ----------
    n_train, n_test
        Images.
    accuracy
        On the fold's test images.
    value
        Of its classifier's hyper-parameter: as given, or chosen on its training part.
    parameter
        Name of the hyper-parameter.
    """

    n_train: Count
    n_test: Count
    accuracy: Share
    value: Finite
    parameter: str = "C"

    def to_document(self) -> dict[str, Any]:
        """Return the result as JSON values, the hyper-parameter by its own name."""
        return {
            "n_train": self.n_train,
            "n_test": self.n_test,
            "accuracy": self.accuracy,
            self.parameter: self.value,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "FoldResult":
        """Return the result that `to_document` gave."""
        (parameter,) = set(document) - {"n_train", "n_test", "accuracy"}
        value = document[parameter]
        return _FOLD.validate_python({**document, "value": value, "parameter": parameter})


@dataclass(frozen=True)
class CellResult:
    """A cell with its result.

    Attributes
    ----------
    cell
        The cell or fusion.
    metrics
        Of the test images of all folds together.
    n_train
        Images that the classifier of a fold learns from, where folds differ the smallest number.
    n_test
        Different images that are tested.
    seconds
        Time of training and testing.
    folds
        In the order of the split.
    """

    cell: AnyCell
    metrics: Metrics
    n_train: int
    n_test: int
    seconds: float
    folds: tuple[FoldResult, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """Return the result as JSON values, flat as the command line prints it."""
        return {
            "layer": self.cell.layer,
            "scale": self.cell.scale,
            "pooling": self.cell.pooling,
            **self.metrics.to_document(),
            "n_train": self.n_train,
            "n_test": self.n_test,
            "seconds": self.seconds,
            "folds": [fold.to_document() for fold in self.folds],
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "CellResult":
        """Return the result that `to_document` gave."""
        return cls(
            _cell(document["layer"], document["scale"], document["pooling"]),
            Metrics.from_document(document),
            _COUNT.validate_python(document["n_train"]),
            _COUNT.validate_python(document["n_test"]),
            _SECONDS.validate_python(document["seconds"]),
            tuple(FoldResult.from_document(fold) for fold in document["folds"]),
        )


def _cell(layer: str, scale: int | str, pooling: str) -> AnyCell:
    layers, scales, poolings = (str(side).split("+") for side in (layer, scale, pooling))
    fusion = Fusion(tuple(layers), tuple(map(int, scales)), tuple(poolings))
    return fusion if len(fusion.members) > 1 else Cell(layer, int(scale), pooling)


_FOLD = TypeAdapter(FoldResult)
_COUNT: TypeAdapter[int] = TypeAdapter(Count)
_SECONDS: TypeAdapter[float] = TypeAdapter(Seconds)
