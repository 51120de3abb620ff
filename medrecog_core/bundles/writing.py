"""Export of runs and their data sets into one file."""

import contextlib
import hashlib
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from medrecog_core import __version__
from medrecog_core.bundles.contents import (
    CONTENTS,
    IMAGES,
    LONGEST_NAME,
    MOST_BYTES_OF_MAP,
    NO_PICTURES,
    PICTURES,
    THUMBNAILS,
    BundleContents,
    BundleFile,
    Pictures,
    is_safe,
)
from medrecog_core.bundles.places import Places
from medrecog_core.datasets import Dataset, demo, kept_report, library
from medrecog_core.datasets.label_review import LABELS, review_of, unreviewed
from medrecog_core.datasets.manifest import exclusions_document, manifest_document
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import Image, UnreadableImageError, read_file, thumbnail
from medrecog_core.images.thumbnails import thumbnail_name
from medrecog_core.jobs.journal import STARTED_BY
from medrecog_core.jobs.progress import Progress, Stage, ignore
from medrecog_core.models.exchange import without_paths
from medrecog_core.models.model import what_is_kept
from medrecog_core.models.storage import (
    CARD,
    card_document,
    load_model,
    model_files,
    model_names,
)
from medrecog_core.runs import Run
from medrecog_core.runs.embedding import MAPS, kept_maps
from medrecog_core.runs.extracted_dataset import dataset_of_run
from medrecog_core.runs.learning_curve import CURVES, kept_learning_curves
from medrecog_core.runs.run import images_document
from medrecog_core.wording import is_text

_OF_DEMO = f"datasets/{demo.NAME}/"
_COPIED = ("title", "split", "files", "baselines")

_THUMBNAILS = Stage("add-thumbnails", "Adding thumbnails", "images")


@dataclass(frozen=True)
class BundleWriting:
    """Result of writing a bundle.

    Attributes
    ----------
    contents
        Its contents.
    left_out
        Messages about what is missing from it.
    features
        Messages about the training features that its models contain.
    metadata
        Messages about the columns of tables, such as sex and age, that its data sets contain.
    """

    contents: BundleContents
    left_out: tuple[str, ...]
    features: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()


def write_bundle(
    runs: Sequence[Run],
    destination: Path,
    pictures: Pictures = THUMBNAILS,
    with_models: bool = False,
    report: Callable[[Progress], None] = ignore,
    by: str = "",
) -> BundleWriting:
    """Write runs with their data sets into one file, completely or not at all.

    Parameters
    ----------
    runs
        At least one; none in progress.
    destination
        The file, which is overwritten if it exists.
    pictures
        One of `PICTURES`. The demo images are never included, since every installation generates
        them.
    with_models
        Whether to include the models trained from the runs, without the paths of their images.
    report
        Called with the progress.
    by
        Name of who shares it, which a read-only view shows; empty for none.

    Raises
    ------
    UsageError
        If there is no run, the choice of pictures is unknown, or the name is too long.
    MedrecogError
        If a run is in progress, or the file cannot be written.
    StorageError
        If a run's folder is damaged.
    """
    if pictures not in PICTURES:
        raise UsageError(
            f"Unknown choice of pictures “{pictures}”. Available: {', '.join(PICTURES)}."
        )
    if not is_text(by):
        raise UsageError("The name of who shares the bundle is not Unicode. Enter it in UTF-8.")
    if len(by) > LONGEST_NAME:
        raise UsageError(
            f"The name of who shares the bundle has {len(by)} characters. Shorten it to "
            f"{LONGEST_NAME}."
        )
    if not runs:
        raise UsageError("A bundle needs at least one run. Select a run.")
    for run in runs:
        if not run.state().has_ended:
            raise MedrecogError(
                f"Run {run.id} is in progress. Stop it, or wait until it has finished."
            )
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(
            prefix=f".{destination.name}-", dir=destination.absolute().parent
        )
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as opened:
            written = _Bundle(opened, pictures, report).write(runs, with_models, by)
        # The permissions of an ordinary file; temporary files are private.
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(destination)
    except OSError as error:
        raise MedrecogError(
            f"Cannot write to {destination} ({error.strerror or error}). Choose another file."
        ) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
    return written


_OF_MACHINE = re.compile(r"(: medrecog \S+, process \d+) on .*")
_OF_PERSON = re.compile(rf"\S+ \S+ UTC  {STARTED_BY}")


