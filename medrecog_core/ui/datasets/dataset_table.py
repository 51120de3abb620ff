"""The table of data sets, in which each is opened."""

import base64
import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from medrecog_core.datasets import Dataset, HealthReport, demo, library
from medrecog_core.datasets.health.finding import SEVERITIES
from medrecog_core.errors import MedrecogError
from medrecog_core.images import UnreadableImageError, thumbnail
from medrecog_core.locations import cache_folder
from medrecog_core.mode import is_viewer
from medrecog_core.ui.choice import open_object
from medrecog_core.ui.datasets.dataset_gallery import PAGE, picture_of
from medrecog_core.ui.datasets.deletion import show_deletion
from medrecog_core.ui.datasets.kept_dataset import load_dataset, load_report, report_version
from medrecog_core.ui.listed_runs import listed_runs
from medrecog_core.ui.plain_text import literal_error

_OPENED = "data set opened in the table"
_ROW_HEIGHT = 72  # pixels, for the sample image
_SAMPLES_TRIED = 5
_COLOURS = {"severe": "red", "warning": "orange", "note": "blue"}
_UNCHECKED, _OUTDATED, _SOUND = "not checked", "check again", "no problems"
_UNREADABLE = "unreadable"


def show_datasets(names: Sequence[str]) -> None:
    """Show every data set with a sample, its size, its health and its last run."""
    runs = _last_runs()
    rows, damage = [], {}
    for name in names:
        try:
            row = _row_of(name)
        except MedrecogError as error:
            damage[name], row = str(error), _row(name, None, None, None, None, [_UNREADABLE])
        rows.append({**row, "Last run": runs.get(name)})
    badges = list(dict.fromkeys(badge for row in rows for badge in row["Health"]))
    number = st.column_config.NumberColumn

    def open_clicked() -> None:
        open_object("dataset", names[st.session_state[_OPENED].row], closes=["image", PAGE])

    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        row_height=_ROW_HEIGHT,
        placeholder="-",
        key=f"data sets {hash(tuple(names))}",
        alt="Data sets: " + ", ".join(names),
        column_config={
            "Image": st.column_config.ImageColumn("", width=_ROW_HEIGHT, alignment="center"),
            "Open": st.column_config.ButtonColumn("", key=_OPENED, on_click=open_clicked),
            "Images": number(format="localized", width="small"),
            "Classes": number(format="localized", width="small"),
            "Groups": number(format="localized", width="small", help="Patients or lesions."),
            "Health": st.column_config.MultiselectColumn(
                options=badges, color=[_colour(badge) for badge in badges]
            ),
        },
    )
    for name, reason in damage.items():
        st.error(literal_error(reason), icon=":material/error:")
        if name != demo.NAME and not is_viewer():
            show_deletion(name)


def health_badges(dataset: Dataset, report: HealthReport | None) -> list[str]:
    """Return the result of the last health check in a few words, the most severe first."""
    if report is None:
        return [_UNCHECKED]
    if report.fingerprint != dataset.fingerprint:
        return [_OUTDATED]
    counts = Counter(finding.severity for finding in report.findings)
    plural = {"severe": "severe", "warning": "warnings", "note": "notes"}
    return [
        f"{counts[each]} {each if counts[each] == 1 else plural[each]}"
        for each in SEVERITIES
        if counts[each]
    ] or [_SOUND]


def _colour(badge: str) -> str:
    if badge == _UNREADABLE:
        return "red"
    if badge == _SOUND:
        return "green"
    return next((colour for word, colour in _COLOURS.items() if word in badge), "gray")


def _row_of(name: str) -> dict[str, Any]:
    if name == demo.NAME and not is_viewer() and not demo.is_drawn():
        images = demo.demo_images()
        n_groups = len({image.lesion for image in images})
        return _row(name, None, len(images), len(demo.CLASSES), n_groups, [_UNCHECKED])
    return _read_row(name, str(cache_folder().root), library.version(name), report_version(name))


@st.cache_data(max_entries=500, show_spinner=False)
def _read_row(name: str, root: str, version: tuple[int, ...], report: int) -> dict[str, Any]:
    dataset = load_dataset(name)
    return _row(
        name,
        _sample(dataset),
        len(dataset.images),
        len(dataset.classes),
        len(dataset.groups) or None,
        health_badges(dataset, load_report(name)),
    )


def _row(
    name: str,
    sample: str | None,
    n_images: int | None,
    n_classes: int | None,
    n_groups: int | None,
    badges: list[str],
) -> dict[str, Any]:
    return {
        "Image": sample,
        "Data set": name,
        "Open": "Open",
        "Images": n_images,
        "Health": badges,
        "Classes": n_classes,
        "Groups": n_groups,
    }


def _sample(dataset: Dataset) -> str | None:
    """Return the first readable image as an address that holds its bytes."""
    for image in dataset.images[:_SAMPLES_TRIED]:
        picture = picture_of(dataset, image)
        with contextlib.suppress(UnreadableImageError):
            content = thumbnail(picture.path, sha256=picture.sha256, rendering=picture.rendering)
            return "data:image/jpeg;base64," + base64.b64encode(content).decode("ascii")
    return None


def _last_runs() -> dict[str, str]:
    """Return the name of the newest run of each data set that has one."""
    found = sorted(listed_runs(), key=lambda row: row.state.created)
    return {row.summary.dataset: row.name for row in found if row.summary is not None}
