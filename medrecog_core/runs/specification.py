"""What a run is asked to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from medrecog_core.classification import (
    DEFAULT_CLASSIFIER,
    HYPER_PARAMETERS,
    Classifier,
    Normalisation,
    TrainingOptions,
    check_class_weight,
    find_classifier,
)
from medrecog_core.classification.solver import no_check
from medrecog_core.datasets import Protocol, check_name
from medrecog_core.errors import StorageError, UsageError
from medrecog_core.features import (
    DEFAULT_POOLINGS,
    FUSIONS,
    AnyCell,
    Cell,
    Fusion,
    check_pooling,
    fuse_grid,
    grid,
    members,
    parse_fusion,
)
from medrecog_core.images import DEFAULT_PREPROCESSING, check_scale, find_preprocessing
from medrecog_core.networks import DEFAULT_NETWORK, PRECISIONS, find_network
from medrecog_core.networks.engines import AUTO, check_engine


def _layers_of(validated: dict[str, Any]) -> tuple[str, ...]:
    return find_network(validated["network"]).default_layers


class RunSpecification(BaseModel):
    """A data set, a grid of cells, and how the classifier is trained.

    Attributes
    ----------
    dataset
        Name of the data set.
    network
        Name of the network.
    layers, scales, poolings
        The grid's three sides, each with at least one value; the layers are, unless others are
        asked for, all of the network that need no head.
    protocol, n_folds, n_repeats, keep_groups
        How images are split into training and test parts; see `Protocol`.
    fuse
        What is concatenated to be one more cell: `layers`, `scales`, `poolings` or `all` of the
        grid, or names of fusions such as `block4+block5-224-average`.
    normalisation, n_components
        Of descriptors, fitted on training parts; see `Normalisation`.
    classifier
        Name of the classifier.
    parameter_values
        Of the classifier's hyper-parameter, ascending; arguments and documents have them by the
        hyper-parameter's own name, such as `C` or `k`, one as a number or several as a list. Where
        several are given, each fold's is chosen by cross-validation within its training part.
    class_weight
        `none`, or `balanced`: the classes weigh alike, however many images they have.
    precision
        `auto`, `float32` or `bfloat16`.
    engine
        `auto`, or the name of the engine that computes features that are not cached.
    seed
        Of hold-out, folds, the sample, codebooks and the classifier, 0 or greater.
    n_words
        Words of a bag of words or of VLAD, Gaussians of a Fisher vector, from 1 to 4096; None: as
        many as is usual for each (`DEFAULT_N_WORDS`).
    preprocessing
        What images become before the network: `squeeze`, `keep-aspect` or `centre-crop`.
    views
        Views of an image whose features are averaged, 1, 2 or 10; see `VIEWS`.
    sample
        Size of a stratified sample of the images; None for all images.

    Raises
    ------
    UsageError
        If the network, a layer, scale, pooling, the preprocessing, the precision or the classifier
        does not exist, views are to be averaged for an encoding, or the classifier has not the
        hyper-parameter that is given.
    pydantic.ValidationError
        If a value is of another type or out of range; `from_document` turns it into a sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    network: str = DEFAULT_NETWORK
    layers: Annotated[tuple[str, ...], Field(min_length=1, default_factory=_layers_of)]
    scales: Annotated[tuple[int, ...], Field(min_length=1)] = (224,)
    poolings: Annotated[tuple[str, ...], Field(min_length=1)] = DEFAULT_POOLINGS
    protocol: str = "auto"
    n_folds: int = 5
    n_repeats: int = 1
    keep_groups: bool = True
    fuse: tuple[str, ...] = ()
    normalisation: str = "l2"
    n_components: Annotated[int, Field(ge=1, lt=2**31)] = 128
    classifier: str = DEFAULT_CLASSIFIER
    parameter_values: tuple[int | float, ...]
    class_weight: str = "none"
    precision: str = "auto"
    engine: str = AUTO
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    n_words: Annotated[int, Field(ge=1, le=4096)] | None = None
    preprocessing: str = DEFAULT_PREPROCESSING
    views: int = 1
    sample: Annotated[int, Field(ge=1, lt=2**31)] | None = None

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

    @field_validator("views")
    @classmethod
    def _views_exist(cls, value: int) -> int:
        return find_preprocessing(DEFAULT_PREPROCESSING, value).views

    @field_validator("precision")
    @classmethod
    def _precision_exists(cls, value: str) -> str:
        if value not in PRECISIONS:
            raise UsageError(f"Unknown precision “{value}”. Available: {', '.join(PRECISIONS)}.")
        return value

    @field_validator("engine")
    @classmethod
    def _engine_exists(cls, value: str) -> str:
        return check_engine(value)

    @model_validator(mode="before")
    @classmethod
    def _hyper_parameter_has_its_own_name(cls, values: dict[str, Any]) -> dict[str, Any]:
        classifier = find_classifier(str(values.get("classifier", DEFAULT_CLASSIFIER)))
        own = classifier.parameter
        for name in HYPER_PARAMETERS:
            if name in values and name != own.name:
                raise UsageError(
                    f"“{name}” is not a setting of the classifier {classifier.name}, which has "
                    f"“{own.name}”. Remove {name} or choose another classifier."
                )
        rest = {name: value for name, value in values.items() if name != own.name}
        return {**rest, "parameter_values": own.check(values.get(own.name, own.default))}

    @field_validator("class_weight")
    @classmethod
    def _class_weight_exists(cls, value: str) -> str:
        check_class_weight(value)
        return value

    def model_post_init(self, _: Any) -> None:
        """Check what only other objects know."""
        self.cells, self.split_protocol, self.normaliser  # noqa: B018
        encoded = sorted({cell.pooling for cell in self.read_cells if cell.is_encoded})
        if self.views > 1 and encoded:
            raise UsageError(
                f"Views cannot be averaged for {' and '.join(encoded)}, which encode the positions "
                "of one image. Use 1 view, or choose other poolings."
            )

    @property
    def grid(self) -> tuple[Cell, ...]:
        """The cells of layers x scales x poolings."""
        return grid(find_network(self.network), self.layers, self.scales, self.poolings)

    @property
    def fusions(self) -> tuple[Fusion, ...]:
        """The fusions, each once."""
        network = find_network(self.network)
        found = [
            fusion
            for asked in self.fuse
            for fusion in (
                fuse_grid(network, self.layers, self.scales, self.poolings, asked)
                if asked in FUSIONS
                else (parse_fusion(network, asked),)
            )
        ]
        return tuple(dict.fromkeys(found))

    @property
    def cells(self) -> tuple[AnyCell, ...]:
        """What classifiers are trained on: the grid, then the fusions."""
        return (*self.grid, *self.fusions)

    @property
    def read_cells(self) -> tuple[Cell, ...]:
        """The cells whose descriptors are needed: the grid's and the members of fusions."""
        needed = [cell for each in self.cells for cell in members(each)]
        return tuple(dict.fromkeys(needed))

    @property
    def split_protocol(self) -> Protocol:
        """How images are split."""
        return Protocol(self.protocol, self.n_folds, self.n_repeats, self.keep_groups, self.seed)

    @property
    def normaliser(self) -> Normalisation:
        """What is done to descriptors before the classifier."""
        return Normalisation(self.normalisation, self.n_components)

    @property
    def trained_classifier(self) -> Classifier:
        """The classifier."""
        return find_classifier(self.classifier)

    @property
    def classifier_words(self) -> str:
        """The classifier and its hyper-parameter, such as `linear SVM, C = 1`."""
        classifier = self.trained_classifier
        values = classifier.parameter.words(self.parameter_values)
        sign = "=" if len(self.parameter_values) == 1 else "chosen among"
        return f"{classifier.title}, {classifier.parameter.name} {sign} {values}"

    def training_options(self, check: Callable[[], None] = no_check) -> TrainingOptions:
        """Return how classifiers are trained.

        Parameters
        ----------
        check
            Called often meanwhile; what it raises ends the training.
        """
        return TrainingOptions(self.class_weight, self.normaliser, self.seed, check)

    def to_document(self) -> dict[str, Any]:
        """Return the specification as JSON values."""
        document: dict[str, Any] = {}
        for field, value in self.model_dump(mode="json").items():
            if field == "parameter_values":
                name = self.trained_classifier.parameter.name
                document[name] = value[0] if len(value) == 1 else value
            elif field not in _LATER or value != _LATER[field]:
                document[field] = value
        return document

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
            raise UsageError(
                f"The file {path} does not exist. Enter the path of a specification in JSON."
            ) from None
        except StorageError as error:
            raise UsageError(
                f"{path} cannot be read as JSON. Enter the path of a specification."
            ) from error
        if isinstance(document, dict) and "classifier" in changes:
            # The hyper-parameter in the file belongs to the file's own classifier.
            own = find_classifier(changes["classifier"]).parameter.name
            document = {k: v for k, v in document.items() if k not in {*HYPER_PARAMETERS} - {own}}
        return cls.from_document(
            {**document, **changes} if isinstance(document, dict) else document
        )


# Earlier versions know no such fields, so that documents have them only where they differ.
_LATER = {"classifier": DEFAULT_CLASSIFIER, "views": 1}


def _sentence(error: ValidationError) -> str:
    """Return the first thing that is wrong, in words of ours where people often meet it."""
    first = error.errors()[0]
    field = str(first["loc"][0]) if first["loc"] else "it"
    if first["type"] == "too_short":
        return f"No {field.removesuffix('s')} was given in “{field}”. Choose at least one."
    if first["type"].startswith("int_"):
        return f"“{first['input']}” is not a whole number. Correct “{field}”."
    where = ".".join(map(str, first["loc"])) or field
    return f"The specification is wrong at “{where}”: {first['msg'].lower()}."
