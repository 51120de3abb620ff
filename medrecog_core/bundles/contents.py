"""Contents of a bundle: its first document, which all other files are checked against."""

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from medrecog_core.atomic_file import parse_json
from medrecog_core.bounds import Count
from medrecog_core.datasets.archive import DamagedArchiveError, Members, opened_archive
from medrecog_core.errors import MedrecogError

FORMAT: Final = "medrecog bundle"
VERSION = 1
CONTENTS = "bundle.json"

Pictures = Literal["none", "thumbnails", "images"]
NO_PICTURES: Final = "none"
THUMBNAILS: Final = "thumbnails"
IMAGES: Final = "images"
PICTURES: tuple[Pictures, ...] = (NO_PICTURES, THUMBNAILS, IMAGES)
"""No images or thumbnails; thumbnails only; thumbnails and images."""

LONGEST_NAME = 100
"""Characters of the name of who shares a bundle."""

_MOST_BYTES_OF_CONTENTS = 2**28
_MOST_BYTES_OF_DOCUMENT = 2**29
MOST_BYTES_OF_MAP = 2**22
_MOST_BYTES_OF_THUMBNAIL = 2**20
_MOST_BYTES_OF_IMAGE = 2**30

_RUN = r"runs/(?P<run>[a-z0-9][a-z0-9_-]{0,99})/"
_MODEL = r"models/(?P<model>[a-z0-9][a-z0-9_-]{0,63})/"
_DATASET = r"datasets/(?P<dataset>[a-z0-9][a-z0-9_-]{0,63})/"
_RUN_DOCUMENT = "specification|state|title|record|images|split|files|repeated|baselines"
_KINDS = (
    (re.compile(rf"{_RUN}({_RUN_DOCUMENT})\.json"), _MOST_BYTES_OF_DOCUMENT),
    (re.compile(rf"{_RUN}log\.txt"), _MOST_BYTES_OF_DOCUMENT),
    (re.compile(rf"{_RUN}cells/[A-Za-z0-9_+-]{{1,200}}\.(json|npy)"), _MOST_BYTES_OF_DOCUMENT),
    (re.compile(rf"{_RUN}(maps|learning-curves)/[A-Za-z0-9_+-]{{1,200}}\.json"), MOST_BYTES_OF_MAP),
    (re.compile(rf"{_DATASET}(dataset|exclusions|labels|health)\.json"), _MOST_BYTES_OF_DOCUMENT),
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
"""All kinds of files that a bundle may contain, as in the cache folder, with their maximum
sizes."""


class BundleFile(BaseModel):
    """A file in a bundle: SHA-256 of its content in hexadecimal, and size."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    n_bytes: Count


class BundleContents(BaseModel):
    """Contents of a bundle.

    Attributes
    ----------
    format, version
        `FORMAT`, and its version.
    medrecog
        Version of the program that wrote it.
    pictures
        One of `PICTURES`.
    by
        Name of who shares it, at most `LONGEST_NAME` characters; empty if none was given. medrecog
        0.2.0 cannot import a bundle with a name.
    runs, datasets, models
        Names.
    files
        Files by path, as in the cache folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["medrecog bundle"] = FORMAT
    version: Annotated[int, Field(strict=True, ge=1, le=VERSION)] = VERSION
    medrecog: str
    pictures: Pictures
    by: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    runs: tuple[str, ...]
    datasets: tuple[str, ...]
    models: tuple[str, ...] = ()
    files: dict[str, BundleFile]


def read_contents(path: Path) -> BundleContents:
    """Return the contents that a bundle declares, after checking that it has exactly these files.

    The content of the files is not checked.

    Raises
    ------
    MedrecogError
        If the file is not a bundle, is damaged, comes from a newer version, or contains other
        files.
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
    """Return the error for a file that is not a bundle."""
    return MedrecogError(
        f"{path.name} is not a medrecog bundle or is damaged. Ask the sender to create it again "
        "with “bundle”."
    )


def tampered(path: Path, what: str) -> MedrecogError:
    """Return the error for a bundle that was changed or damaged."""
    return MedrecogError(
        f"{path.name} was not imported, because {what}. Ask the sender to create it again with "
        "“bundle”."
    )


def _read(path: Path, members: Members) -> BundleContents:
    first = [(m, content) for m, content in members if m.name == CONTENTS]
    if len(first) != 1 or first[0][0].n_bytes > _MOST_BYTES_OF_CONTENTS:
        raise foreign(path)
    with first[0][1]() as file:
        text = file.read(_MOST_BYTES_OF_CONTENTS + 1)
    try:
        document = parse_json(text)
    except (ValueError, RecursionError) as error:
        raise foreign(path) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise foreign(path)
    version = document.get("version")
    if isinstance(version, int) and version > VERSION:
        raise MedrecogError(
            f"{path.name} was written by a newer version of medrecog "
            f"({document.get('medrecog')}). Update medrecog to import it."
        )
    try:
        return BundleContents.model_validate(document)
    except ValidationError as error:
        raise tampered(path, f"its {CONTENTS} is not valid") from error


def _check_members(path: Path, contents: BundleContents, members: Members) -> None:
    told: dict[str, set[str]] = {"run": set(), "dataset": set(), "model": set()}
    for name, file in contents.files.items():
        found, most = _kind(name)
        if found is None:
            raise tampered(path, f"it contains “{name[:100]}”, which does not belong in a bundle")
        if file.n_bytes > most:
            raise tampered(path, f"its “{name[:100]}” is too large")
        for kind, each in found.groupdict().items():
            if kind in told:
                told[kind].add(each)
    listed_names = contents.runs, contents.datasets, contents.models
    is_repeated = any(len(set(names)) != len(names) for names in listed_names)
    if is_repeated or list(told.values()) != [set(names) for names in listed_names]:
        raise tampered(path, "its list of runs and data sets does not match its files")
    there = {member.name: member for member, _ in members}
    listed = {*contents.files, CONTENTS}
    if len(there) != len(list(members)) or set(there) != listed:
        raise tampered(path, "its files do not match its table of contents")
    for name, member in there.items():
        is_listed = name == CONTENTS or member.n_bytes == contents.files[name].n_bytes
        if member.kind != "file" or member.is_encrypted or not is_listed:
            raise tampered(path, f"its “{name[:100]}” does not match its table of contents")


def _kind(name: str) -> tuple[re.Match[str] | None, int]:
    for pattern, most in _KINDS:
        found = pattern.fullmatch(name)
        if found:
            return (found, most) if is_safe(found.groupdict().get("image") or "x") else (None, 0)
    return None, 0


def is_safe(name: str) -> bool:
    """Return whether a relative path stays in its folder on every system and is printable."""
    parts = name.split("/")
    return (
        str(PurePosixPath(name)) == name
        and not any(part in ("", "..") or part.startswith(".") for part in parts)
        and not re.search(r"[\\\x00-\x1f]|^\w:", name)
    )
