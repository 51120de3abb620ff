"""Unpacking archives that nobody has checked, wholly or not at all."""

import contextlib
import gzip
import io
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from medrecog_core.datasets.dataset import LeftOut
from medrecog_core.datasets.files import shown
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.locations import create_folder, unwritable

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")

NESTED = "an archive inside the archive, which is not unpacked; unpack it and add it too"
NOT_UTF_8 = "the name of the file or its folder is not UTF-8; rename it"

_CHUNK_BYTES = 2**20
# What tarfile reads at once beside a member's content are names and attributes.
_LARGEST_HEADER_BYTES = 2**24
_RATIO_MATTERS_FROM_BYTES = 100 * 2**20
_ENCRYPTED = 1
_UTF_8_NAME = 0x800


@dataclass(frozen=True)
class Bounds:
    """What an archive may hold at most.

    Attributes
    ----------
    n_bytes
        Unpacked.
    n_members
        Files and folders.
    ratio
        Unpacked bytes for a byte of the archive; image files hardly compress, so that a high ratio
        is a bomb. It is not looked at where little is unpacked.
    """

    n_bytes: int = 100 * 10**9
    n_members: int = 1_000_000
    ratio: int = 100


@dataclass(frozen=True)
class _Member:
    name: str
    n_bytes: int
    kind: str = "file"
    is_encrypted: bool = False
    is_utf_8: bool = True


def is_archive(path: Path) -> bool:
    """Return whether a file is meant as an archive, by its ending."""
    return path.name.lower().endswith(SUFFIXES)


def unpack(
    archives: Sequence[Path],
    folder: Path,
    bounds: Bounds = Bounds(),
    keep: Callable[[str], bool] = lambda name: True,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> list[LeftOut]:
    """Unpack archives into one new folder, which is there when all went well and else is not.

    Hidden files and what macOS adds to archives are passed over.

    Parameters
    ----------
    archives
        Of the kinds in `SUFFIXES`, told by their content.
    folder
        Where to; it must not be there yet.
    bounds
        What each archive may hold at most; checked beforehand and while unpacking.
    keep
        Tells by its name whether a member is wanted.
    report
        Is told the bytes of the archives that are done and that there are.

    Returns
    -------
    list of LeftOut
        Members that were not unpacked: nested archives and names that are not UTF-8.

    Raises
    ------
    MedrecogError
        If an archive cannot be read, is damaged or encrypted, holds too much, a link or a device,
        two files of one name, or a name that leads out of the folder.
    StorageError
        If the disk is full or cannot be written to.
    """
    create_folder(folder.parent)
    # Beside its place and moved there when whole, so that a refusal leaves nothing.
    temporary = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    written: dict[str, str] = {}
    left_out: list[LeftOut] = []
    total = sum(_size(archive) for archive in archives)
    before = 0
    try:
        for archive in archives:

            def report_bytes(done: int, before: int = before) -> None:
                report(min(before + done, total), total)

            with _readable(archive) as (members, n_read):
                guard = _Guard(archive, bounds, _size(archive), written)
                if isinstance(members, list):  # a zip says beforehand what it holds
                    _check_space(folder, sum(member.n_bytes for member, _ in members))
                    guard.check_all(member for member, _ in members)
                for member, content in members:
                    path = guard.check(member)
                    if member.kind == "file" and not _is_passed_over(path) and keep(path):
                        reason = _reason_to_leave_out(path, member)
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
    """Refuses an archive at the first member that it must not hold."""

    def __init__(
        self, archive: Path, bounds: Bounds, n_bytes: int, written: dict[str, str]
    ) -> None:
        self._archive, self._bounds, self._written = archive, bounds, written
        self._most = min(
            bounds.n_bytes, max(_RATIO_MATTERS_FROM_BYTES, bounds.ratio * max(n_bytes, 1))
        )
        self._n_members = self._n_bytes = 0

    def check_all(self, members: Iterable[_Member]) -> None:
        """Check all that an archive says it holds, before anything is written."""
        for member in members:
            self.check(member)
        self._n_members = self._n_bytes = 0

    def check(self, member: _Member) -> str:
        """Return the member's path below the folder, empty for the folder itself."""
        self._n_members += 1
        self._n_bytes += member.n_bytes
        if self._n_members > self._bounds.n_members:
            raise self._refused(f"more than {self._bounds.n_members:,} files")
        if self._n_bytes > self._most:
            raise self._refused(
                f"more than {self._most / 1e9:,.1f} GB when unpacked, too much for its size"
                if self._most < self._bounds.n_bytes
                else f"more than the {self._most / 1e9:,.1f} GB that may be unpacked"
            )
        name = member.name.replace("\\", "/")
        parts = PurePosixPath(name).parts
        if name.startswith("/") or (parts and parts[0][1:2] == ":"):
            raise self._refused(f"the absolute path “{shown(member.name)}”")
        if ".." in parts:
            raise self._refused(f"“{shown(member.name)}”, which leads out of the folder")
        if member.kind not in ("file", "folder"):
            raise self._refused(f"the {member.kind} “{shown(member.name)}”")
        if member.is_encrypted:
            raise MedrecogError(
                f"{self._archive.name} is encrypted (“{shown(member.name)}”): "
                "unpack it with its password and add the folder."
            )
        return "/".join(parts)

    def claim(self, path: str) -> None:
        """Refuse a second file of that name, and a file that is another's folder."""
        parents = ["/".join(path.split("/")[:n]) for n in range(1, path.count("/") + 1)]
        for clash in (p for p in parents if self._written.get(p) == "file"):
            raise self._refused(f"the file and folder “{clash}”", "rename one of them")
        if self._written.get(path) == "folder":
            raise self._refused(f"the file and folder “{path}”", "rename one of them")
        if path in self._written:
            raise self._refused(f"two files “{path}”", "leave one of them out")
        self._written.update(dict.fromkeys(parents, "folder"))
        self._written[path] = "file"

    def _refused(self, what: str, advice: str = "unpack it by hand if you trust it") -> Exception:
        return MedrecogError(
            f"{self._archive.name} was not unpacked because it holds {what}: {advice}."
        )


def _reason_to_leave_out(path: str, member: _Member) -> str:
    if not member.is_utf_8 or path != shown(path):
        return NOT_UTF_8
    return NESTED if is_archive(Path(path)) else ""


def _is_passed_over(path: str) -> bool:
    parts = path.split("/")
    return parts[0] == "__MACOSX" or any(part.startswith(".") for part in parts) or not path


_Content = Callable[[], contextlib.AbstractContextManager[IO[bytes]]]
_Members = Iterable[tuple[_Member, _Content]]


@contextlib.contextmanager
def _readable(archive: Path) -> Iterator[tuple[_Members, Callable[[], int]]]:
    """Give an archive's members and the number of its bytes that have been read."""
    try:
        file = archive.open("rb")
    except OSError as error:
        raise MedrecogError(
            f"The archive {archive} cannot be read ({error.strerror}): check the path."
        ) from error
    try:
        with file:
            beginning = file.read(4)
            file.seek(0)
            if beginning[:2] == b"PK":
                with zipfile.ZipFile(file) as opened:
                    yield _members_of_zip(opened), file.tell
            else:
                is_compressed = beginning[:2] == b"\x1f\x8b"
                plain = gzip.GzipFile(fileobj=file) if is_compressed else file
                bound = cast("IO[bytes]", _HeaderBound(plain))
                with plain, tarfile.open(fileobj=bound, mode="r:") as opened_tar:
                    yield _members_of_tar(opened_tar), file.tell
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error) as error:
        raise _damaged(archive, error) from error
    except (EOFError, NotImplementedError, RuntimeError, UnicodeError, ValueError) as error:
        raise _damaged(archive, error) from error


