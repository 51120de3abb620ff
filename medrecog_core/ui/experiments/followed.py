"""The run whose progress is shown on the Experiments page."""

import streamlit as st

FOLLOWED = "followed"
"""Key of the session state with the run whose progress is shown."""
SEEN = "experiment"
"""Name in the address of the run whose progress or settings are shown."""
PROGRESS = "run-progress"
"""Key of the container with the progress, to which the page scrolls."""

_REQUESTS = "requests to show progress"
_SHOWN = "shown requests to show progress"

_SCROLLING = """
export default function ({ data }) {
  document.querySelector(`.st-key-${data.to}`)?.scrollIntoView({ block: "start" });
}
"""


def follow(run_id: str) -> None:
    """Show the progress of a run from now on, and scroll to it."""
    st.session_state[FOLLOWED] = run_id
    st.session_state[_REQUESTS] = st.session_state.get(_REQUESTS, 0) + 1


def scroll_to_followed() -> None:
    """Scroll to the progress if it was requested since the page was shown last."""
    n = st.session_state.get(_REQUESTS, 0)
    if n != st.session_state.get(_SHOWN, 0):
        st.session_state[_SHOWN] = n
        st.components.v2.component("scroll_to", js=_SCROLLING)(
            data={"to": PROGRESS}, key=f"scroll to progress {n}", height=0
        )
