"""The dialog that adds a data set: from this machine, by upload, or from the catalogue."""

import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import altair as alt
import pandas as pd
import streamlit as st

from medrecog_core.datasets import (
    CATALOGUE,
    CatalogueEntry,
    Dataset,
    Reading,
    add_dataset,
    check_name,
    guess_columns,
    library,
    read_dataset,
    read_rows,
)
from medrecog_core.datasets import label_table as tables
from medrecog_core.datasets.archive import Bounds
from medrecog_core.datasets.archive_members import is_archive
from medrecog_core.datasets.downloading import downloaded_bytes
from medrecog_core.datasets.file_state import HashReport
from medrecog_core.datasets.importing import Report
from medrecog_core.datasets.larger_set import larger_set
from medrecog_core.errors import MedrecogError
from medrecog_core.locations import cache_folder, create_folder
from medrecog_core.ui.datasets.adding_process import (
    finish_adding,
    follow_adding,
    is_adding,
    show_failure,
    start_adding,
)
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.quantities import counted, size

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_HERE, _UPLOAD, _CATALOGUE = "On this machine", "Upload", "Catalogue"
_ARCHIVE_TYPES = ["zip", "tar", "gz", "tgz"]
_TABLE_TYPES = sorted(suffix.removeprefix(".") for suffix in tables.SUFFIXES)
_LIST_TYPES = ["txt"]
_UNPACKED_FOR_A_BYTE = 20
_MEGABYTE = 2**20
_SECONDS_BETWEEN_SHOWN = 0.2


def add_dataset_button() -> None:
    """Show the button that opens the dialog, or how far an import is that takes long.

    What is added stands under `ADDED` afterwards.
    """
    if is_adding():
        follow_adding()
    elif st.button("Add a data set", icon=":material/add:"):
        _add_dataset()
    show_failure()


@st.dialog("Add a data set", width="large")
def _add_dataset() -> None:
    way = st.segmented_control(
        "Where the images are", [_HERE, _UPLOAD, _CATALOGUE], default=_HERE, required=True
    )
    with shown_errors():
        {_HERE: _from_here, _UPLOAD: _from_upload, _CATALOGUE: _from_catalogue}[way]()


def _from_here() -> None:
    st.caption(
        "A folder's images stay where they are on the machine that runs this page; only their list "
        "is kept. An archive is unpacked below medrecog's own folder."
    )
    name = _name()
    path = st.text_input("Folder of images, or archive", placeholder="/data/kvasir-dataset-v2")
    table = st.text_input(
        "Table of labels (optional)",
        placeholder="/data/labels.csv",
        help="CSV, TSV or .xlsx. Without one, folders named after the classes tell the labels.",
    )
    reading = _options(Reading(table=Path(table).expanduser() if table else None))
    if not (name and path):
        st.info("Give a name and a folder to see what would be added.", icon=":material/edit:")
        return
    _check_new_name(name)
    source = library.resolved(Path(path))
    if source.is_file():
        st.info(
            f"{source.name} has {size(source.stat().st_size)} and is unpacked when it is added.",
            icon=":material/folder_zip:",
        )
        if _add_button():
            start_adding(name, ["datasets", "add", name, str(source), *_arguments(reading)])
        return
    dataset = read_dataset(name, source, reading)
    _show_preview(dataset)
    if _add_button():
        # Hashing thousands of files takes minutes, in which the page has to answer.
        start_adding(name, ["datasets", "add", name, str(source), *_arguments(reading)])


