"""Import of untrusted bundles into the cache folder, completely or not at all."""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from medrecog_core.bundles.checking import check_documents
from medrecog_core.bundles.contents import CONTENTS, BundleContents, read_contents, tampered
from medrecog_core.datasets.archive import DamagedArchiveError, unpack
from medrecog_core.datasets.library import lock_dataset
from medrecog_core.datasets.manifest import read_dataset
from medrecog_core.errors import StorageError
from medrecog_core.jobs.locks import locked
from medrecog_core.locations import (
    CacheFolder,
    cache_folder,
    check_may_write,
    create_folder,
    unwritable,
)
from medrecog_core.models.storage import lock_model

_CHUNK_BYTES = 2**20
_OPENING = ".opening"
_SECONDS_TO_WAIT = 60


def open_bundle(
    path: Path,
    into: CacheFolder | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[str, ...]:
    """Import the runs, data sets and models of a bundle into a cache folder.

    Existing ones of the same name are not overwritten. Nothing of the bundle is executed or
    unpickled, and nothing is written outside the cache folder.

    Parameters
    ----------
    path
        The bundle.
    into
        The cache folder; None: the one in use.
    report
        Called with the bytes extracted and the total bytes.

    Returns
    -------
    tuple of str
        The runs of the bundle, including those that already existed.

    Raises
    ------
    MedrecogError
        If the file is not a bundle, or was changed.
    StorageError
        If the cache folder cannot be written to.
    """
    cache = into or cache_folder()
    check_may_write(cache.root)
    contents = read_contents(path)
    with _alone(cache), _unpacked(path, cache, report) as staged:
        _check_files(path, contents, staged)
        check_documents(path, contents, staged)
        _set_times(contents, staged)
        with contextlib.ExitStack() as locks:
            if cache.root == cache_folder().root:
                for lock, names in (
                    (lock_dataset, contents.datasets),
                    (lock_model, contents.models),
                ):
                    for name in sorted(names):
                        locks.enter_context(lock(name))
            _move(contents, staged, cache)
    return contents.runs


def _alone(cache: CacheFolder) -> contextlib.AbstractContextManager[None]:
    return locked(
        cache.root / f"{_OPENING}.lock",
        "Another process is importing a bundle. Try again when it has finished.",
        _SECONDS_TO_WAIT,
    )


@contextlib.contextmanager
def _unpacked(path: Path, cache: CacheFolder, report: Callable[[int, int], None]) -> Iterator[Path]:
    """Extract into a temporary folder next to the others."""
    create_folder(cache.root)
    for rest in cache.root.glob(f"{_OPENING}-*"):  # of a killed process, as nobody else is at work
        shutil.rmtree(rest, ignore_errors=True)
    try:
        work = Path(tempfile.mkdtemp(prefix=f"{_OPENING}-", dir=cache.root))
    except OSError as error:
        raise StorageError(unwritable(cache.root, error)) from error
    try:
        try:
            unpack([path], work / "cache", report=report, whole=True)
        except DamagedArchiveError as error:
            raise tampered(path, "it cannot be extracted") from error
        yield work / "cache"
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _check_files(path: Path, contents: BundleContents, staged: Path) -> None:
    for name, file in contents.files.items():
        digest = hashlib.sha256()
        try:
            with (staged / name).open("rb") as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    digest.update(chunk)
        except OSError as error:
            raise tampered(path, f"its “{name[:100]}” cannot be extracted") from error
        if digest.hexdigest() != file.sha256:
            raise tampered(path, f"the content of its “{name[:100]}” does not match its hash")


def _set_times(contents: BundleContents, staged: Path) -> None:
    """Set the times of extracted images to those in their data set."""
    for name in contents.datasets:
        dataset = read_dataset(staged / "datasets" / name, name)
        for image in dataset.every_image:
            if image.file is not None:
                with contextlib.suppress(OSError, OverflowError):
                    os.utime(dataset.absolute_path(image), ns=(image.file.modified,) * 2)


def _move(contents: BundleContents, staged: Path, cache: CacheFolder) -> None:
    """Move everything new to its place; if one step fails, undo all."""
    (staged / CONTENTS).unlink(missing_ok=True)
    pictures = [name for name in contents.files if name.startswith("bundled-thumbnails/")]
    folders = [f"datasets/{name}" for name in contents.datasets]
    folders += [f"models/{name}" for name in contents.models]
    # Runs are moved last, because their pages need everything else.
    folders += [f"runs/{name}" for name in contents.runs]
    moved: list[Path] = []
    try:
        for name in (*pictures, *folders):
            target = cache.root / name
            if target.exists():
                continue
            create_folder(target.parent)
            (staged / name).replace(target)
            moved.append(target)
    except BaseException as error:
        for target in reversed(moved):
            _delete(target)
        if isinstance(error, OSError):
            raise StorageError(unwritable(cache.root, error)) from error
        raise


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
