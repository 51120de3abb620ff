"""Layouts of published data sets that folders and tables alone do not explain."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from medrecog_core.datasets import catalogue
from medrecog_core.datasets.dataset import DatasetWarning, ImageRecord, LeftOut
from medrecog_core.datasets.files import shown
from medrecog_core.datasets.intake.columns import Columns
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.folders import read_folders
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.survey import Survey
from medrecog_core.datasets.intake.table import Table
from medrecog_core.datasets.intake.tables import read_as, read_tables
from medrecog_core.errors import MedrecogError
from medrecog_core.regular_file import open_regular, read_regular


@dataclass(frozen=True)
class Layout:
    """How a published data set is recognised and read.

    Attributes
    ----------
    name
        Name for messages.
    recognise
        Whether a folder has this layout.
    read
        The interpretation.
    by_file_name
        Whether files are identified by their names only, so that copies in other folders are
        skipped.
    """

    name: str
    recognise: Callable[[Survey], bool]
    read: Callable[[Survey, Decisions], Interpretation]
    by_file_name: bool = False


def share(images: Sequence[ImageRecord], entry: str) -> str:
    """Return how many of the published images of a catalogue entry there are; empty for all."""
    published = catalogue.find(entry).n_images
    if not published or len(images) == published:
        return ""
    return f"; {len(images):,} of the {published:,} images published"


def files_named(survey: Survey, name: str) -> list[str]:
    """Return the tables and other files of a name, in any case, sorted."""
    files = (*survey.tables, *(entry.path for entry in survey.left_out))
    return sorted(file for file in files if file.rpartition("/")[2].lower() == name)


# --- HAM10000: images in parts, and a table with diagnoses and lesions ---------------------------

_HAM10000_TABLES = ("ham10000_metadata", *(f"ham10000_metadata.{s}" for s in ("csv", "tab", "tsv")))


def _ham10000_tables(survey: Survey) -> list[str]:
    return [file for name in _HAM10000_TABLES for file in files_named(survey, name)]


def _read_ham10000(survey: Survey, decisions: Decisions) -> Interpretation:
    table = survey.root / _ham10000_tables(survey)[0]
    decided = replace(
        decisions,
        tables=(table,),
        image_column=decisions.image_column or "image_id",
        label_columns=decisions.label_columns or ("dx",),
        group_column="lesion_id" if decisions.group_column is None else decisions.group_column,
    )
    found = read_tables(survey, decided)
    return replace(found, layout=f"HAM10000, {found.layout}{share(found.images, 'ham10000')}")


HAM10000 = Layout(
    "HAM10000", lambda survey: bool(_ham10000_tables(survey)), _read_ham10000, by_file_name=True
)


# --- MIT-67: class folders and two lists, of which classes may be selected -----------------------

_MIT67_LISTS = {"train": "trainimages.txt", "test": "testimages.txt"}


def _has_mit67_lists(survey: Survey) -> bool:
    return all(files_named(survey, name) for name in _MIT67_LISTS.values())


def _read_mit67(survey: Survey, decisions: Decisions) -> Interpretation:
    """Read the lists, whose lines are `class/file`, and leave out all other images."""
    classes = frozenset(catalogue.find(decisions.entry).classes if decisions.entry else ())
    lists = {split: files_named(survey, name)[0] for split, name in _MIT67_LISTS.items()}
    names = {split: path.rpartition("/")[2] for split, path in lists.items()}
    paths = {"/".join(path.split("/")[-2:]): path for path in survey.images}
    images: list[ImageRecord] = []
    left_out: list[LeftOut] = []
    listed: set[str] = set()
    for split, file in lists.items():
        for line in _lines_of_list(survey, file):
            label = line.partition("/")[0]
            if classes and label not in classes:
                continue
            reason = ""
            if line in listed:
                reason = "an earlier line has the same image"
            elif line not in paths:
                reason = "its image is not in the folder"
            if reason:
                left_out.append(LeftOut(f"{names[split]}: {shown(line)}", reason))
            else:
                images.append(ImageRecord(paths[line], label, split))
            listed.add(line)
    where = f"in neither {names['train']} nor {names['test']}"
    if classes:
        where += " for these classes"
    left_out += sorted(
        (LeftOut(path, where) for line, path in paths.items() if line not in listed),
        key=lambda entry: entry.path,
    )
    if not images:
        raise MedrecogError(
            f"No image of {survey.root / lists['train']} is below {survey.root}. Put the lists "
            "next to the folder of the class folders."
        )
    layout = f"MIT-67 indoor scenes, split by {names['train']} and {names['test']}"
    if classes:
        layout += f", {len(classes)} of 67 classes"
    return Interpretation(
        tuple(sorted(images, key=lambda image: image.path)),
        layout + share(images, "mini-mit" if classes else "mit67"),
        decisions,
        left_out=tuple(left_out),
        reasons=(f"{names['train']} and {names['test']} list the images of MIT-67.",),
    )


def _lines_of_list(survey: Survey, file: str) -> list[str]:
    path = survey.root / file
    try:
        text = read_regular(path).decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise MedrecogError(f"The list {path} cannot be read ({error.strerror}).") from error
    lines = (line.strip().replace("\\", "/").removeprefix("./") for line in text.splitlines())
    return [line for line in lines if line]


MIT67 = Layout("MIT-67", _has_mit67_lists, _read_mit67)


# --- HyperKvasir: `tract/kind/class`, and images without labels ----------------------------------

_TRACTS = frozenset({"lower-gi-tract", "upper-gi-tract"})
_UNLABELLED = "unlabeled-images"


def _is_in_tract(path: str) -> bool:
    return not _TRACTS.isdisjoint(path.split("/")[:-2])


def _read_hyperkvasir(survey: Survey, decisions: Decisions) -> Interpretation:
    labelled = tuple(path for path in survey.images if _is_in_tract(path))
    others = [path for path in survey.images if not _is_in_tract(path)]
    unlabelled = tuple(path for path in others if _UNLABELLED in path.split("/"))
    stray = tuple(path for path in others if _UNLABELLED not in path.split("/"))
    found = read_folders(replace(survey, images=labelled), replace(decisions, class_level=-1))[0]
    warnings = []
    if stray:
        warnings.append(
            DatasetWarning(
                "outside-classes",
                f"{len(stray):,} images not imported, because they are not in the folder of "
                "either tract. Use --class-level to choose other folders.",
                stray,
            )
        )
    return replace(
        found.with_images(
            found.images,
            left_out=tuple(LeftOut(path, "in the folder of neither tract") for path in stray),
            warnings=tuple(warnings),
            unlabelled=unlabelled,
        ),
        layout=f"HyperKvasir, {found.layout}; the files do not name patients",
        reasons=("The class is the innermost folder, as HyperKvasir has it.",),
    )


HYPERKVASIR = Layout(
    "HyperKvasir",
    lambda survey: any(_is_in_tract(path) for path in survey.images),
    _read_hyperkvasir,
)


# --- MURA: studies of body parts and patients, and tables without a header -----------------------

_MURA_TABLES = ("train_labeled_studies.csv", "valid_labeled_studies.csv")


def _mura_tables(survey: Survey) -> list[str]:
    return [file for name in _MURA_TABLES for file in files_named(survey, name)]


def _read_mura(survey: Survey, decisions: Decisions) -> Interpretation:
    tables = tuple(survey.root / table for table in _mura_tables(survey))
    found = read_tables(survey, replace(decisions, tables=tables))
    return replace(found, layout=f"MURA, {found.layout}")


MURA = Layout("MURA", lambda survey: bool(_mura_tables(survey)), _read_mura)


# --- Mini-MIAS: mammograms, and a list within a text that explains it ----------------------------

_MIAS_LIST = "info.txt"
_MOST_LIST_BYTES = 2**20
# Reference number, background tissue, class of abnormality, severity; then its place and radius.
_MIAS_ROW = re.compile(
    r"(mdb(\d{3}))\s+([FGD])\s+(CALC|CIRC|SPIC|MISC|ARCH|ASYM|NORM)\b(?:\s+([BM])\b)?.*"
)
_MIAS_COLUMNS = Columns(
    "image",
    ("class",),
    groups=("patient",),
    reasons=("the class of abnormality is the third column, as mini-MIAS has it",),
)


def _mias_lists(survey: Survey) -> list[str]:
    if not any(path.rpartition("/")[2].lower().startswith("mdb") for path in survey.images):
        return []
    return [path for path in files_named(survey, _MIAS_LIST) if _mias_rows(survey, path)]


def _mias_rows(survey: Survey, path: str) -> list[tuple[int, re.Match[str]]]:
    file = survey.root / path
    try:
        with open_regular(file) as opened:
            text = opened.read(_MOST_LIST_BYTES).decode("latin-1")
    except OSError as error:
        raise MedrecogError(f"The list {file} cannot be read ({error.strerror}).") from error
    lines = enumerate(text.splitlines(), start=1)
    return [(number, row) for number, line in lines if (row := _MIAS_ROW.fullmatch(line.strip()))]


def _read_mini_mias(survey: Survey, decisions: Decisions) -> Interpretation:
    path = _mias_lists(survey)[0]
    rows = _mias_rows(survey, path)
    table = Table(
        survey.root / path,
        ("image", "tissue", "class", "severity", "patient"),
        [[row[1], row[3], row[4], row[5] or "", _mias_patient(int(row[2]))] for _, row in rows],
        [number for number, _ in rows],
        has_header=False,
    )
    found = read_as(survey, decisions, table, _MIAS_COLUMNS)
    remark = "images come in pairs, the two breasts of a patient"
    return replace(found, layout=f"mini-MIAS, {found.layout}, {remark}")


def _mias_patient(number: int) -> str:
    """Return the patient of an image: each has two, an odd number and the next."""
    first = number - 1 + number % 2
    return f"mdb{first:03}-{first + 1:03}"


MINI_MIAS = Layout("mini-MIAS", lambda survey: bool(_mias_lists(survey)), _read_mini_mias)


# --- The layouts that are tried -----------------------------------------------------------------

LAYOUTS: tuple[Layout, ...] = (HAM10000, MIT67, HYPERKVASIR, MURA, MINI_MIAS)
"""In the order in which they are tried."""


# --- Class folders that are known by their classes and file names --------------------------------

PATIENT_OF = {
    "PNEUMONIA": re.compile(r"(person\d+(?:_bacteria|_virus)?)_"),
    "NORMAL": re.compile(r"((?:NORMAL\d*-)?IM-\d+)-"),
}
"""Patterns by class whose first group is the patient in a file name."""


def chest_patient(image: ImageRecord) -> str:
    """Return the patient in the file name of a chest X-ray image; empty if there is none.

    Such as `person115_bacteria`, `IM-0115` or `NORMAL2-IM-0115`.

    Notes
    -----
    The publisher does not say how patients are numbered. The names of the 5,808 of 5,856 images
    that were examined show it: persons are numbered for bacteria and for virus each from 1 on. In
    the order of the persons of one kind the images' own numbers, the last ones of the names, ascend
    as well, with one exception in 4,237, while 864 of those numbers occur in both kinds. And the
    official split was made by persons of a kind: its test holds all bacteria from person 78 to 175,
    and of its 203 persons of a kind none is in training too, where a split by images would divide
    about 170, among the 647 with several images. So `person115` of bacteria and of virus are two
    patients. Were they one, 170 of the 202 persons of the test would be in training too, which is
    about what unrelated persons would give (139 if the split is drawn at random among persons of a
    kind).

    The numbers after `IM` and `NORMAL2-IM` are two series in the same way: none of the test's 224
    is in training, and 94 of 201 would be if the two were one.
    """
    told = PATIENT_OF[image.label].match(image.path.rpartition("/")[2])
    return told[1] if told else ""


def with_name(found: Interpretation) -> Interpretation:
    """Return the interpretation of folders, with the name and the groups of a known data set."""
    labels = set(found.classes)
    if labels == set(PATIENT_OF) and any(chest_patient(image) for image in found.images):
        images = tuple(replace(image, group=chest_patient(image)) for image in found.images)
        patients = "groups are the patients in the file names"
        layout = f"chest X-ray images, {found.layout}, {patients}{share(images, 'chest-xray')}"
        return replace(found, images=images, layout=layout)
    if labels == set(catalogue.find("kvasir-v2").classes):
        return replace(found, layout=f"Kvasir, {found.layout}; the files do not identify patients")
    return found
