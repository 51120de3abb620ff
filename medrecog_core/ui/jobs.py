"""The status, progress and buttons of background jobs, on every page."""

import streamlit as st

from medrecog_core.errors import MedrecogError
from medrecog_core.jobs.job import Job, all_jobs, find_job
from medrecog_core.jobs.queue import working_jobs
from medrecog_core.jobs.state import RESUMABLE, JobState
from medrecog_core.jobs.work import resume, stop
from medrecog_core.ownership import may_change
from medrecog_core.ui.plain_text import literal, literal_error
from medrecog_core.ui.quantities import about
from medrecog_core.ui.sign_in import fragment

_BADGES = {
    "queued": ("gray", "schedule"),
    "running": ("blue", "progress_activity"),
    "stopping": ("orange", "hourglass_bottom"),
    "finished": ("green", "check_circle"),
    "stopped": ("orange", "stop_circle"),
    "interrupted": ("orange", "power_off"),
    "failed": ("red", "error"),
}
_LOG_LINES = 300
MOST_SHOWN = 5
_STARTED = "jobs started here"


def show_status(state: JobState) -> None:
    """Show a job's status as a badge."""
    color, icon = _BADGES[state.status]
    st.badge(state.status, icon=f":material/{icon}:", color=color)  # type: ignore[arg-type]


def show_job(job: Job) -> None:
    """Show a job with its progress, buttons and log, updated every second while it runs."""
    shown = job.state()

    @fragment(run_every=None if shown.has_ended else "1s")
    def live() -> None:
        state = job.state()
        if state.has_ended != shown.has_ended:
            st.rerun()  # the whole page, which shows the result; this closes an open dialog
        show_stage(state)
        show_job_buttons(job, state)

    live()


def show_stage(state: JobState) -> None:
    """Show the progress of a job, or why it ended."""
    if state.has_ended:
        if state.error:
            st.error(literal_error(state.error), icon=":material/error:")
        elif state.status == "interrupted":
            st.warning(
                "This stopped unexpectedly. Completed work is saved; click Resume to continue.",
                icon=":material/power_off:",
            )
        elif state.status == "stopped":
            st.info("Stopped. Completed work is saved.", icon=":material/stop_circle:")
        return
    st.progress(state.share, text=progress_text(state))
    in_all = state.job_seconds_left
    st.caption(
        (f"{about(in_all).capitalize()} left in total. " if in_all else "")
        + "You can close this page; the work continues in the background."
    )


def progress_text(state: JobState) -> str:
    """Return the stage of a job with its progress, rate and remaining time."""
    if state.stage is None:
        return "Waiting to start …" if state.status == "queued" else "Starting …"
    words = literal(state.stage.label)
    if not state.total:
        return f"{words} …"
    unit = f" {state.stage.unit}" if state.stage.unit else ""
    words += f": {state.done:,} of {state.total:,}{unit}"
    if state.rate and state.done < state.total:
        words += f", {state.rate:,.1f} per second"
    if state.stage_seconds_left:
        words += f", {about(state.stage_seconds_left)} left"
    return words


def show_job_buttons(job: Job, state: JobState) -> None:
    """Show Stop or Resume, and the log."""
    if may_change(job.path):
        if not state.has_ended:
            stopping = state.status == "stopping"
            st.button(
                "Stopping …" if stopping else "Stop",
                disabled=stopping,
                icon=":material/stop:",
                key=f"stop-{job.id}",
                on_click=_attempt,
                args=(stop, job),
                help="Completed work is saved; you can resume it later.",
            )
        elif state.status in RESUMABLE:
            st.button(
                "Resume",
                icon=":material/play_arrow:",
                key=f"resume-{job.id}",
                on_click=_attempt,
                args=(_resume, job),
            )
    show_log(job)


def dismiss_button(job: Job, state: JobState) -> None:
    """Show the button that deletes a job that has ended."""
    if state.has_ended and may_change(job.path):
        st.button(
            "Dismiss",
            icon=":material/close:",
            key=f"dismiss-{job.id}",
            type="tertiary",
            on_click=_attempt,
            args=(Job.delete, job),
        )


def show_unfinished(*kinds: str) -> None:
    """Show the jobs of some kinds that are active, or ended unfinished and were not dismissed."""
    for job in all_jobs(*kinds):
        state = job.state()
        if state.status != "finished":
            with st.container(border=True):
                st.markdown(f"**{literal(job.title)}**")
                show_job(job)
                dismiss_button(job, state)


def show_log(job: Job) -> None:
    """Show the end of a job's log in an expander."""
    lines = job.log.lines(_LOG_LINES)
    if lines:
        with st.expander("Log"):
            st.code("\n".join(lines), language=None, height=240)


def note_started(job: Job) -> None:
    """Remember that a job was started in this browser tab, whose title and a toast tell of it."""
    st.session_state[_STARTED] = [*st.session_state.get(_STARTED, []), job.id]


def show_working(tab: str) -> None:
    """List active and queued jobs in the side bar; `tab` is the title of the browser tab."""
    jobs = working_jobs()
    is_live = bool(jobs or st.session_state.get(_STARTED))

    @fragment(run_every="5s" if is_live else None)
    def working() -> None:
        _name_tab(tab)
        if jobs:
            st.markdown("**Active jobs**")
        for job in jobs[:MOST_SHOWN]:
            state = job.state()
            st.caption(f"**{literal(job.title)}**")
            if state.has_ended:
                show_status(state)
            else:
                st.progress(state.share, text=progress_text(state))
        if len(jobs) > MOST_SHOWN:
            st.caption(f"and {len(jobs) - MOST_SHOWN} more")

    working()


def _name_tab(tab: str) -> None:
    """Put the progress of a job started here into the title of the tab, and say when one ended."""
    active, ended = [], ""
    for job_id in st.session_state.get(_STARTED, []):
        try:
            job = find_job(job_id)
        except MedrecogError:  # deleted in the meantime
            continue
        state = job.state()
        if not state.has_ended:
            active.append((job_id, state))
            continue
        ended = state.status
        icon = _BADGES[state.status][1]
        st.toast(f"{literal(job.title)}: {state.status}.", icon=f":material/{icon}:")
    st.session_state[_STARTED] = [job_id for job_id, _ in active]
    progress = f"{100 * active[0][1].share:.0f} %" if active else ended
    if progress:
        st.set_page_config(page_title=f"{progress} · {tab}")


def _resume(job: Job) -> None:
    resume(job)
    note_started(job)


def _attempt(action, job: Job) -> None:  # type: ignore[no-untyped-def]
    try:
        action(job)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
