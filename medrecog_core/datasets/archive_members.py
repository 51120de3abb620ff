"""Members of zip and tar archives, as declared."""

import codecs
import contextlib
import gzip
import io
import re
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from medrecog_core.errors import MedrecogError, UsageError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
OTHER_SUFFIXES = (
    *(".7z", ".rar", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst"),
    ".npz",
)
"""Unsupported archives, rejected with advice, and files of arrays; see `is_archive`."""

_OTHER_KINDS = {
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "RAR",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}
"""Kinds of archives by their first bytes."""

ENCODINGS = ("gbk", "big5", "cp932", "cp949", "cp850", "cp1252", "cp866", "cp1251")
"""Encodings of names in zip files of East Asian, Western and Russian systems."""

# Besides the content of a member, tarfile reads only names and attributes at once.
_LARGEST_HEADER_BYTES = 2**24
_ENCRYPTED = 1
_UTF_8_NAME = 0x800
_UNICODE_PATH = 0x7075
_FIELD = struct.Struct("<HH")
_CRC = struct.Struct("<L")


class DamagedArchiveError(MedrecogError):
    """The archive is damaged or of an unsupported kind."""


@dataclass(frozen=True)
class Member:
    """A member of an archive.

    Attributes
    ----------
    name
        Name as written in the archive; it is not trusted.
    n_bytes
        Its declared length.
    kind
        `file`, `folder`, or the name of another kind.
    is_encrypted
        Whether a password is needed.
    is_utf_8
        Whether its name is known to be UTF-8, or its encoding was given.
    """

    name: str
    n_bytes: int
    kind: str = "file"
    is_encrypted: bool = False
    is_utf_8: bool = True


def is_archive(path: Path) -> bool:
    """Return whether a file is meant to be an archive, by its ending."""
    return path.name.lower().endswith((*SUFFIXES, *OTHER_SUFFIXES))


Content = Callable[[], contextlib.AbstractContextManager[IO[bytes]]]
Members = Iterable[tuple[Member, Content]]


@contextlib.contextmanager
def opened_archive(
    archive: Path, encoding: str = ""
) -> Iterator[tuple[Members, Callable[[], int]]]:
    """Provide the members of an archive, and a function that returns the bytes read so far.

    The members of a zip are a list, known in advance; those of a tar come one by one, and each must
    be read before the next.

    Parameters
    ----------
    archive
        The file; its kind is detected by content.
    encoding
        Encoding of names that are not UTF-8, such as those of old Windows programs.

    Raises
    ------
    DamagedArchiveError
        If it is damaged or not an archive; also while its members are read.
    UsageError
        If the encoding is unknown.
    MedrecogError
        If the file cannot be read, is an archive of another kind, or its names are not in the given
        encoding.
    """
    if encoding:
        try:
            codecs.lookup(encoding)
        except LookupError as error:
            raise UsageError(
                f"Unknown encoding “{encoding}”. Available, among others: {', '.join(ENCODINGS)}."
            ) from error
    try:
        file = archive.open("rb")
    except OSError as error:
        raise MedrecogError(
            f"The archive {archive} cannot be read ({error.strerror}). Check the path."
        ) from error
    try:
        with file:
            beginning = file.read(8)
            file.seek(0)
            for magic, kind in _OTHER_KINDS.items():
                if beginning.startswith(magic):
                    raise MedrecogError(
                        f"{archive} is a {kind} archive, which is not supported. Extract it "
                        "yourself, for example with 7-Zip, and add the folder."
                    )
            if beginning[:2] == b"PK":
                with zipfile.ZipFile(file) as opened:
                    yield _members_of_zip(opened, encoding), file.tell
            else:
                is_compressed = beginning[:2] == b"\x1f\x8b"
                plain = gzip.GzipFile(fileobj=file) if is_compressed else file
                bound = cast("IO[bytes]", _HeaderBound(plain))
                with plain, tarfile.open(fileobj=bound, mode="r:") as opened_tar:
                    yield _members_of_tar(opened_tar, encoding), file.tell
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error) as error:
        raise _damaged(archive, error) from error
    except (EOFError, NotImplementedError, RuntimeError, UnicodeError, ValueError) as error:
        raise _damaged(archive, error) from error


def _damaged(archive: Path, error: Exception) -> DamagedArchiveError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return DamagedArchiveError(
        f"{archive} is damaged or not an archive of the kinds {', '.join(SUFFIXES)} ({reason}). "
        "Get it again, or extract it yourself and add the folder."
    )


