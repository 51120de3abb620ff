"""Extraction of untrusted archives, completely or not at all."""

import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from medrecog_core.datasets.archive_members import Member, encodings_of, is_archive, opened_archive
from medrecog_core.datasets.dataset import LeftOut
from medrecog_core.datasets.files import shown
from medrecog_core.datasets.intake import medmnist
from medrecog_core.datasets.intake.survey import TABLE_SUFFIXES
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.images import SUFFIXES
from medrecog_core.locations import create_folder, unwritable
from medrecog_core.wording import counted

NESTED = "an archive inside the archive, which is not extracted; extract it and add it too"
NOT_UTF_8 = "the name of the file or its folder is not UTF-8; rename it"

_WANTED = SUFFIXES | TABLE_SUFFIXES
_CHUNK_BYTES = 2**20
_RATIO_MATTERS_FROM_BYTES = 100 * 2**20


@dataclass(frozen=True)
class Bounds:
    """Limits of an archive.

    Attributes
    ----------
    n_bytes
        Maximum extracted size.
    n_members
        Maximum number of files and folders.
    ratio
        Maximum ratio of extracted to archived bytes; image files hardly compress, so a high ratio
        means a zip bomb. It is not checked for small archives.
    """

    n_bytes: int = 100 * 10**9
    n_members: int = 1_000_000
    ratio: int = 100


BOUNDS = Bounds()
"""Limits for archives on disk, which only trusted users can write."""


def unpack(
    archives: Sequence[Path],
    folder: Path,
    bounds: Bounds = BOUNDS,
    keep: Callable[[str], bool] = lambda name: True,
    report: Callable[[int, int], None] = lambda done, total: None,
    encoding: str = "",
    whole: bool = False,
) -> list[LeftOut]:
    """Extract archives into one new folder, which exists only if everything succeeded.

    Hidden files and files added by macOS are skipped.

    Parameters
    ----------
    archives
        Archives of the kinds in `SUFFIXES`, detected by content.
    folder
        Folder to create; it must not exist.
    bounds
        Limits of each archive; checked before and during extraction.
    keep
        Function from the name of a member to whether it is extracted.
    report
        Called with the archived bytes done and the total bytes.
    encoding
        Encoding of names that are not UTF-8. Without it, an archive with images or tables with such
        names is rejected, with a list of possible encodings.
    whole
        Whether to extract every file, or only those that data sets use.

    Returns
    -------
    list of LeftOut
        Members that were not extracted: nested archives, and other files whose names are not UTF-8.

    Raises
    ------
    MedrecogError
        If an archive cannot be read, is damaged or encrypted, contains too much, a link or a
        device, two files of the same name, or a name outside the folder.
    StorageError
        If the disk is full or cannot be written to.
    """
    create_folder(folder.parent)
    # Extracted next to its place and moved when complete, so that a rejected archive leaves
    # nothing.
    temporary = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    written: dict[str, str] = {}
    left_out: list[LeftOut] = []
    total = sum(_size(archive) for archive in archives)
    before = 0
    try:
        for archive in archives:

            def report_bytes(done: int, before: int = before) -> None:
                report(min(before + done, total), total)

            if archive.name.lower().endswith(medmnist.SUFFIX):
                medmnist.write_images(archive, temporary, bounds.n_bytes)
                before += _size(archive)
                report(min(before, total), total)
                continue
            with opened_archive(archive, encoding) as (members, n_read):
                guard = _Guard(archive, bounds, _size(archive), written)
                if isinstance(members, list):  # a zip lists its contents in advance
                    _check_space(folder, sum(member.n_bytes for member, _ in members))
                    guard.check_all(member for member, _ in members)
                    _check_names(archive, [m for m, _ in members if m.kind == "file"], keep)
                for member, content in members:
                    path = guard.check(member)
                    if member.kind == "file" and not _is_passed_over(path) and keep(path):
                        if not isinstance(members, list):
                            _check_names(archive, [member], keep)
                        reason = "" if whole else _reason_to_leave_out(path, member)
                        if reason:
                            left_out.append(LeftOut(shown(path), reason))
                        else:
                            guard.claim(path)
                            with content() as source:
                                _copy(source, temporary / path, member.n_bytes)
                    report_bytes(n_read())
            before += _size(archive)
        temporary.replace(folder)
    except OSError as error:
        raise StorageError(unwritable(folder, error)) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return left_out


