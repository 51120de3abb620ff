"""Checks of the documents in an extracted bundle."""

import contextlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from medrecog_core import atomic_file
from medrecog_core.bundles.contents import BundleContents, tampered
from medrecog_core.datasets import demo, library
from medrecog_core.datasets.manifest import MANIFEST, read_dataset
from medrecog_core.images import read_header
from medrecog_core.images.thumbnails import SIDE
from medrecog_core.jobs.state import JobState
from medrecog_core.models.storage import CARD, DAMAGE, model_files, read_model
from medrecog_core.runs import Run
from medrecog_core.runs.baselines import baselines_of
from medrecog_core.runs.embedding import MAPS, read_map
from medrecog_core.runs.learning_curve import CURVES, read_learning_curve
from medrecog_core.runs.run import images_of_document

_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_documents(path: Path, contents: BundleContents, staged: Path) -> None:
    """Reject an extracted bundle with invalid documents.

    Every run must have ended without a process, every path must be below its data set, and every
    document must be readable.

    Parameters
    ----------
    path
        The bundle, named in errors.
    contents
        Its contents.
    staged
        Where it is extracted, in the form of a cache folder.

    Raises
    ------
    MedrecogError
        If it is rejected.
    """
    for name in contents.datasets:
        with _refusing(path, f"the data set “{name}”"):
            _check_numbers(staged / "datasets" / name)
            _check_dataset(staged / "datasets" / name, name)
    for name in contents.models:
        with _refusing(path, f"the model “{name}”"):
            _check_numbers(staged / "models" / name)
            _check_model(staged / "models" / name, name)
    for name in contents.runs:
        with _refusing(path, f"the run “{name}”"):
            _check_numbers(staged / "runs" / name)
            _check_run(StagedRun(name, staged / "runs" / name), contents)
    for name in contents.files:
        if name.startswith("bundled-thumbnails/"):
            with _refusing(path, f"the thumbnail “{name}”"):
                _check_thumbnail((staged / name).read_bytes())


class StagedRun(Run):
    """The folder of a run outside the cache folder in use."""

    def __init__(self, run_id: str, path: Path) -> None:
        super().__init__(run_id)
        self.path = path


@contextlib.contextmanager
def _refusing(path: Path, part: str) -> Iterator[None]:
    """Turn any error in a part of a bundle into one message."""
    try:
        yield
    except (*DAMAGE, IndexError) as error:
        raise tampered(path, f"{part} in it cannot be read here") from error


def _check_numbers(folder: Path) -> None:
    for file in folder.rglob("*.json"):
        atomic_file.parse_json(file.read_bytes())


def _check_dataset(folder: Path, name: str) -> None:
    document = atomic_file.read_json(folder / MANIFEST)
    _require(document["root"] == library.IMAGES and document["name"] == name)
    dataset = read_dataset(folder, name)
    known = {image.file_path for image in dataset.every_image}
    unpacked = (folder / library.IMAGES).rglob("*")
    there = {f.relative_to(folder / library.IMAGES).as_posix() for f in unpacked if f.is_file()}
    # Every installation generates the demo images itself, all or none.
    _require(there <= known and not (there and name == demo.NAME))


def _check_model(folder: Path, name: str) -> None:
    model = read_model(name, lambda file: (folder / file).read_bytes())
    _require(model.card.name == name)
    _require({file.name for file in folder.iterdir()} == {*model_files(model), CARD})


def _check_run(run: StagedRun, contents: BundleContents) -> None:
    specification = run.specification()
    state = JobState.from_document(atomic_file.read_json(run.path / "state.json"))
    _require(state.has_ended and state.process is None and not state.heartbeat)
    images = images_of_document(atomic_file.read_json(run.path / "images.json"))
    _require(len({(image.path, image.rendering) for image in images}) == len(images))
    for image in images:
        _require(_stays_below(image.path) and bool(_SHA256.fullmatch(image.sha256)))
        _require(isinstance(image.label, str) and isinstance(image.group, str))
    split = run.split() if images else None
    positions = () if split is None else (*split.trained, *split.tested)
    _require(all(0 <= position < len(images) for position in positions))
    _require(all(_stays_below(row[0]) for row in run.files()))
    _require(isinstance(run.title, str) and len(run.title) <= 100)
    run.record(), run.repeated(), run.log.lines(1)
    for file in (run.path / MAPS).glob("*.json"):
        _require(len(read_map(file).points) == len(images))
    if (run.path / "baselines.json").exists():
        _require(baselines_of(run) is not None)
    for file in (run.path / CURVES).glob("*.json"):
        read_learning_curve(file)
    cells = {cell.name for cell in specification.cells}
    _require(_cells_in(contents.files, run.id) <= cells)
    for cell in specification.cells:
        if f"runs/{run.id}/cells/{cell.name}.json" in contents.files:
            _require(run.has_cell(cell))


def _cells_in(files: Iterable[str], run_id: str) -> set[str]:
    beginning = f"runs/{run_id}/cells/"
    names = (name.removeprefix(beginning) for name in files if name.startswith(beginning))
    return {name.rpartition(".")[0] for name in names}


def _check_thumbnail(content: bytes) -> None:
    header = read_header(content)
    _require(header.format == "JPEG" and max(header.width, header.height) <= SIDE)


def _stays_below(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not PurePosixPath(path).is_absolute() and ".." not in parts


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError("not in the form that medrecog writes")
