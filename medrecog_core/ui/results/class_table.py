"""The classes of a cell as a table, with confidence intervals."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.classification import ClassEstimates, Estimate
from medrecog_core.ui.plain_text import literal


def show_class_table(rows: Sequence[ClassEstimates], positive: str | None) -> None:
    """Show precision, recall and F1 of every class with their 95 % confidence intervals."""
    is_grouped = any(row.n_units < row.n_images for row in rows)
    table = [
        {
            "class": row.label,
            "recall": interval_words(row.recall),
            "precision": interval_words(row.precision),
            "F1": interval_words(row.f1),
            "test images": row.n_images,
            **({"independent": row.n_units} if is_grouped else {}),
        }
        for row in rows
    ]
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            "independent": st.column_config.NumberColumn(
                help="Number of groups (patients, lesions); an image without a group counts as "
                "one. The confidence intervals resample these."
            )
        },
    )
    if positive is not None:
        (other,) = (row.label for row in rows if row.label != positive)
        st.caption(
            f"Recall of {literal(positive)} is the sensitivity, of {literal(other)} the "
            f"specificity; precision of {literal(positive)} is the positive predictive value."
        )


def interval_words(estimate: Estimate | None) -> str:
    """Return a value with its confidence interval, a dash if there is none."""
    if estimate is None:
        return "-"
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"