def _from_upload() -> None:
    largest = int(st.get_option("server.maxUploadSize"))
    st.caption(
        f"An archive of images, and a table of labels if they need one: up to {largest} MB a file. "
        "They are kept on the machine that runs this page."
    )
    name = _name()
    uploads = st.file_uploader(
        "Archive and table",
        type=[*_ARCHIVE_TYPES, *_TABLE_TYPES, *_LIST_TYPES],
        accept_multiple_files=True,
    )
    with _written(uploads) as files:
        labels = [file for file in files if file.suffix.lower() in tables.SUFFIXES]
        if len(labels) > 1:
            st.error("Upload one table of labels.", icon=":material/error:")
            return
        reading = _options(Reading(table=labels[0] if labels else None))
        sources = [file for file in files if file not in labels]
        if not (name and any(is_archive(file) for file in sources)):
            st.info("Give a name and upload an archive.", icon=":material/upload:")
            return
        _check_new_name(name)
        if _add_button():
            bounds = Bounds(n_bytes=_UNPACKED_FOR_A_BYTE * largest * _MEGABYTE)
            bar = st.progress(0.0, "Unpacking …")
            add_dataset(name, sources, reading, bounds, *_shown_in(bar))
            finish_adding(name)


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
        st.success(f"It is here already, as “{entry.name}”.", icon=":material/check_circle:")
        return
    if larger is not None:
        label = f"Add it from “{larger.name}”, which holds its images"
    else:
        done = downloaded_bytes(entry)
        label = f"Carry the download on ({size(done)} are here)" if done else "Download and add"
    if st.button(label, type="primary", icon=":material/download:"):
        start_adding(entry.name, ["datasets", "download", entry.name])
    with st.expander("Get it by hand instead"):
        st.markdown(f"{entry.by_hand[0].upper()}{entry.by_hand[1:]}.")


def _show_entry(entry: CatalogueEntry, needs_download: bool) -> None:
    with st.container(horizontal=True, gap="medium"):
        if entry.n_images:
            st.metric("Images", f"{entry.n_images:,}", width="content")
        st.metric("Classes", len(entry.classes), width="content")
        n_bytes = entry.n_bytes if needs_download else 0
        st.metric("Download", size(n_bytes) if n_bytes else "none", width="content")
    for word, text in (
        ("Licence", entry.licence),
        ("Cite", entry.citation),
        ("Split", entry.split_rule),
        ("Groups", entry.group_rule),
        ("Remark", entry.remark),
    ):
        if text:
            st.markdown(f"**{word}.** {text}")
    st.caption(f"Classes: {', '.join(entry.classes)}. [The publisher's page]({entry.page})")


def _name() -> str:
    return st.text_input(
        "Name", placeholder="kvasir-v2", help="Lower-case letters, digits, - and _"
    )


def _check_new_name(name: str) -> None:
    if check_name(name) in library.names():
        raise MedrecogError(f"There is a data set “{name}” already: choose another name.")


def _add_button() -> bool:
    return st.button("Add this data set", type="primary")


def _options(reading: Reading) -> Reading:
    """Show the table with a choice of its columns, and what else can be chosen."""
    if reading.table:
        reading = _mapped(reading, reading.table)
    with st.expander("More choices"):
        has_groups = st.toggle(
            "Take patients or lesions over as groups",
            value=True,
            help="Images of one group stay on one side of a split.",
        )
        keeps_val = st.toggle(
            "Keep a val folder as training images",
            help="Else it is left out of training and test, as in the report.",
        )
        tag = ""
        if not reading.table:
            tag = st.text_input(
                "DICOM tag of the label (optional)",
                placeholder="BodyPartExamined",
                help="A keyword, or a number such as 0018,0015.",
            )
    return replace(reading, has_groups=has_groups, keeps_val=keeps_val, label_tag=tag.strip())


def _mapped(reading: Reading, table: Path) -> Reading:
    header, rows = read_rows(table)
    guessed = guess_columns(header)
    st.dataframe(rows[:5], hide_index=True)
    st.caption(f"The first of {counted(len(rows), 'row')}. Which column is what?")
    chosen: dict[str, str] = {}
    with st.container(horizontal=True):
        for part, guess in guessed.items():
            options = header if part in ("image", "label") else ["", *header]
            chosen[part] = st.selectbox(
                f"{part.capitalize()} column",
                options,
                index=options.index(guess) if guess in options else 0,
                format_func=lambda option: option or "none",
                width=170,
            )
    return replace(
        reading,
        image_column=chosen["image"],
        label_column=chosen["label"],
        # Where the table has no groups, those of DICOM tags are taken.
        group_column=chosen["group"] or ("" if guessed["group"] else None),
        split_column=chosen["split"],
    )


