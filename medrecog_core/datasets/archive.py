"""Untrusted zip and tar archives: their members, and extraction, completely or not at all."""

import codecs
import contextlib
import gzip
import io
import re
import shutil
import stat
import struct
import tarfile
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from medrecog_core.datasets.dataset import LeftOut
from medrecog_core.datasets.files import shown
from medrecog_core.datasets.intake import medmnist
from medrecog_core.datasets.intake.survey import TABLE_SUFFIXES
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.images import SUFFIXES
from medrecog_core.locations import create_folder, unwritable
from medrecog_core.regular_file import open_regular
from medrecog_core.wording import counted

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
OTHER_ARCHIVE_SUFFIXES = (
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
Content = Callable[[], contextlib.AbstractContextManager[IO[bytes]]]
NESTED = "an archive inside the archive, which is not extracted; extract it and add it too"
NOT_UTF_8 = "the name of the file or its folder is not UTF-8; rename it"
_WANTED = SUFFIXES | TABLE_SUFFIXES
_CHUNK_BYTES = 2**20
_RATIO_MATTERS_FROM_BYTES = 100 * 2**20


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
    return path.name.lower().endswith((*ARCHIVE_SUFFIXES, *OTHER_ARCHIVE_SUFFIXES))


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
        file = open_regular(archive)
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
        f"{archive} is damaged or not an archive of the kinds {', '.join(ARCHIVE_SUFFIXES)} "
        f"({reason}). Get it again, or extract it yourself and add the folder."
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


# --- Extraction ----------------------------------------------------------------------------------


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
        Archives of the kinds in `ARCHIVE_SUFFIXES`, detected by content.
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