def _damaged(archive: Path, error: Exception) -> MedrecogError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return MedrecogError(
        f"{archive} is damaged or no archive of the kinds {', '.join(SUFFIXES)} ({reason}): "
        "get it again, or unpack it by hand and add the folder."
    )


def _members_of_zip(opened: zipfile.ZipFile) -> _Members:
    members: list[tuple[_Member, _Content]] = []
    for info in opened.infolist():
        mode = info.external_attr >> 16
        kind = "folder" if info.filename.endswith(("/", "\\")) else "file"
        if stat.S_ISLNK(mode):
            kind = "link"
        elif stat.S_IFMT(mode) and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            kind = "device"
        name, is_utf_8 = _name_in_zip(info)
        is_encrypted = bool(info.flag_bits & _ENCRYPTED)

        def content(info: zipfile.ZipInfo = info) -> contextlib.AbstractContextManager[IO[bytes]]:
            return opened.open(info)

        member = _Member(name, info.file_size, kind, is_encrypted, is_utf_8)
        members.append((member, content))
    return members


def _name_in_zip(info: zipfile.ZipInfo) -> tuple[str, bool]:
    """Return a member's name, and whether it is UTF-8; many programs write UTF-8 unannounced."""
    if info.flag_bits & _UTF_8_NAME or info.filename.isascii():
        return info.filename, True
    try:
        return info.filename.encode("cp437").decode(), True
    except UnicodeError:
        return info.filename, False


def _members_of_tar(opened: tarfile.TarFile) -> _Members:
    while (info := opened.next()) is not None:
        kind = "device"
        if info.isreg() and not info.issparse():
            kind = "file"
        elif info.issparse():
            kind = "sparse file"
        elif info.isdir():
            kind = "folder"
        elif info.issym() or info.islnk():
            kind = "link"

        def content(info: tarfile.TarInfo = info) -> contextlib.AbstractContextManager[IO[bytes]]:
            extracted = opened.extractfile(info)
            return contextlib.nullcontext(io.BytesIO()) if extracted is None else extracted

        yield _Member(info.name, info.size, kind), content
        opened.members = []  # type: ignore[attr-defined]  # else it remembers every member


class _HeaderBound:
    """A file of which no more than a header's bytes are read at once.

    A tar archive can claim a header of any length, which tarfile would read into memory.
    """

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, n_bytes: int = -1) -> bytes:
        if n_bytes < 0 or n_bytes > _LARGEST_HEADER_BYTES:
            raise tarfile.ReadError("a header is too large")
        return self._file.read(n_bytes)


def _copy(source: IO[bytes], target: Path, n_bytes: int) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with target.open("xb") as file:
        left = n_bytes
        while left and (chunk := source.read(min(_CHUNK_BYTES, left))):
            file.write(chunk)
            left -= len(chunk)
        if left or source.read(1):
            raise EOFError(f"“{target.name}” has another length than it says")


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
