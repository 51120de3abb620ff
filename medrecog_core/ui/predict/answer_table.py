"""The predictions for many images as a table."""

import base64
import hashlib
import io
from collections.abc import Sequence
from typing import Any

import streamlit as st

from medrecog_core.images import Rendering, UnreadableImageError, decode_image
from medrecog_core.models import Answer, Model, answers_csv, name_copies
from medrecog_core.ui.quantities import counted

_PICTURE_SIDE = 56
_KEPT = "pictures of answers"


def show_answer_table(
    model: Model, names: Sequence[str], contents: Sequence[bytes], answers: Sequence[Answer]
) -> int:
    """Show the predictions and unreadable images; return the position of the selected image."""
    read = [i for i, answer in enumerate(answers) if not isinstance(answer, UnreadableImageError)]
    unread = [i for i in range(len(answers)) if i not in set(read)]
    pictures = _pictures(model, [contents[i] for i in read])
    # A selection is by position: other images need another table.
    key = hashlib.sha256("\0".join([model.card.name, *names]).encode(errors="replace")).hexdigest()
    table, details = f"answers {key}", f"details {key}"

    def take() -> None:
        if rows := st.session_state[table].selection.rows:
            st.session_state[details] = read[rows[0]]

    if read:
        st.dataframe(
            [
                {"image": picture, **_row(names[i], answers[i])}
                for i, picture in zip(read, pictures, strict=True)
            ],
            key=table,
            on_select=take,
            selection_mode="single-row",
            hide_index=True,
            row_height=_PICTURE_SIDE,
            column_config={
                "image": st.column_config.ImageColumn("", width="small"),
                "probability": st.column_config.ProgressColumn(
                    min_value=0, max_value=1, format="percent"
                ),
                "unlike the training images": st.column_config.CheckboxColumn(),
            },
            alt="Images with their predicted labels",
        )
    st.download_button(
        "Download as CSV",
        answers_csv(names, answers),
        file_name=f"{model.card.name}-labels.csv",
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
        key=details,
        width=420,
    )
    return chosen or 0


def _pictures(model: Model, contents: Sequence[bytes]) -> list[str]:
    """Return small pictures as addresses; this session keeps those on the page."""
    kept, rendering = st.session_state.get(_KEPT, {}), model.card.rendering
    shown = {
        (hashlib.sha256(content).hexdigest(), rendering.identity): content for content in contents
    }
    found = {key: kept.get(key) or _picture(content, rendering) for key, content in shown.items()}
    st.session_state[_KEPT] = found
    return [found[hashlib.sha256(each).hexdigest(), rendering.identity] for each in contents]


def _picture(content: bytes, rendering: Rendering) -> str:
    image = decode_image(content, at_least=2 * _PICTURE_SIDE, rendering=rendering)
    image.thumbnail((2 * _PICTURE_SIDE, 2 * _PICTURE_SIDE))
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG")
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


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
    if answer.copies is not None:
        row["known image"] = name_copies(answer.copies)
    if answer.resemblance is not None:
        row["unlike the training images"] = answer.resemblance.is_unlike
        row["nearest"] = answer.resemblance.nearest[0].label
    if answer.remark:
        row["note"] = answer.remark
    return row
