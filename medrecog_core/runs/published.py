"""Published figures, and runs beside them: the report of 2018, and studies of frozen features."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from medrecog_core.features import Cell
from medrecog_core.networks import find_network
from medrecog_core.runs.cell_evaluation import CellResult
from medrecog_core.runs.record import RunRecord
from medrecog_core.runs.specification import RunSpecification

REPORT = (
    "Hichma Kari, Deep learning based medical image recognition, internship report, Laboratoire "
    "d'Informatique et Systèmes, Marseille, 2018"
)


@dataclass(frozen=True)
class PublishedAccuracy:
    """A number of a published table.

    Attributes
    ----------
    layer, scale
        As in `Cell`.
    poolings
        The poolings that it applies to: one, or both where the table has one number for both.
    accuracy
        Fraction, printed with two decimals.
    """

    layer: str
    scale: int
    poolings: tuple[str, ...]
    accuracy: float

    @property
    def is_merged(self) -> bool:
        """Whether the table has this one number for several poolings."""
        return len(self.poolings) > 1


@dataclass(frozen=True)
class PublishedTable:
    """A published table of accuracies.

    Attributes
    ----------
    name
        Such as `Figure 9`.
    dataset
        What the images are.
    source
        Where it was published.
    note
        What one must know to compare with it.
    accuracies
        The numbers, row by row.
    """

    name: str
    dataset: str
    source: str
    note: str
    accuracies: tuple[PublishedAccuracy, ...]

    def find(self, cell: Cell) -> PublishedAccuracy | None:
        """Return the number for a cell, None where the table has none."""
        for published in self.accuracies:
            if (published.layer, published.scale) == (cell.layer, cell.scale) and (
                cell.pooling in published.poolings
            ):
                return published
        return None


def _row(layer: str, *numbers: tuple[int, str, float]) -> tuple[PublishedAccuracy, ...]:
    poolings = {"max": ("max",), "average": ("average",), "both": ("max", "average")}
    return tuple(PublishedAccuracy(layer, scale, poolings[p], x) for scale, p, x in numbers)


FIGURE_9 = PublishedTable(
    name="Figure 9",
    dataset="mini-MIT, a reduced set of indoor scenes",
    source=f"{REPORT}, section 2.1, Figure 9",
    note=(
        "The size of the test set is not given. At 224 pixels fc1 and fc2 have one position, so "
        "one number applies to both poolings."
    ),
    accuracies=(
        *_row(
            "block5",
            *((224, "max", 0.78), (224, "average", 0.78), (544, "max", 0.78)),
            *((544, "average", 0.82), (864, "max", 0.72), (864, "average", 0.71)),
            *((1184, "max", 0.77), (1184, "average", 0.73)),
        ),
        *_row(
            "fc1",
            *((224, "both", 0.83), (544, "max", 0.78), (544, "average", 0.79)),
            *((864, "max", 0.72), (864, "average", 0.77)),
            *((1184, "max", 0.77), (1184, "average", 0.74)),
        ),
        *_row(
            "fc2",
            *((224, "both", 0.82), (544, "max", 0.89), (544, "average", 0.88)),
            *((864, "max", 0.75), (864, "average", 0.82)),
            *((1184, "max", 0.83), (1184, "average", 0.73)),
        ),
    ),
)

FIGURE_10 = PublishedTable(
    name="Figure 10",
    dataset="chest X-rays of children, Guangzhou: normal or pneumonia",
    source=f"{REPORT}, section 2.2, Figure 10",
    note=(
        "The given split without its validation part; the size of the test set is not given. At "
        "224 pixels fc1 and fc2 have one position, so one number applies to both poolings. At "
        "544 the table has one number for both as well, though max and average differ there, and "
        "does not say which it is."
    ),
    accuracies=(
        *_row(
            "block5",
            *((224, "max", 0.74), (224, "average", 0.75)),
            *((544, "max", 0.76), (544, "average", 0.77)),
        ),
        *_row("fc1", (224, "both", 0.75), (544, "both", 0.77)),
        *_row("fc2", (224, "both", 0.75), (544, "both", 0.77)),
    ),
)

PUBLISHED_TABLES = (FIGURE_9, FIGURE_10)


@dataclass(frozen=True)
class BesideReport:
    """A cell's accuracy beside the published one.

    Attributes
    ----------
    cell
        The cell.
    accuracy
        The run's.
    published
        The report's.
    difference
        The report's accuracy taken from the run's.
    """

    cell: Cell
    accuracy: float
    published: PublishedAccuracy
    difference: float


def beside_report(
    accuracies: Mapping[Cell, float], table: PublishedTable
) -> tuple[BesideReport, ...]:
    """Return the cells of a run that a published table has, in the run's order."""
    found = []
    for cell, accuracy in accuracies.items():
        published = table.find(cell)
        if published is not None:
            difference = accuracy - published.accuracy
            found.append(BesideReport(cell, accuracy, published, difference))
    return tuple(found)


