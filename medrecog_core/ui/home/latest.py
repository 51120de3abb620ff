"""Where to continue: active jobs, the last run and the last data set; and what was shared."""

import time
from collections.abc import Sequence

import streamlit as st

from medrecog_core.datasets import demo, library
from medrecog_core.errors import MedrecogError
from medrecog_core.jobs.kinds import RUN
from medrecog_core.jobs.queue import working_jobs
from medrecog_core.runs import ListedRun
from medrecog_core.ui.datasets.kept_dataset import load_dataset, load_report
from medrecog_core.ui.jobs import MOST_SHOWN, show_job, show_status
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.results.headline import headline

_RUNS_SHOWN = 5


def show_continue(runs: Sequence[ListedRun]) -> None:
    """Show the active jobs, the run that finished last and the last data set, if there are any."""
    jobs, dataset = working_jobs(), _last_dataset()
    finished = max(
        (row for row in runs if row.state.status == "finished" and not row.labels.archived),
        key=lambda row: row.state.finished,
        default=None,
    )
    if not jobs and finished is None and dataset is None:
        return
    st.subheader("Continue")
    for job in jobs[:MOST_SHOWN]:
        with st.container(border=True):
            st.markdown(f"**{literal(job.title)}**")
            show_job(job)
            if job.order().kind == RUN:
                st.page_link(
                    "pages/2_Experiments.py",
                    label="View progress",
                    icon=":material/play_circle:",
                    query_params={"experiment": job.id},
                )
    if len(jobs) > MOST_SHOWN:
        st.caption(f"and {len(jobs) - MOST_SHOWN:,} more")
    shown = [show for show in (finished, dataset) if show is not None]
    for column, each in zip(st.columns(len(shown)), shown, strict=True) if shown else ():
        with column.container(border=True, height="stretch"), shown_errors():
            if isinstance(each, ListedRun):
                _show_last_run(each)
            else:
                _show_last_dataset(each)


def show_pinned(runs: Sequence[ListedRun]) -> None:
    """Show a link to each pinned run, if there are any."""
    pinned = [row for row in runs if row.labels.pinned]
    if not pinned:
        return
    st.subheader("Pinned")
    for row in pinned[:_RUNS_SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center"), shown_errors():
            st.page_link(
                "pages/3_Results.py",
                label=literal(row.name),
                icon=":material/star:",
                query_params={"run": row.run.id},
            )
            st.caption(literal(headline(row.run) or row.state.status))
    if len(pinned) > _RUNS_SHOWN:
        st.page_link(
            "pages/2_Experiments.py", label=f"Show all {len(pinned):,}", icon=":material/list:"
        )


def show_shared(runs: Sequence[ListedRun]) -> None:
    """Show the headline of the first shared runs: pinned ones, then the newest."""
    for row in runs[:_RUNS_SHOWN]:
        with st.container(border=True), shown_errors():
            _show_last_run(row)
    if len(runs) > _RUNS_SHOWN:
        st.page_link(
            "pages/2_Experiments.py", label=f"Show all {len(runs):,} runs", icon=":material/list:"
        )


def _show_last_run(row: ListedRun) -> None:
    run, state = row.run, row.state
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{literal(row.name)}**")
        if state.status != "finished":
            show_status(state)
    st.markdown(literal(headline(run) or "No cell has finished yet."))
    st.caption(
        f"{literal(run.specification().dataset)}, "
        f"{time.strftime('%Y-%m-%d %H:%M', time.localtime(state.created))}"
    )
    st.page_link(
        "pages/3_Results.py",
        label="Open results",
        icon=":material/grid_on:",
        query_params={"run": run.id},
    )


def _show_last_dataset(name: str) -> None:
    dataset, report = load_dataset(name), load_report(name)
    st.markdown(f"**{literal(name)}**")
    classes = counted(len(dataset.classes), "class", "classes")
    st.markdown(f"{counted(len(dataset.images), 'image')}, {classes}")
    if report is None or report.fingerprint != dataset.fingerprint:
        words = "Not checked since the last change." if report else "Not checked yet."
    elif not report.findings:
        words = "Health check: no problems found."
    else:
        severe = sum(finding.severity == "severe" for finding in report.findings)
        words = f"Health check: {counted(len(report.findings), 'finding')}"
        words += f", {severe:,} severe." if severe else "."
    st.caption(words)
    st.page_link(
        "pages/1_Datasets.py",
        label="Open data set",
        icon=":material/photo_library:",
        query_params={"dataset": name},
    )


def _last_dataset() -> str | None:
    """Return the data set that was changed last."""
    names = [name for name in library.names() if name != demo.NAME or demo.is_drawn()]
    try:
        return max(names, key=library.version, default=None)
    except MedrecogError:  # deleted in the meantime
        return None