def _arguments(reading: Reading) -> list[str]:
    """Return the options of `datasets add` that say the same."""
    arguments: list[str] = []
    for option, value in (
        ("--labels", str(reading.table) if reading.table else None),
        ("--image-column", reading.image_column),
        ("--label-column", reading.label_column),
        ("--group-column", reading.group_column),
        ("--split-column", reading.split_column),
        ("--label-tag", reading.label_tag or None),
    ):
        if value is not None:
            arguments += [option, value]
    arguments += ["--no-groups"] * (not reading.has_groups)
    return arguments + ["--keep-val"] * reading.keeps_val


def _show_preview(dataset: Dataset) -> None:
    with st.container(horizontal=True, gap="medium"):
        st.metric("Images", f"{len(dataset.images):,}", width="content")
        st.metric("Classes", len(dataset.classes), width="content")
        groups = f"{len(dataset.groups):,}" if dataset.groups else "none"
        st.metric("Groups", groups, width="content")
        st.metric("Split", " + ".join(dataset.splits) or "none given", width="content")
    st.caption(f"{dataset.layout[0].upper()}{dataset.layout[1:]}.")
    counts = Counter((image.label, image.split or "all") for image in dataset.images)
    table = pd.DataFrame(
        [(label, split, n) for (label, split), n in counts.items()],
        columns=["class", "split", "images"],
    )
    chart = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("images:Q", title="images"),
            y=alt.Y("class:N", title=None),
            color=alt.Color("split:N", title=None, legend=alt.Legend(orient="top"))
            if dataset.splits
            else alt.value("#0f8b8d"),
            tooltip=["class", "split", "images"],
        )
        .properties(height=40 + 22 * len(dataset.classes))
    )
    st.altair_chart(
        chart,
        width="stretch",
        alt="Images of each class: " + ", ".join(f"{k[0]} {k[1]} {n}" for k, n in counts.items()),
    )
    for reason, n in Counter(entry.reason for entry in dataset.left_out).most_common(5):
        st.caption(f"{counted(n, 'file or row', 'files or rows')} left out: {reason}.")


@contextmanager
def _written(uploads: Sequence["UploadedFile"]) -> Iterator[list[Path]]:
    """Give the uploaded files on the disk while the block lasts."""
    parent = create_folder(cache_folder().datasets)
    folder = Path(tempfile.mkdtemp(prefix=".upload-", dir=parent))
    try:
        files: list[Path] = []
        for upload in uploads:
            # Lists and tables are known by their names; nothing else of the name is used.
            safe = re.sub(r"[^\w.-]", "_", PurePath(upload.name).name).lstrip(".") or "file"
            files.append(folder / safe)
            with files[-1].open("wb") as file:
                shutil.copyfileobj(upload, file)
            upload.seek(0)
        yield files
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _shown_in(bar: "DeltaGenerator") -> tuple[Report, HashReport]:
    """Return what shows in a bar how far unpacking and hashing are, a few times a second."""
    last = 0.0

    def show(share: float, text: str) -> None:
        nonlocal last
        if time.monotonic() - last > _SECONDS_BETWEEN_SHOWN or share >= 1:
            last = time.monotonic()
            bar.progress(min(share, 1.0), text)

    def unpacked(stage: str, done: int, total: int) -> None:
        show(done / max(total, 1), f"{stage.capitalize()}: {size(done)} of {size(total)}")

    def hashed(done: int, total: int, n_bytes: int) -> None:
        show(done / total, f"Hashing files: {done:,} of {total:,}, {size(n_bytes)}")

    return unpacked, hashed
