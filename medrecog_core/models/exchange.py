"""Export and import of models as single files.

The file is a zip of arrays and JSON with a manifest of SHA-256. Its members are not compressed, so
that nothing in it can expand to more than the file; the hashes detect damage and changes, but do
not prove who wrote it.
"""

import dataclasses
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from medrecog_core import __version__, atomic_file
from medrecog_core.access import Action
from medrecog_core.bounds import KNOWN_ONLY, Count, Sha256
from medrecog_core.errors import MedrecogError
from medrecog_core.mode import check_may_change
from medrecog_core.models.model import Model, ModelCard
from medrecog_core.models.storage import (
    CARD,
    DAMAGE,
    FORMAT,
    NewerModelError,
    card_document,
    format_of,
    load_model,
    model_files,
    read_model,
    save_model,
)
from medrecog_core.networks import all_installed_weights, find_network
from medrecog_core.quota import check_cache_quota
from medrecog_core.regular_file import read_regular

KIND = "medrecog model"
SUFFIX = ".medrecog-model"
MOST_BYTES = 512 * 2**20

_MANIFEST = "manifest.json"
_EARLIEST = (1980, 1, 1, 0, 0, 0)


def exported_model(name: str, with_paths: bool = False) -> bytes:
    """Return a model as the content of one file.

    Parameters
    ----------
    name
        Name of the model.
    with_paths
        Whether to include the paths of the training images. Names of folders and files may identify
        patients; without paths, training images are identified by label and SHA-256 only.

    Raises
    ------
    MedrecogError
        If there is no such model.
    StorageError
        If it is damaged.
    """
    model = load_model(name)
    if not with_paths:
        model = without_paths(model)
    files = {
        **model_files(model),
        CARD: atomic_file.encoded_json(card_document(model.card)),
    }
    manifest = {
        "kind": KIND,
        "format": format_of(model.card),
        "medrecog": __version__,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for file, content in {_MANIFEST: atomic_file.encoded_json(manifest), **files}.items():
            # A fixed date, so that the same model gives the same file.
            archive.writestr(zipfile.ZipInfo(file, _EARLIEST), content)
    return buffer.getvalue()


def export_model(name: str, file: Path, with_paths: bool = False) -> None:
    """Write a model to a file; see `exported_model`.

    Raises
    ------
    MedrecogError
        If there is no such model, it is damaged, or the file cannot be written.
    """
    atomic_file.write_export(file, exported_model(name, with_paths))


def import_model(file: Path, name: str = "") -> ModelCard:
    """Import a model file written by `export_model`, completely or not at all.

    Parameters
    ----------
    file
        The file.
    name
        Name of the model here; empty: its own name.

    Returns
    -------
    ModelCard
        Card of the imported model. `missing_weights` says whether it can be used.

    Raises
    ------
    UsageError
        If the name cannot be used or is taken.
    MedrecogError
        If the file cannot be read, is not a model, was changed, or comes from a newer version.
    StorageError
        If the model cannot be written.
    """
    check_may_change("import a model", Action.ADD)
    try:
        if file.stat().st_size > MOST_BYTES:
            raise _foreign(file.name, f"it has more than {MOST_BYTES // 2**20} MB")
        content = read_regular(file)
    except OSError as error:
        raise MedrecogError(
            f"{file} cannot be read ({error.strerror or error}). Check the path."
        ) from error
    return import_content(content, file.name, name)


def import_content(content: bytes, title: str, name: str = "") -> ModelCard:
    """Import a model from the content of its file; see `import_model`.

    Parameters
    ----------
    content
        Content of the file.
    title
        Name of the file in error messages.
    name
        Name of the model here; empty: its own name.
    """
    check_may_change("import a model", Action.ADD)
    check_cache_quota(len(content))
    files = _checked_files(content, title)

    unread = set(files)

    def read(file: str) -> bytes:
        if file not in files:
            raise FileNotFoundError(file)
        unread.discard(file)
        return files[file]

    try:
        model = read_model(title, read)
    except NewerModelError:
        raise
    except DAMAGE as error:
        raise _foreign(title, "its model is incomplete") from error
    if unread:
        raise _foreign(title, f"its “{min(unread)[:100]}” is no part of a model")
    card = dataclasses.replace(model.card, name=name or model.card.name)
    save_model(dataclasses.replace(model, card=card))
    return card


def without_paths(model: Model) -> Model:
    """Return the model without the paths of its training images."""
    known = model.training_images
    if known is None:
        return model
    images = tuple(dataclasses.replace(image, path="") for image in known.images)
    return dataclasses.replace(model, training_images=dataclasses.replace(known, images=images))


def missing_weights(card: ModelCard) -> str:
    """Return a sentence on missing weights of a model; empty if all are installed."""
    network = find_network(card.network)
    if card.source.weights in {w.identity for w in all_installed_weights(network)}:
        return ""
    return (
        f"“{card.name}” needs {network.title} with the weights {card.weights_title} "
        f"({card.source.weights}), which are not installed. Download or import them first."
    )


class _Manifest(BaseModel):
    model_config = KNOWN_ONLY

    kind: str
    format: Annotated[Count, Field(ge=1, le=FORMAT)]
    medrecog: str = ""
    files: dict[str, Sha256]


def _checked_files(content: bytes, title: str) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise _foreign(title, "it is compressed")
            if sum(member.file_size for member in members) > len(content):
                raise _foreign(title, "it declares more than it contains")
            files = {member.filename: archive.read(member) for member in members}
            if len(files) != len(members):
                raise _foreign(title, "it contains two files of the same name")
            manifest = atomic_file.parse_json(files.pop(_MANIFEST))
    except MedrecogError:
        raise
    except (*DAMAGE, NotImplementedError, RuntimeError) as error:
        raise _foreign(title, "it is damaged or a different kind of file") from error
    hashes = _hashes(manifest, title)
    changed = sorted(
        name
        for name in {*files, *hashes}
        if name not in files or hashlib.sha256(files[name]).hexdigest() != hashes.get(name)
    )
    if changed:
        raise MedrecogError(
            f"{title} was changed after its export (“{changed[0]}” was changed, added or is "
            "missing). Get the file again."
        )
    return files


def _hashes(manifest: Any, title: str) -> Mapping[str, str]:
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise _foreign(title, "its manifest is of a different kind")
    written_as = manifest.get("format")
    if isinstance(written_as, int) and written_as > FORMAT:
        raise NewerModelError(
            f"{title} was written by a newer version of medrecog (format {written_as}; this "
            f"version reads formats up to {FORMAT}). Update medrecog."
        )
    try:
        return _Manifest.model_validate(manifest).files
    except ValidationError as error:
        raise _foreign(title, "its manifest is damaged") from error


def _foreign(title: str, why: str) -> MedrecogError:
    return MedrecogError(f"{title} is not a model file ({why}). Create one with “export-model”.")