def _members_of_zip(opened: zipfile.ZipFile, encoding: str) -> Members:
    members: list[tuple[Member, Content]] = []
    for info in opened.infolist():
        mode = info.external_attr >> 16
        kind = "folder" if info.filename.endswith(("/", "\\")) else "file"
        if stat.S_ISLNK(mode):
            kind = "link"
        elif stat.S_IFMT(mode) and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            kind = "device"
        name, is_utf_8 = _name_in_zip(info, encoding)
        is_encrypted = bool(info.flag_bits & _ENCRYPTED)

        def content(info: zipfile.ZipInfo = info) -> contextlib.AbstractContextManager[IO[bytes]]:
            return opened.open(info)

        member = Member(name, info.file_size, kind, is_encrypted, is_utf_8)
        members.append((member, content))
    return members


def _name_in_zip(info: zipfile.ZipInfo, encoding: str) -> tuple[str, bool]:
    """Return the name of a member, and whether it is UTF-8, which many programs do not declare."""
    if info.flag_bits & _UTF_8_NAME or info.filename.isascii():
        return info.filename, True
    raw = info.filename.encode("cp437")
    announced = _announced_name(info, raw)
    if announced:
        return announced, True
    return _decoded(raw, encoding)


def _announced_name(info: zipfile.ZipInfo, raw: bytes) -> str:
    """Return the name of the Unicode Path field (APPNOTE.TXT, 4.6.9); empty if there is none."""
    extra = info.extra
    while len(extra) >= _FIELD.size:
        kind, length = _FIELD.unpack_from(extra)
        content = extra[_FIELD.size : _FIELD.size + length]
        if kind == _UNICODE_PATH and len(content) > _CRC.size:
            (crc,) = _CRC.unpack_from(content, 1)
            if crc == zlib.crc32(raw):
                return content[1 + _CRC.size :].decode()
        extra = extra[_FIELD.size + length :]
    return ""


def _decoded(raw: bytes, encoding: str) -> tuple[str, bool]:
    """Return a name, and whether it could be decoded: as UTF-8, or in the given encoding."""
    try:
        return raw.decode(), True
    except UnicodeDecodeError:
        if not encoding:
            return raw.decode(errors="surrogateescape"), False
    try:
        return raw.decode(encoding), True
    except UnicodeDecodeError as error:
        raise MedrecogError(
            f"A name in the archive, {raw!r}, is not in the encoding {encoding}. "
            f"{encodings_of([raw])}"
        ) from error


def encodings_of(names: Collection[bytes]) -> str:
    """Return a sentence on possible encodings of names, with the first name in each of them."""
    found = []
    for encoding in ENCODINGS:
        try:
            texts = [name.decode(encoding) for name in names]
        except UnicodeDecodeError:
            continue
        if all(map(_is_of_one_script, texts)):
            found.append(f"{encoding} (“{texts[0]}”)")
    if not found:
        return "Specify their encoding with --encoding."
    return f"Specify their encoding with --encoding, for example {', '.join(found)}."


def _is_of_one_script(text: str) -> bool:
    """Return whether non-ASCII characters are letters in plausible words."""
    for word in re.findall(r"[^\s/_.()-]+", text):
        strange = [letter for letter in word if not letter.isascii()]
        if not all(unicodedata.category(letter)[0] in "LM" for letter in strange):
            return False
        is_latin = all("LATIN" in unicodedata.name(letter, "") for letter in strange)
        if not is_latin and any(letter.isascii() and letter.isalpha() for letter in word):
            return False
    return True


def _members_of_tar(opened: tarfile.TarFile, encoding: str) -> Members:
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

        name, is_utf_8 = _decoded(info.name.encode(errors="surrogateescape"), encoding)
        yield Member(name, info.size, kind, is_utf_8=is_utf_8), content
        opened.members = []  # type: ignore[attr-defined]  # otherwise it stores every member


class _HeaderBound:
    """A file that limits how much is read at once to the size of a header.

    A tar archive can declare a header of any length, which tarfile would read into memory.
    """

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, n_bytes: int = -1) -> bytes:
        if n_bytes < 0 or n_bytes > _LARGEST_HEADER_BYTES:
            raise tarfile.ReadError("a header is too large")
        return self._file.read(n_bytes)
