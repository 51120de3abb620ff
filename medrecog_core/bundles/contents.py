"""What a bundle says it holds: its first document, which every other file is checked against."""

import json
import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medrecog_core.datasets.archive_members import DamagedArchiveError, Members, opened_archive
from medrecog_core.errors import MedrecogError

FORMAT: Final = "medrecog bundle"
VERSION = 1
CONTENTS = "bundle.json"

Pictures = Literal["none", "thumbnails", "images"]
NO_PICTURES: Final = "none"
THUMBNAILS: Final = "thumbnails"
IMAGES: Final = "images"
PICTURES: tuple[Pictures, ...] = (NO_PICTURES, THUMBNAILS, IMAGES)
"""Neither images nor thumbnails; thumbnails of the runs' images; these and the images."""

_MOST_BYTES_OF_CONTENTS = 2**28
_MOST_BYTES_OF_DOCUMENT = 2**29
_MOST_BYTES_OF_THUMBNAIL = 2**20
_MOST_BYTES_OF_IMAGE = 2**30

_RUN = r"runs/(?P<run>[a-z0-9][a-z0-9_-]{0,99})/"
_MODEL = r"models/(?P<model>[a-z0-9][a-z0-9_-]{0,63})/"
_DATASET = r"datasets/(?P<dataset>[a-z0-9][a-z0-9_-]{0,63})/"
_RUN_DOCUMENT = "specification|state|title|record|images|split|files|repeated"
_KINDS = (
    (re.compile(rf"{_RUN}({_RUN_DOCUMENT})\.json"), _MOST_BYTES_OF_DOCUMENT),
    (re.compile(rf"{_RUN}log\.txt"), _MOST_BYTES_OF_DOCUMENT),
    (re.compile(rf"{_RUN}cells/[A-Za-z0-9_+-]{{1,200}}\.(json|npy)"), _MOST_BYTES_OF_DOCUMENT),
    (re.compile(rf"{_DATASET}(dataset|exclusions|health)\.json"), _MOST_BYTES_OF_DOCUMENT),
    (re.compile(rf"{_MODEL}[a-z0-9_+-]{{1,200}}\.(json|npz)"), _MOST_BYTES_OF_DOCUMENT),
    (re.compile(rf"{_DATASET}images/(?P<image>.+)", re.DOTALL), _MOST_BYTES_OF_IMAGE),
    (
        re.compile(
            r"bundled-thumbnails/(?P<first>[0-9a-f]{2})/(?P=first)[0-9a-f]{62}-256"
            r"(-[0-9a-f]{8,64})?\.jpg"
        ),
        _MOST_BYTES_OF_THUMBNAIL,
    ),
)
"""Every kind of file that a bundle may hold, as the cache folder has it, and its size at most."""


class BundleFile(BaseModel):
    """A file of a bundle: the SHA-256 of its content in hexadecimal, and its size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    n_bytes: Annotated[int, Field(ge=0)]


class BundleContents(BaseModel):
    """What a bundle holds.

    Attributes
    ----------
    format, version
        `FORMAT`, and its version.
    medrecog
        Version of the program that wrote it.
    pictures
        One of `PICTURES`.
    runs, datasets, models
        Names.
    files
        From path, as in the cache folder, to file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["medrecog bundle"] = FORMAT
    version: int = VERSION
    medrecog: str
    pictures: Pictures
    runs: tuple[str, ...]
    datasets: tuple[str, ...]
    models: tuple[str, ...] = ()
    files: dict[str, BundleFile]


def read_contents(path: Path) -> BundleContents:
    """Return what a bundle says it holds, if every file that it really has is on that list.

    The content of its files is not looked at.

    Raises
    ------
    MedrecogError
        If the file is no bundle, is damaged or of a newer medrecog, or holds what no bundle holds.
    """
    try:
        with opened_archive(path) as (members, _):
            if not isinstance(members, list):
                raise foreign(path)
            contents = _read(path, members)
            _check_members(path, contents, members)
    except DamagedArchiveError as error:
        raise foreign(path) from error
    return contents


def foreign(path: Path) -> MedrecogError:
    """Return the error that says that a file is no bundle."""
    return MedrecogError(
        f"{path.name} is no bundle of medrecog, or it is damaged: have it written again with the "
        "command “bundle”."
    )


def tampered(path: Path, what: str) -> MedrecogError:
    """Return the error that says that a bundle is not as it was written."""
    return MedrecogError(
        f"{path.name} was not opened, because {what}: it is not as medrecog wrote it, have it "
        "written again."
    )


def _read(path: Path, members: Members) -> BundleContents:
    first = [(m, content) for m, content in members if m.name == CONTENTS]
    if len(first) != 1 or first[0][0].n_bytes > _MOST_BYTES_OF_CONTENTS:
        raise foreign(path)
    with first[0][1]() as file:
        text = file.read(_MOST_BYTES_OF_CONTENTS + 1)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise foreign(path) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise foreign(path)
    version = document.get("version")
    if isinstance(version, int) and version > VERSION:
        raise MedrecogError(
            f"{path.name} was written by a newer medrecog ({document.get('medrecog')}): update "
            "this one to open it."
        )
    try:
        return BundleContents.model_validate(document)
    except ValidationError as error:
        raise tampered(path, f"its {CONTENTS} is wrong") from error


def _check_members(path: Path, contents: BundleContents, members: Members) -> None:
    told: dict[str, set[str]] = {"run": set(), "dataset": set(), "model": set()}
    for name, file in contents.files.items():
        found, most = _kind(name)
        if found is None:
            raise tampered(path, f"it holds “{name[:100]}”, which is in no bundle")
        if file.n_bytes > most:
            raise tampered(path, f"its “{name[:100]}” is larger than any such file")
        for kind, each in found.groupdict().items():
            if kind in told:
                told[kind].add(each)
    listed_names = contents.runs, contents.datasets, contents.models
    if list(told.values()) != [set(names) for names in listed_names]:
        raise tampered(path, "its list of runs and data sets is another than their files tell")
    there = {member.name: member for member, _ in members}
    listed = {*contents.files, CONTENTS}
    if len(there) != len(list(members)) or set(there) != listed:
        raise tampered(path, "its files are others than it says")
    for name, member in there.items():
        is_listed = name == CONTENTS or member.n_bytes == contents.files[name].n_bytes
        if member.kind != "file" or member.is_encrypted or not is_listed:
            raise tampered(path, f"its “{name[:100]}” is another than it says")


def _kind(name: str) -> tuple[re.Match[str] | None, int]:
    for pattern, most in _KINDS:
        found = pattern.fullmatch(name)
        if found:
            return (found, most) if is_safe(found.groupdict().get("image") or "x") else (None, 0)
    return None, 0


def is_safe(name: str) -> bool:
    """Return whether a relative path stays in its folder on every system, and shows itself."""
    parts = name.split("/")
    return (
        str(PurePosixPath(name)) == name
        and not any(part in ("", "..") or part.startswith(".") for part in parts)
        and not re.search(r"[\\\x00-\x1f]|^\w:", name)
    )