class _Guard:
    """Rejects an archive at the first forbidden member."""

    def __init__(
        self, archive: Path, bounds: Bounds, n_bytes: int, written: dict[str, str]
    ) -> None:
        self._archive, self._bounds, self._written = archive, bounds, written
        self._most = min(
            bounds.n_bytes, max(_RATIO_MATTERS_FROM_BYTES, bounds.ratio * max(n_bytes, 1))
        )
        self._n_members = self._n_bytes = 0

    def check_all(self, members: Iterable[Member]) -> None:
        """Check the declared contents of an archive before anything is written."""
        for member in members:
            self.check(member)
        self._n_members = self._n_bytes = 0

    def check(self, member: Member) -> str:
        """Return the path of a member below the folder; empty for the folder itself."""
        self._n_members += 1
        self._n_bytes += member.n_bytes
        if self._n_members > self._bounds.n_members:
            raise self._refused(f"more than {self._bounds.n_members:,} files")
        if self._n_bytes > self._most:
            raise self._refused(
                f"more than {self._most / 1e9:,.1f} GB when extracted, too much for its size"
                if self._most < self._bounds.n_bytes
                else f"more than the {self._most / 1e9:,.1f} GB allowed"
            )
        name = member.name.replace("\\", "/")
        parts = PurePosixPath(name).parts
        if name.startswith("/") or (parts and parts[0][1:2] == ":"):
            raise self._refused(f"the absolute path “{shown(member.name)}”")
        if ".." in parts:
            raise self._refused(f"“{shown(member.name)}”, which is outside the folder")
        if member.kind not in ("file", "folder"):
            raise self._refused(f"the {member.kind} “{shown(member.name)}”")
        if member.is_encrypted:
            raise MedrecogError(
                f"{self._archive.name} is encrypted (“{shown(member.name)}”). Extract it with its "
                "password and add the folder."
            )
        return "/".join(parts)

    def claim(self, path: str) -> None:
        """Reject a second file of the same name, and a file that is also a folder."""
        parents = ["/".join(path.split("/")[:n]) for n in range(1, path.count("/") + 1)]
        for clash in (p for p in parents if self._written.get(p) == "file"):
            raise self._refused(f"the file and folder “{clash}”", "rename one of them")
        if self._written.get(path) == "folder":
            raise self._refused(f"the file and folder “{path}”", "rename one of them")
        if path in self._written:
            raise self._refused(f"two files “{path}”", "delete one of them")
        self._written.update(dict.fromkeys(parents, "folder"))
        self._written[path] = "file"

    def _refused(self, what: str, advice: str = "extract it yourself if you trust it") -> Exception:
        return MedrecogError(
            f"{self._archive.name} was not extracted because it contains {what}. "
            f"{advice.capitalize()}."
        )


def _check_names(archive: Path, members: Sequence[Member], keep: Callable[[str], bool]) -> None:
    """Reject images and tables whose names are in an unknown encoding."""
    names = [
        member.name for member in members if not member.is_utf_8 and _suffix(member.name) in _WANTED
    ]
    names = [name for name in names if not _is_passed_over(name) and keep(name)]
    if names:
        raw = [name.encode(errors="surrogateescape") for name in names]
        raise MedrecogError(
            f"{archive} has {counted(len(names), 'file')} whose names are not UTF-8. "
            f"{encodings_of(raw)}"
        )


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _reason_to_leave_out(path: str, member: Member) -> str:
    if not member.is_utf_8 or path != shown(path):
        return NOT_UTF_8
    # Arrays in an archive can be anything, such as those of a model.
    return NESTED if is_archive(Path(path)) and _suffix(path) != ".npz" else ""


def _is_passed_over(path: str) -> bool:
    parts = path.split("/")
    return parts[0] == "__MACOSX" or any(part.startswith(".") for part in parts) or not path


def _copy(source: IO[bytes], target: Path, n_bytes: int) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with target.open("xb") as file:
        left = n_bytes
        while left and (chunk := source.read(min(_CHUNK_BYTES, left))):
            file.write(chunk)
            left -= len(chunk)
        if left or source.read(1):
            raise EOFError(f"“{target.name}” does not have its declared length")


def _check_space(folder: Path, n_bytes: int) -> None:
    free = shutil.disk_usage(folder.parent).free
    if n_bytes > free:
        raise StorageError(
            unwritable(folder, f"{n_bytes / 1e9:,.1f} GB are needed, {free / 1e9:,.1f} are free")
        )


def _size(archive: Path) -> int:
    try:
        return archive.stat().st_size
    except OSError:
        return 0
