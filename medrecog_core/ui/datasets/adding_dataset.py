"""The dialog that adds a data set: from a folder on the server, by upload, or a public one."""

import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import streamlit as st

from medrecog_core.access import Action
from medrecog_core.datasets import (
    CATALOGUE,
    CatalogueEntry,
    Decisions,
    check_name,
    library,
)
from medrecog_core.datasets.archive import Bounds, is_archive
from medrecog_core.datasets.downloading import downloaded_bytes, larger_set, start_download
from medrecog_core.datasets.importing import checked_sources, free_name, start_import
from medrecog_core.datasets.intake.table import SUFFIXES as TABLE_SUFFIXES
from medrecog_core.errors import MedrecogError
from medrecog_core.jobs.job import Job
from medrecog_core.jobs.kinds import DOWNLOAD_DATASET, IMPORT
from medrecog_core.locations import cache_folder, create_folder
from medrecog_core.mode import is_allowed
from medrecog_core.ownership import sign
from medrecog_core.quota import check_upload_quota
from medrecog_core.settings import read_settings
from medrecog_core.ui.datasets.import_preview import show_preview
from medrecog_core.ui.jobs import note_started, show_unfinished
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import size
from medrecog_core.ui.sign_in import dialog

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

ADDED = "just added"
"""Key of the session state with the name of the data set that was added last."""

_JOB, _IS_OPEN = "import job", "dialog that adds a data set"
_HERE, _UPLOAD, _CATALOGUE = "Folder on the server", "Upload", "Public data sets"
_ARCHIVE_TYPES = ["zip", "tar", "gz", "tgz", "npz"]
_TABLE_TYPES = sorted(suffix.removeprefix(".") for suffix in TABLE_SUFFIXES)
_UNPACKED_FOR_A_BYTE = 20
_MEGABYTE = 2**20
_PREVIEWED_BYTES = 500 * 10**6
"""Archives of more bytes are extracted only when they are added."""
_UPLOADED, _UPLOADS = "uploaded files", ".upload-"
_OLD_SECONDS = 24 * 3600


def add_dataset_button() -> None:
    """Show the button that opens the dialog, and the dialog until it is closed."""
    if st.button("Add a data set", icon=":material/add:"):
        st.session_state[_IS_OPEN] = True
    # Shown by every run of the page, or it would close when any job on the page ends.
    if _IS_OPEN in st.session_state:
        _add_dataset()


def show_imports() -> None:
    """Show active and unfinished imports and downloads; open what this session added."""
    job: Job | None = st.session_state.get(_JOB)
    if job is not None and job.state().status == "finished":
        del st.session_state[_JOB]
        if _IS_OPEN not in st.session_state:  # a toast says it to who is adding another one
            st.session_state[ADDED] = job.order().subject
            st.rerun()
    show_unfinished(IMPORT, DOWNLOAD_DATASET)


def _close() -> None:
    st.session_state.pop(_IS_OPEN, None)


@dialog("Add a data set", width="large", on_dismiss=_close)
def _add_dataset() -> None:
    # A folder of the server can be named by admins, and by others below the data roots.
    can_name = is_allowed(Action.MANAGE) or bool(read_settings().data_roots)
    ways = [_HERE, _UPLOAD, _CATALOGUE] if can_name else [_UPLOAD, _CATALOGUE]
    way = st.segmented_control("Source", ways, default=ways[0], required=True, wrap=True)
    with shown_errors():
        {_HERE: _from_here, _UPLOAD: _from_upload, _CATALOGUE: _from_catalogue}[way]()


def _from_here() -> None:
    st.caption(
        "Images stay in their folder on the server; medrecog stores only an index. Archives are "
        "extracted into the medrecog cache folder."
    )
    path = st.text_input(
        "Image folder or archive (path on the server)", placeholder="/data/kvasir-dataset-v2"
    )
    written = st.text_area(
        "Label files (optional)",
        placeholder="/data/labels.csv",
        height=80,
        help="CSV, TSV or .xlsx, one path per line. Without them, folder names or a table in the "
        "folder are used as class labels.",
    )
    if not path:
        st.info("Enter a folder or an archive to preview the data set.", icon=":material/edit:")
        return
    tables = tuple(Path(line.strip()).expanduser() for line in written.splitlines() if line.strip())
    base = Decisions(tables=tables)
    sources = checked_sources([Path(path)])
    n_bytes = sources[0].stat().st_size
    if sources[0].is_file() and n_bytes > _PREVIEWED_BYTES:
        st.info(
            f"{literal(sources[0].name)} ({size(n_bytes)}) will be extracted when you add the data "
            "set. Use “datasets propose” on the command line to see its classes first.",
            icon=":material/folder_zip:",
        )
        _add(sources, base)
        return
    decisions = show_preview(sources, base)
    if decisions is not None:
        _add(sources, decisions)


