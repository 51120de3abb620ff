"""A run's status as a badge."""

import streamlit as st

from medrecog_core.jobs.state import JobState

_BADGES = {
    "queued": ("gray", "schedule"),
    "running": ("blue", "progress_activity"),
    "stopping": ("orange", "hourglass_bottom"),
    "finished": ("green", "check_circle"),
    "stopped": ("orange", "stop_circle"),
    "interrupted": ("orange", "power_off"),
    "failed": ("red", "error"),
}


def show_status(state: JobState) -> None:
    """Show a run's status as a badge."""
    color, icon = _BADGES[state.status]
    st.badge(state.status, icon=f":material/{icon}:", color=color)  # type: ignore[arg-type]
