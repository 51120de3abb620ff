"""The members of zip and tar archives, as they say they are."""

import contextlib
import gzip
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from medrecog_core.errors import MedrecogError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")

# What tarfile reads at once beside a member's content are names and attributes.
_LARGEST_HEADER_BYTES = 2**24
_ENCRYPTED = 1
_UTF_8_NAME = 0x800


class DamagedArchiveError(MedrecogError):
    """The archive is damaged, or none that can be read."""


@dataclass(frozen=True)
class Member:
    """A member of an archive.

    Attributes
    ----------
    name
        As it is written in the archive; nothing about it can be relied on.
    n_bytes
        Its length, as the archive says.
    kind
        `file`, `folder`, or the word for what else it is.
    is_encrypted
        Whether a password is needed.
    is_utf_8
        Whether its name is known to be UTF-8.
    """

    name: str
    n_bytes: int
    kind: str = "file"
    is_encrypted: bool = False
    is_utf_8: bool = True


def is_archive(path: Path) -> bool:
    """Return whether a file is meant as an archive, by its ending."""
    return path.name.lower().endswith(SUFFIXES)


Content = Callable[[], contextlib.AbstractContextManager[IO[bytes]]]
Members = Iterable[tuple[Member, Content]]


@contextlib.contextmanager
def opened_archive(archive: Path) -> Iterator[tuple[Members, Callable[[], int]]]:
    """Give an archive's members, and a function of the number of its bytes that have been read.

    A zip's members are a list, known before anything is read; a tar's come one after the other, and
    each must be read before the next.

    Raises
    ------
    DamagedArchiveError
        If it is damaged or no archive; also while its members are read.
    MedrecogError
        If the file cannot be read.
    """
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


def _damaged(archive: Path, error: Exception) -> DamagedArchiveError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return DamagedArchiveError(
        f"{archive} is damaged or no archive of the kinds {', '.join(SUFFIXES)} ({reason}): "
        "get it again, or unpack it by hand and add the folder."
    )


def _members_of_zip(opened: zipfile.ZipFile) -> Members:
    members: list[tuple[Member, Content]] = []
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

        member = Member(name, info.file_size, kind, is_encrypted, is_utf_8)
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


def _members_of_tar(opened: tarfile.TarFile) -> Members:
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

        yield Member(info.name, info.size, kind), content
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