class _Bundle:
    """A bundle being written."""

    def __init__(
        self, opened: zipfile.ZipFile, pictures: Pictures, report: Callable[[Progress], None]
    ) -> None:
        self._opened, self._pictures, self._report = opened, pictures, report
        self._files: dict[str, BundleFile] = {}
        self._left_out: list[str] = []
        self._features: list[str] = []

    def write(self, runs: Sequence[Run], with_models: bool, by: str) -> BundleWriting:
        # By path in the bundle, content and rendering, which may differ between runs.
        images: dict[tuple[str, str, str], Image] = {}
        for run in dict.fromkeys(runs):
            name = run.specification().dataset
            for image, relative in zip(run.images(), self._write_run(run), strict=True):
                path = f"datasets/{name}/images/{relative}"
                images[path, image.sha256, image.rendering.identity] = image
        datasets = [self._write_dataset(runs, name) for name in _datasets_of(runs)]
        self._write_pictures(images, _paths_of([each for each in datasets if each is not None]))
        contents = BundleContents(
            medrecog=__version__,
            pictures=self._pictures,
            by=by,
            runs=tuple(dict.fromkeys(run.id for run in runs)),
            datasets=tuple(each.name for each in datasets if each is not None),
            models=self._write_models({run.id for run in runs}) if with_models else (),
            files=self._files,
        )
        # Left out where it is empty: earlier versions know no such field.
        document = contents.model_dump_json(indent=1, exclude=None if by else {"by"})
        self._opened.writestr(CONTENTS, document, compress_type=zipfile.ZIP_DEFLATED)
        metadata = tuple(
            f"Data set {each.name}: the bundle contains these columns of its images: "
            f"{', '.join(each.metadata)}."
            for each in datasets
            if each is not None and each.metadata
        )
        return BundleWriting(contents, tuple(self._left_out), tuple(self._features), metadata)

    def _write_run(self, run: Run) -> list[str]:
        """Write a run's documents and return its images' paths below the data set's root."""
        folder = f"runs/{run.id}"
        images = run.images()
        root = _root_of(run, images)
        relative = [Path(image.path).relative_to(root).as_posix() for image in images]
        places = Places(root)
        self._add_json(f"{folder}/specification.json", run.specification().to_document())
        # Its process does not exist on other machines.
        state = replace(run.state(), process=None, heartbeat=0.0)
        self._add_json(f"{folder}/state.json", places.left_out_of(asdict(state)))
        record = run.record()
        documents = {"record": record and record.to_document(), "repeated": run.repeated()}
        for name, document in documents.items():
            if document:
                nameless = _without_people(places.left_out_of(document))
                self._add_json(f"{folder}/{name}.json", nameless)
        named = [replace(image, path=path) for image, path in zip(images, relative, strict=True)]
        self._add_json(f"{folder}/images.json", images_document(named))
        for name in _COPIED:
            self._copy(run.path / f"{name}.json", f"{folder}/{name}.json")
        # Logs of earlier versions name the machine.
        lines = [_OF_MACHINE.sub(r"\1", line) for line in run.log.lines()]
        if lines := [line for line in lines if not _OF_PERSON.match(line)]:
            self._add(f"{folder}/log.txt", places.left_out_of("\n".join(lines) + "\n").encode())
        for result in run.cells():
            for ending in ("json", "npy"):
                name = f"cells/{result.cell.name}.{ending}"
                self._copy(run.path / name, f"{folder}/{name}")
        for file in kept_maps(run):
            if file.stat().st_size <= MOST_BYTES_OF_MAP:
                self._copy(file, f"{folder}/{MAPS}/{file.name}")
        for cell in kept_learning_curves(run):
            name = f"{CURVES}/{cell.name}.json"
            self._copy(run.path / name, f"{folder}/{name}")
        return relative

    def _write_dataset(self, runs: Sequence[Run], name: str) -> Dataset | None:
        kept = (dataset_of_run(run) for run in runs if run.specification().dataset == name)
        dataset = next((each for each in kept if each is not None), None)
        if dataset is None:
            self._left_out.append(
                f"The data set “{name}” has changed since the runs and is not included. The runs "
                "contain the list of their images."
            )
            return None
        folder = f"datasets/{name}"
        as_imported = manifest_document(unreviewed(dataset), library.IMAGES)
        self._add_json(f"{folder}/dataset.json", as_imported)
        if dataset.reviewed:
            self._add_json(f"{folder}/{LABELS}", review_of(dataset).to_document())
        if dataset.excluded:
            self._add_json(f"{folder}/exclusions.json", exclusions_document(dataset))
        health = kept_report(name)
        if health is not None and health.fingerprint == dataset.fingerprint:
            self._add_json(f"{folder}/health.json", health.to_document())
        return dataset

    def _write_models(self, runs: set[str]) -> tuple[str, ...]:
        written = []
        for name in model_names():
            try:
                model = load_model(name)
            except MedrecogError as error:
                self._left_out.append(str(error))
                continue
            if model.card.run in runs:
                folder = f"models/{name}"
                if kept := what_is_kept(model.card):
                    self._features.append(f"Model {name}: {kept}")
                for file, content in model_files(without_paths(model)).items():
                    self._add(f"{folder}/{file}", content, zipfile.ZIP_STORED)
                self._add_json(f"{folder}/{CARD}", card_document(model.card))
                written.append(name)
        return tuple(written)

    def _write_pictures(
        self, images: dict[tuple[str, str, str], Image], of_datasets: set[tuple[str, str]]
    ) -> None:
        """Write the pictures of the runs' images; full images only if they are in a data set."""
        if self._pictures == NO_PICTURES:
            return
        n_missing = n_unlisted = 0
        for done, ((path, *_), image) in enumerate(images.items()):
            identity = (path, image.sha256)
            self._report(Progress(_THUMBNAILS, done, len(images)))
            try:
                small = thumbnail(Path(image.path), sha256=image.sha256, rendering=image.rendering)
                name = thumbnail_name(image.sha256, rendering=image.rendering)
                self._add(f"bundled-thumbnails/{name}", small, zipfile.ZIP_STORED)
                if self._pictures == IMAGES and identity in of_datasets:
                    self._add_image(identity[0], image)
                elif self._pictures == IMAGES and not identity[0].startswith(_OF_DEMO):
                    n_unlisted += 1
            except UnreadableImageError:
                n_missing += 1
        if n_unlisted:
            self._left_out.append(
                f"{n_unlisted:,} of {len(images):,} images have changed or are in no data set "
                "here. Only their thumbnails are included."
            )
        if n_missing:
            self._left_out.append(
                f"{n_missing:,} of {len(images):,} images are missing or have changed since the "
                "runs."
            )

    def _add_image(self, path: str, image: Image) -> None:
        content = read_file(Path(image.path))
        if hashlib.sha256(content).hexdigest() != image.sha256 or not is_safe(path):
            raise UnreadableImageError("the file has changed since")
        self._add(path, content, zipfile.ZIP_STORED)

    def _copy(self, file: Path, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._add(name, file.read_bytes())

    def _add_json(self, name: str, document: Any) -> None:
        self._add(name, json.dumps(document, indent=1).encode())

    def _add(self, name: str, content: bytes, how: int = zipfile.ZIP_DEFLATED) -> None:
        if name in self._files:
            return  # shared by several runs
        digest = hashlib.sha256(content).hexdigest()
        self._files[name] = BundleFile(sha256=digest, n_bytes=len(content))
        self._opened.writestr(name, content, compress_type=how)


def _without_people(document: Any) -> Any:
    """Return a document without the names of who started runs."""
    if isinstance(document, dict):
        return {
            name: _without_people(value) for name, value in document.items() if name != "started_by"
        }
    return document


def _datasets_of(runs: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(run.specification().dataset for run in runs))


def _paths_of(datasets: Sequence[Dataset]) -> set[tuple[str, str]]:
    """Return the path in the bundle and the SHA-256 of the images that may be included."""
    return {
        (f"datasets/{dataset.name}/images/{image.file_path}", image.file.sha256)
        for dataset in datasets
        if dataset.name != demo.NAME
        for image in dataset.every_image
        if image.file is not None
    }


def _root_of(run: Run, images: Sequence[Image]) -> Path:
    """Return the root of the data set of a run.

    The run does not record the root, but the path of each image below it.
    """
    # The path of a frame ends in a number sign and its number.
    rows = [str(row[0]) for row in run.files()]
    known = {*rows, *(row.rpartition("#")[0] for row in rows if "#" in row)}
    root = Path(os.path.commonpath([Path(image.path).parent for image in images] or [Path("/")]))
    for folder in (root, *root.parents):
        relative = [Path(image.path).relative_to(folder).as_posix() for image in images]
        if known.issuperset(relative):
            return folder
    return root
