"""MIT-67 indoor scenes: class folders and two lists, of which classes may be selected."""

from medrecog_core.datasets import catalogue
from medrecog_core.datasets.dataset import ImageRecord, LeftOut
from medrecog_core.datasets.files import shown
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.layouts.layout import Layout, files_named, share
from medrecog_core.datasets.intake.survey import Survey
from medrecog_core.errors import MedrecogError

_LISTS = {"train": "trainimages.txt", "test": "testimages.txt"}


def _recognise(survey: Survey) -> bool:
    return all(files_named(survey, name) for name in _LISTS.values())


def _read(survey: Survey, decisions: Decisions) -> Interpretation:
    """Read the lists, whose lines are `class/file`, and leave out all other images."""
    classes = frozenset(catalogue.find(decisions.entry).classes if decisions.entry else ())
    lists = {split: files_named(survey, name)[0] for split, name in _LISTS.items()}
    names = {split: path.rpartition("/")[2] for split, path in lists.items()}
    paths = {"/".join(path.split("/")[-2:]): path for path in survey.images}
    images: list[ImageRecord] = []
    left_out: list[LeftOut] = []
    listed: set[str] = set()
    for split, file in lists.items():
        for line in _lines(survey, file):
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


def _lines(survey: Survey, file: str) -> list[str]:
    path = survey.root / file
    try:
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise MedrecogError(f"The list {path} cannot be read ({error.strerror}).") from error
    lines = (line.strip().replace("\\", "/").removeprefix("./") for line in text.splitlines())
    return [line for line in lines if line]


MIT67 = Layout("MIT-67", _recognise, _read)
