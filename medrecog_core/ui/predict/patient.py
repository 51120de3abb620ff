"""One answer for several images of one patient."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.classification.scored_groups import MAXIMUM, MEAN
from medrecog_core.errors import MedrecogError
from medrecog_core.models import Answer, Model, answer_for_patient
from medrecog_core.ui.plain_text import literal

_WAYS = {"Mean score": MEAN, "Maximum score": MAXIMUM}


def show_patient_answer(model: Model, answers: Sequence[Answer]) -> None:
    """Show the switch for images of one patient, and the answer for all of them together."""
    is_one = st.toggle(
        "All images are of one patient",
        key="one-patient",
        bind="query-params",
        help="Combine the scores of the images into one answer. All images should be of one "
        "patient, or of one lesion if the model was trained on lesions.",
    )
    if not is_one:
        return
    chosen = st.segmented_control(
        "Score of the patient",
        list(_WAYS),
        default="Mean score",
        required=True,
        key="patient-score",
        bind="query-params",
        wrap=True,
    )
    try:
        answer = answer_for_patient(model.card, answers, _WAYS[chosen or "Mean score"])
    except MedrecogError as error:
        st.error(literal(error), icon=":material/error:")
        return
    with st.container(horizontal=True):
        st.metric("Label of the patient", literal(answer.label), width="content")
        for label, score in answer.scores.items():
            st.metric(f"Score of {literal(label)}", f"{score:+.3f}", width="content")
    st.caption(literal(answer.words))
