"""Data sets and their health reports, read from disk once and shared by all sessions."""

import streamlit as st

from medrecog_core.datasets import Dataset, HealthReport, kept_report, library
from medrecog_core.locations import cache_folder


def load_dataset(name: str) -> Dataset:
    """Return a data set; it is read again only after it was written."""
    return _load(name, str(cache_folder().root), library.version(name))


def load_report(name: str) -> HealthReport | None:
    """Return the last health report of a data set, or None."""
    modified = report_version(name)
    return _load_report(name, str(cache_folder().root), modified) if modified else None


def report_version(name: str) -> int:
    """Return a number that changes whenever a health report is written; 0 if there is none."""
    try:
        return (library.folder_of(name) / "health.json").stat().st_mtime_ns
    except OSError:
        return 0


# Resources, not data: the values cannot be changed, so all may share them, and copying a large data
# set for every rerun would take longer than reading it.
@st.cache_resource(max_entries=16, show_spinner=False)
def _load(name: str, root: str, version: tuple[int, ...]) -> Dataset:
    return library.load(name)


@st.cache_resource(max_entries=16, show_spinner=False)
def _load_report(name: str, root: str, modified: int) -> HealthReport | None:
    return kept_report(name)
