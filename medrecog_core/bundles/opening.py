"""Opening bundles that nobody has checked: into the cache folder, wholly or not at all."""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from medrecog_core.bundles.checking import check_documents
from medrecog_core.bundles.contents import CONTENTS, BundleContents, read_contents, tampered
from medrecog_core.datasets.archive import unpack
from medrecog_core.datasets.archive_members import DamagedArchiveError
from medrecog_core.datasets.manifest import read_dataset
from medrecog_core.errors import StorageError
from medrecog_core.locations import (
    CacheFolder,
    cache_folder,
    check_may_write,
    create_folder,
    unwritable,
)

_CHUNK_BYTES = 2**20


def open_bundle(
    path: Path,
    into: CacheFolder | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[str, ...]:
    """Take the runs, data sets and models of a bundle into a cache folder.

    What is there under the same name stays as it is. Nothing of the bundle is executed or
    unpickled, and nothing is written outside the cache folder.

    Parameters
    ----------
    path
        The bundle.
    into
        The cache folder; None for the one in use.
    report
        Called with the bytes that are unpacked and that there are.

    Returns
    -------
    tuple of str
        The runs of the bundle, those that were there already among them.

    Raises
    ------
    MedrecogError
        If the file is no bundle, or not as medrecog wrote it.
    StorageError
        If the cache folder cannot be written to.
    """
    cache = into or cache_folder()
    check_may_write(cache.root)
    contents = read_contents(path)
    with _unpacked(path, cache, report) as staged:
        _check_files(path, contents, staged)
        check_documents(path, contents, staged)
        _set_times(contents, staged)
        _move(contents, staged, cache)
    return contents.runs


@contextlib.contextmanager
def _unpacked(path: Path, cache: CacheFolder, report: Callable[[int, int], None]) -> Iterator[Path]:
    """Unpack into a folder beside the others, which is gone afterwards."""
    create_folder(cache.root)
    try:
        work = Path(tempfile.mkdtemp(prefix=".opening-", dir=cache.root))
    except OSError as error:
        raise StorageError(unwritable(cache.root, error)) from error
    try:
        try:
            unpack([path], work / "cache", report=report, whole=True)
        except DamagedArchiveError as error:
            raise tampered(path, "it cannot be unpacked") from error
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
            raise tampered(path, f"its “{name[:100]}” cannot be unpacked") from error
        if digest.hexdigest() != file.sha256:
            raise tampered(path, f"the content of its “{name[:100]}” is another than it says")


def _set_times(contents: BundleContents, staged: Path) -> None:
    """Give unpacked images the times that their data set knows, so that none looks changed."""
    for name in contents.datasets:
        dataset = read_dataset(staged / "datasets" / name, name)
        for image in dataset.every_image:
            if image.file is not None:
                with contextlib.suppress(OSError):
                    os.utime(dataset.absolute_path(image), ns=(image.file.modified,) * 2)


def _move(contents: BundleContents, staged: Path, cache: CacheFolder) -> None:
    """Move what is not there yet to its place; where one step fails, take all back."""
    (staged / CONTENTS).unlink(missing_ok=True)
    pictures = [name for name in contents.files if name.startswith("bundled-thumbnails/")]
    folders = [f"datasets/{name}" for name in contents.datasets]
    folders += [f"models/{name}" for name in contents.models]
    # The runs last, each seen whole or not at all: a run's page needs all the rest.
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