def find_published_table(dataset: str, classes: Collection[str]) -> PublishedTable | None:
    """Return the published table on the same kind of images, None where there is none.

    The chest X-rays are known by their two classes, the mini-MIT set by its name.

    Parameters
    ----------
    dataset
        Name of a data set.
    classes
        Its labels.
    """
    if {label.casefold() for label in classes} == {"normal", "pneumonia"}:
        return FIGURE_10
    if re.search(r"(^|[^a-z])mini[-_ ]?mit([^a-z]|$)", dataset.casefold()):
        return FIGURE_9
    return None


# --- Studies -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PublishedFigure:
    """The figures of a method in a study.

    Attributes
    ----------
    method
        The network and what is trained on it.
    values
        From a measure, one of `MEASURES`, to a fraction.
    """

    method: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class PublishedStudy:
    """Published figures of frozen features on a data set.

    Attributes
    ----------
    name
        Such as `Doerrich et al., 2025`.
    dataset
        What the images are.
    source
        Where they were published.
    protocol
        How the figures came about.
    split
        The test images, in words.
    has_given_split
        Whether that is the predefined split of the data set.
    network
        The one among its networks that is nearest to those here.
    classifier
        What was trained on the features.
    layer, scale
        Of the comparable cell here; empty and 0 if no cell is.
    caveat
        What else one must know to compare with it; empty if nothing.
    figures
        The figures of each method.
    n_test
        Number of test images; 0 if unknown.
    """

    name: str
    dataset: str
    source: str
    protocol: str
    split: str
    has_given_split: bool
    network: str
    classifier: str
    layer: str
    scale: int
    figures: tuple[PublishedFigure, ...]
    caveat: str = ""
    n_test: int = 0

    @property
    def measures(self) -> tuple[str, ...]:
        """Measures that some method has."""
        return tuple(dict.fromkeys(name for figure in self.figures for name in figure.values))


def _accuracy_and_auc(
    *rows: tuple[str, float, float | None],
) -> tuple[PublishedFigure, ...]:
    return tuple(
        PublishedFigure(method, {"accuracy": accuracy} | ({} if auc is None else {"auc": auc}))
        for method, accuracy, auc in rows
    )


_DOERRICH = (
    "S. Doerrich, F. Di Salvo, J. Brockmann and C. Ledig, Rethinking model prototyping through the "
    "MedMNIST+ dataset collection, Scientific Reports, 2025; tables of the authors' repository"
)
_LINEAR_PROBE = (
    "ImageNet network frozen, features before the last layer, a linear layer trained with AdamW, "
    "224 pixels, mean of 3 seeds"
)

CHEST_XRAY = PublishedStudy(
    name="Doerrich et al., 2025",
    dataset="PneumoniaMNIST+, chest X-rays of children (Kermany et al.)",
    source=_DOERRICH,
    protocol=_LINEAR_PROBE,
    split="the official test part of 624 images",
    has_given_split=True,
    network="VGG16",
    classifier="a linear layer (AdamW)",
    layer="fc2",
    scale=224,
    n_test=624,
    figures=_accuracy_and_auc(
        ("VGG16, linear layer", 0.8622, 0.9675),
        ("VGG16, k-nearest neighbours", 0.8157, None),
        ("DenseNet-121, linear layer", 0.8659, 0.9734),
        ("ViT-B/16, linear layer", 0.8830, 0.9763),
        ("DINO ViT-B/16, linear layer", 0.9156, 0.9892),
        ("VGG16, fine-tuned", 0.8739, 0.9847),
    ),
)

HAM10000 = PublishedStudy(
    name="Doerrich et al., 2025",
    dataset="DermaMNIST+, HAM10000",
    source=_DOERRICH,
    protocol=_LINEAR_PROBE,
    split="the split of DermaMNIST+",
    has_given_split=False,
    network="VGG16",
    classifier="a linear layer (AdamW)",
    layer="fc2",
    scale=224,
    caveat=(
        "Its split mixes images of one lesion (Abhishek et al., Scientific Data 12:196, 2025), "
        "which raises its figures. The command “leakage” measures the effect on this data set."
    ),
    figures=_accuracy_and_auc(
        ("VGG16, linear layer", 0.7599, 0.9203),
        ("DenseNet-121, linear layer", 0.7706, 0.9318),
        ("DINO ViT-B/16, linear layer", 0.8442, 0.9683),
        ("VGG16, fine-tuned", 0.8155, None),
        ("DenseNet-121, fine-tuned", 0.8474, None),
    ),
)

