"""Adding a data set in a process of its own, and how far that is."""

import re
from collections.abc import Sequence

import streamlit as st

from medrecog_core.datasets import CATALOGUE, library
from medrecog_core.datasets.downloading import downloaded_bytes
from medrecog_core.jobs.process import ProcessIdentity, last_sentence, start_detached
from medrecog_core.locations import cache_folder, create_folder
from medrecog_core.ui.quantities import size

ADDED = "just added"
"""Key of the session's state under which the name of the data set stands that was added last."""

_PROCESS, _FAILED = "process that adds a data set", "why no data set was added"
_LINE = re.compile(r"(.+?)(, MB)?: (\d+)/(\d+)(?:.*?, ([\d.]+) MB a second)?")
"""A line of progress, as the command line writes it."""


def is_adding() -> bool:
    """Return whether this session is adding a data set."""
    return _PROCESS in st.session_state


def show_failure() -> None:
    """Show once why the last data set was not added, if it was not."""
    if _FAILED in st.session_state:
        st.error(st.session_state.pop(_FAILED), icon=":material/error:")


def start_adding(name: str, arguments: list[str]) -> None:
    """Add in a process of its own, which goes on when the page is closed."""
    log = create_folder(cache_folder().datasets) / f"adding-{name}-log.txt"
    log.unlink(missing_ok=True)
    st.session_state[_PROCESS] = (name, start_detached(arguments, log), log)
    st.rerun()


@st.fragment(run_every="1s")
def follow_adding() -> None:
    """Show how far it is, every second, until it has ended."""
    process: ProcessIdentity
    name, process, log = st.session_state[_PROCESS]
    lines = log.read_text(errors="replace").strip().splitlines() if log.is_file() else []
    if not process.is_alive():
        del st.session_state[_PROCESS]
        last = last_sentence(log)
        log.unlink(missing_ok=True)
        if name in library.names():
            finish_adding(name)
        st.session_state[_FAILED] = last
        st.rerun()
    done, text = _progress(name, lines)
    st.progress(done, text=f"{text}. It goes on when this page is closed.", width=420)


def _progress(name: str, lines: Sequence[str]) -> tuple[float, str]:
    """Return the share that is done, and in words what is being done."""
    told = _LINE.match(lines[-1]) if lines else None
    entry = CATALOGUE.get(name)
    if entry and (told is None or told[1].startswith("downloading")):
        here = min(downloaded_bytes(entry), entry.n_bytes)
        return here / entry.n_bytes, f"Downloading: {size(here)} of {size(entry.n_bytes)}"
    if told is None:
        return 0.0, f"Adding {name} …"
    stage, unit, done, total, speed = told.groups()
    text = f"{stage.capitalize()}: {int(done):,} of {int(total):,}"
    text += " MB" if unit else ""
    text += f", {speed} MB a second" if speed else ""
    return min(int(done) / max(int(total), 1), 1.0), text


def finish_adding(name: str) -> None:
    """Show the data set that was added."""
    st.session_state[ADDED] = name
    st.rerun()
