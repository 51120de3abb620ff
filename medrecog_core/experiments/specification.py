"""What a run is asked to do."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from medrecog_core.datasets import check_name
from medrecog_core.errors import StorageError, UsageError
from medrecog_core.features import Cell, check_pooling, grid
from medrecog_core.images import PREPROCESSINGS, check_scale, find_preprocessing
from medrecog_core.networks import DEFAULT_NETWORK, PRECISIONS, find_network


def _layers_of(validated: dict[str, Any]) -> tuple[str, ...]:
    return find_network(validated["network"]).default_layers


class RunSpecification(BaseModel):
    """A data set, a grid of cells, and how the SVM is trained.

    Attributes
    ----------
    dataset
        Name of the data set.
    network
        Name of the network.
    layers, scales, poolings
        The grid's three sides, each with at least one value; the layers are, unless others are
        asked for, all of the network that need no head.
    C
        Inverse strength of the SVM's regularisation, greater than 0.
    precision
        `auto`, `float32` or `bfloat16`.
    seed
        Of the hold-out split, the sample and the SVM, 0 or greater.
    preprocessing
        What images become before the network: `squeeze`, `keep-aspect` or `centre-crop`.
    sample
        Work on so many images only, drawn from all; None: on all.

    Raises
    ------
    UsageError
        If the network, a layer, scale, pooling, the preprocessing or the precision does not
        exist.
    pydantic.ValidationError
        If a value is of another type or out of range; `from_document` turns it into a sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    network: str = DEFAULT_NETWORK
    layers: Annotated[tuple[str, ...], Field(min_length=1, default_factory=_layers_of)]
    scales: Annotated[tuple[int, ...], Field(min_length=1)] = (224,)
    poolings: Annotated[tuple[str, ...], Field(min_length=1)] = ("max", "average")
    C: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    precision: str = "auto"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    preprocessing: str = next(iter(PREPROCESSINGS))
    sample: Annotated[int, Field(ge=1)] | None = None

    @field_validator("dataset")
    @classmethod
    def _dataset_has_a_name(cls, value: str) -> str:
        return check_name(value)

    @field_validator("network")
    @classmethod
    def _network_exists(cls, value: str) -> str:
        return find_network(value).name

    @field_validator("scales")
    @classmethod
    def _scales_are_possible(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(map(check_scale, value))

    @field_validator("poolings")
    @classmethod
    def _poolings_exist(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(check_pooling, value))

    @field_validator("preprocessing")
    @classmethod
    def _preprocessing_exists(cls, value: str) -> str:
        return find_preprocessing(value).name

    @field_validator("precision")
    @classmethod
    def _precision_exists(cls, value: str) -> str:
        if value not in PRECISIONS:
            raise UsageError(
                f"There is no precision “{value}”: choose among {', '.join(PRECISIONS)}."
            )
        return value

    def model_post_init(self, _: Any) -> None:
        """Check the layers, which only the network knows."""
        self.cells  # noqa: B018

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The grid."""
        return grid(find_network(self.network), self.layers, self.scales, self.poolings)

    def to_document(self) -> dict[str, Any]:
        """Return the specification as JSON values."""
        return self.model_dump(mode="json")

    @classmethod
    def from_document(cls, document: Any) -> "RunSpecification":
        """Return the specification that a JSON document describes.

        Raises
        ------
        UsageError
            If it describes none; one sentence says why.
        """
        if not isinstance(document, dict):
            raise UsageError("A specification is a JSON object with at least a “dataset”.")
        try:
            return cls(**document)
        except ValidationError as error:
            raise UsageError(_sentence(error)) from error

    @classmethod
    def from_file(cls, path: Path, **changes: Any) -> "RunSpecification":
        """Return the specification in a JSON file, with some values changed or added.

        Raises
        ------
        UsageError
            If there is no such file, or it holds no specification.
        """
        from medrecog_core.atomic_file import read_json

        try:
            document = read_json(path)
        except FileNotFoundError:
            raise UsageError(f"There is no file {path}: give a specification in JSON.") from None
        except StorageError as error:
            raise UsageError(f"{path} cannot be read as JSON: give a specification.") from error
        return cls.from_document(
            {**document, **changes} if isinstance(document, dict) else document
        )


def _sentence(error: ValidationError) -> str:
    """Return the first thing that is wrong, in words of ours where people often meet it."""
    first = error.errors()[0]
    field = str(first["loc"][0]) if first["loc"] else "it"
    if first["type"] == "too_short":
        return f"No {field.removesuffix('s')} was given in “{field}”: choose at least one."
    if first["type"].startswith("int_"):
        return f"“{first['input']}” is not a whole number: correct “{field}”."
    where = ".".join(map(str, first["loc"])) or field
    return f"The specification is wrong at “{where}”: {first['msg'].lower()}."