MIT67 = PublishedStudy(
    name="Razavian et al., 2014",
    dataset="MIT-67 indoor scenes",
    source=(
        "A. S. Razavian, H. Azizpour, J. Sullivan and S. Carlsson, CNN features off-the-shelf: an "
        "astounding baseline for recognition, CVPR workshop, 2014, table 2"
    ),
    protocol="OverFeat, a fully connected layer, L2-normalised, linear SVM with C = 2",
    split="the official split",
    has_given_split=True,
    network="OverFeat",
    classifier="a linear SVM with C = 2",
    layer="fc1",
    scale=224,
    caveat="Its measure is the mean accuracy of the classes, which is the balanced accuracy here.",
    figures=tuple(
        PublishedFigure(method, {"balanced_accuracy": value})
        for method, value in (
            ("OverFeat, linear SVM", 0.584),
            ("OverFeat, linear SVM, 16 jittered views", 0.690),
            ("MOP-CNN", 0.689),
            ("Improved Fisher vectors", 0.608),
        )
    ),
)

PUBLISHED_STUDIES = (CHEST_XRAY, HAM10000, MIT67)

_HAM10000_CLASSES = {"akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"}
_N_MIT67_CLASSES = 67
_SOME_MIT67_CLASSES = {"airport_inside", "artstudio", "auditorium", "bakery", "bar", "bathroom"}


def find_published_study(classes: Collection[str]) -> PublishedStudy | None:
    """Return the published study on the same kind of images, known by their classes, or None."""
    names = {label.casefold() for label in classes}
    if names == {"normal", "pneumonia"}:
        return CHEST_XRAY
    if names == _HAM10000_CLASSES:
        return HAM10000
    if len(names) == _N_MIT67_CLASSES and names >= _SOME_MIT67_CLASSES:
        return MIT67
    return None


@dataclass(frozen=True)
class BesideStudy:
    """A run beside a published study.

    Attributes
    ----------
    study
        The study.
    result
        The best finished cell that is comparable, in the first measure of the study; None if the
        run has none.
    differences
        What differs between them, a sentence each, beginning with what is comparable.
    """

    study: PublishedStudy
    result: CellResult | None
    differences: tuple[str, ...]

    def value(self, measure: str) -> float | None:
        """Return a measure of the comparable cell; None if there is none."""
        value: float | None = getattr(self.result.metrics, measure) if self.result else None
        return value


def beside_study(
    specification: RunSpecification, record: RunRecord, results: Sequence[CellResult]
) -> BesideStudy | None:
    """Return the published study that a run is beside; None if none is on such images.

    Parameters
    ----------
    specification, record
        Of the run.
    results
        Its finished cells.
    """
    study = find_published_study(list(record.dataset.classes))
    if study is None:
        return None
    comparable = [
        result
        for result in results
        if (result.cell.layer, result.cell.scale) == (study.layer, study.scale)
    ]
    first = study.measures[0]
    best = max(comparable, key=lambda each: getattr(each.metrics, first) or 0.0, default=None)
    return BesideStudy(study, best, tuple(_differences(study, specification, record, best)))


def _differences(
    study: PublishedStudy,
    specification: RunSpecification,
    record: RunRecord,
    best: CellResult | None,
) -> Iterator[str]:
    network = find_network(specification.network)
    if study.layer in [layer.name for layer in network.layers]:
        missing = "" if best else ", which this run does not have"
        yield f"{study.layer} at {study.scale} pixels is the comparable cell{missing}."
    else:
        yield f"No layer of {network.title} is comparable."
    yield f"Its nearest network is {study.network}; this run uses {network.title}."
    n_test, kind = record.split.n_test, record.split.kind
    is_given = study.has_given_split and record.split.n_folds == 1 and study.n_test in (0, n_test)
    if not (is_given and specification.protocol in ("auto", "given")):
        yield f"It tests on {study.split}; this run tests on {n_test:,} images ({kind})."
    yield f"Its classifier is {study.classifier}; this run's is {specification.classifier_words}."
    if record.sample:
        yield f"This run is based on {record.sample}."
    if study.caveat:
        yield study.caveat
