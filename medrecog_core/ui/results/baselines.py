"""The baselines of a run below its heat map."""

import streamlit as st

from medrecog_core.mode import is_viewer
from medrecog_core.reports.figures.heat_map import UNBEATEN_MARK
from medrecog_core.runs.baselines import BaselineComparison
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted

_HELP = (
    "Results without a network, on the same split with the same classifier: always predicting the "
    "largest class; the mean colour of an image; the image reduced to 16 × 16 pixels; and "
    "properties of the files only (width, height, mode, file size, JPEG quality)."
)


def show_baselines(found: BaselineComparison | None, run_id: str) -> None:
    """Show each baseline with its interval, and warn if the best cell is not better."""
    if found is None:
        if not is_viewer():
            st.caption(
                "This run has no baselines. The command "
                f"`baselines {literal(run_id)}` computes them from its images."
            )
        return
    told = " · ".join(
        f"{each.title.lower()} **{each.estimate.value:.3f}** "
        f"({each.estimate.low:.3f}–{each.estimate.high:.3f})"
        for each in found.baselines
    )
    st.caption(f"Baselines (95 % CI): {told}.", help=_HELP)
    if found.warning:
        st.warning(literal(found.warning), icon=":material/flag:")
    elif found.unbeaten:
        st.caption(
            f"{UNBEATEN_MARK} not significantly better than the best baseline, "
            f"{found.best.title.lower()} ({counted(len(found.unbeaten), 'cell')}; paired tests, "
            "Holm-corrected, α = 5 %)"
        )
