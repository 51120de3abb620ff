"""The predictions for many images as a table."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from medrecog_core.images import UnreadableImageError
from medrecog_core.models import Answer, answers_csv
from medrecog_core.ui.quantities import counted


def show_answer_table(model: str, names: Sequence[str], answers: Sequence[Answer]) -> int:
    """Show the predictions and unreadable images; return the position of the selected image."""
    read = [i for i, answer in enumerate(answers) if not isinstance(answer, UnreadableImageError)]
    unread = [i for i in range(len(answers)) if i not in set(read)]
    st.dataframe(
        [_row(names[i], answers[i]) for i in read],
        hide_index=True,
        column_config={
            "probability": st.column_config.ProgressColumn(
                min_value=0, max_value=1, format="percent"
            ),
            "unlike the training images": st.column_config.CheckboxColumn(),
        },
    )
    st.download_button(
        "Download as CSV",
        answers_csv(names, answers),
        file_name=f"{model}-labels.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    if unread:
        with st.expander(f"{counted(len(unread), 'image')} could not be read", expanded=True):
            st.dataframe(
                [{"file": names[i], "reason": str(answers[i])} for i in unread], hide_index=True
            )
    chosen: int | None = st.selectbox(
        "Show details for",
        read or [0],
        format_func=lambda i: names[i],
        width=420,
    )
    return chosen or 0


def _row(name: str, answer: Answer) -> dict[str, Any]:
    if isinstance(answer, UnreadableImageError):
        return {"file": name}
    row: dict[str, Any] = {"file": name, "label": answer.label}
    if answer.probabilities is not None:
        row["probability"] = answer.probabilities[answer.label]
    else:
        row["score"] = answer.scores[answer.label]
    if answer.at_threshold is not None:
        row["at the threshold"] = answer.at_threshold
    if answer.resemblance is not None:
        row["unlike the training images"] = answer.resemblance.is_unlike
        row["nearest"] = answer.resemblance.nearest[0].label
    if answer.remark:
        row["note"] = answer.remark
    return row