def _from_upload() -> None:
    largest = int(st.get_option("server.maxUploadSize"))
    st.caption(
        f"An archive of images and optional label files, up to {largest} MB each. They are stored "
        "on the server."
    )
    uploads = st.file_uploader(
        "Archive and label files",
        type=[*_ARCHIVE_TYPES, *_TABLE_TYPES],
        accept_multiple_files=True,
    )
    files = _written(uploads)
    sources = [file for file in files if is_archive(file)]
    if not sources:
        st.info("Upload an archive to preview the data set.", icon=":material/upload:")
        return
    others = [file for file in files if file not in sources]
    # Tables decide the labels; a list such as TrainImages.txt belongs to a known layout.
    tables = [file for file in others if file.suffix.lower() != ".txt"]
    sources += [file for file in others if file not in tables]
    bounds = Bounds(n_bytes=_UNPACKED_FOR_A_BYTE * largest * _MEGABYTE)
    decisions = show_preview(sources, Decisions(tables=tuple(tables)), bounds)
    if decisions is not None:
        _add(sources, decisions, files[0].parent)


def _add(sources: Sequence[Path], decisions: Decisions, uploaded: Path | None = None) -> None:
    """Show the name and the button that starts the import in the background."""
    key = "import name"
    if st.session_state.get("import named") != sources[0]:
        st.session_state["import named"] = sources[0]
        st.session_state[key] = free_name(sources[0])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", key=key, help="Lower-case letters, digits, - and _")
        is_asked = st.button("Add this data set", type="primary")
    if not is_asked:
        return
    _check_new_name(name)
    st.session_state.pop(_UPLOADED, None)
    _follow(start_import(name, sources, decisions, uploaded))


def _follow(job: Job) -> None:
    """Close the dialog; the page shows the job and then the data set."""
    st.session_state[_JOB] = job
    note_started(job)
    _close()
    st.rerun()


def _from_catalogue() -> None:
    entry = CATALOGUE[
        st.selectbox(
            "Published data set",
            list(CATALOGUE),
            format_func=lambda name: CATALOGUE[name].title,
        )
    ]
    larger = larger_set(entry)
    _show_entry(entry, needs_download=larger is None)
    if entry.name in library.names():
        st.success(f"Already added as “{entry.name}”.", icon=":material/check_circle:")
        return
    if larger is not None:
        label = f"Add from “{larger.name}”, which contains its images"
    else:
        done = downloaded_bytes(entry)
        label = (
            f"Resume download ({size(done)} of {size(entry.n_bytes)} done)"
            if done
            else "Download and add"
        )
    if st.button(label, type="primary", icon=":material/download:"):
        _follow(start_download(entry.name))
    with st.expander("Download manually"):
        st.markdown(f"{entry.by_hand[0].upper()}{entry.by_hand[1:]}.")


def _show_entry(entry: CatalogueEntry, needs_download: bool) -> None:
    with st.container(horizontal=True, gap="medium"):
        if entry.n_images:
            st.metric("Images", f"{entry.n_images:,}", width="content")
        st.metric("Classes", len(entry.classes), width="content")
        n_bytes = entry.n_bytes if needs_download else 0
        st.metric("Download", size(n_bytes) if n_bytes else "-", width="content")
    for word, text in (
        ("Licence", entry.licence),
        ("Cite", entry.citation),
        ("Split", entry.split_rule),
        ("Groups", entry.group_rule),
        ("Note", entry.remark),
    ):
        if text:
            st.markdown(f"**{word}.** {text}")
    st.caption(f"Classes: {', '.join(entry.classes)}. [Publisher's page]({entry.page})")


def _check_new_name(name: str) -> None:
    if check_name(name) in library.names():
        raise MedrecogError(f"A data set named “{name}” already exists. Choose another name.")


def _written(uploads: Sequence["UploadedFile"]) -> list[Path]:
    """Return the uploaded files on disk; each is written once."""
    ids = tuple(upload.file_id for upload in uploads)
    kept: tuple[tuple[str, ...], list[Path]] = st.session_state.get(_UPLOADED, ((), []))
    if kept[0] == ids and all(file.is_file() for file in kept[1]):
        return kept[1]
    for file in kept[1][:1]:
        shutil.rmtree(file.parent, ignore_errors=True)
    st.session_state.pop(_UPLOADED, None)
    if not uploads:
        return []
    check_upload_quota(sum(upload.size for upload in uploads))
    parent = create_folder(cache_folder().datasets)
    for folder in parent.glob(f"{_UPLOADS}*"):  # of pages that were closed
        if time.time() - folder.stat().st_mtime > _OLD_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_UPLOADS, dir=parent))
    sign(folder)
    files: list[Path] = []
    for upload in uploads:
        # Lists and tables are known by their names; nothing else of the name is used.
        safe = re.sub(r"[^\w.-]", "_", PurePath(upload.name).name).lstrip(".") or "file"
        files.append(folder / safe)
        with files[-1].open("wb") as stream:
            shutil.copyfileobj(upload, stream)
        upload.seek(0)
    st.session_state[_UPLOADED] = (ids, files)
    return files
