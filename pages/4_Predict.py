"""Predict: choose a model, upload an image, read its label and scores."""

import altair as alt
import pandas as pd
import streamlit as st

from medrecog_core.images import SUFFIXES, UnreadableImageError, decode_image
from medrecog_core.mode import is_viewer
from medrecog_core.models import (
    Explainer,
    Model,
    ModelCard,
    Prediction,
    Predictor,
    can_explain,
    delete_model,
    load_model,
    model_names,
)
from medrecog_core.ui.choice import choose
from medrecog_core.ui.evidence_map import show_evidence
from medrecog_core.ui.page import RESEARCH_ONLY, open_page, show_absence, shown_errors
from medrecog_core.ui.quantities import counted

open_page("Predict")
st.warning(f"**{RESEARCH_ONLY}** A label is what an SVM says of a picture.", icon=":material/info:")


@st.cache_resource(max_entries=2, show_spinner="Loading the network, once …")
def predictor_of(name: str, created: float) -> Predictor:
    """The model with its network in memory; a model made anew under the same name is another."""
    return Predictor(load_model(name))


@st.cache_resource(max_entries=1, show_spinner="Loading the network, once …")
def explainer_of(name: str, created: float) -> Explainer:
    """The same model, giving the map before pooling."""
    return Explainer(load_model(name))


def show_card(card: ModelCard) -> None:
    low, high = card.accuracy_interval
    st.markdown(
        f"Trained on {counted(card.n_train, 'image')} of **{card.dataset}**"
        f"{' (synthetic pictures)' if card.synthetic else ''}"
        f"{f' ({card.sample})' if card.sample else ''}; accuracy **{card.accuracy:.3f}** "
        f"(95 % {low:.3f} to {high:.3f}) on "
        f"{counted(card.n_test, 'test image')} it has not learnt from."
    )
    st.caption(
        f"Classes: {', '.join(card.classes)}. Reads {card.cell.layer} at {card.cell.scale} pixels, "
        f"{card.cell.pooling} pooling; weights: {card.weights_title}; {card.source.precision}."
    )


def show_answer(name: str, content: bytes, answer: Prediction | UnreadableImageError) -> None:
    if isinstance(answer, UnreadableImageError):
        st.error(f"{name} could not be classified: {answer}.", icon=":material/broken_image:")
        return
    left, right = st.columns([1, 2])
    preview = decode_image(content)
    preview.thumbnail((640, 640))
    left.image(preview, width="stretch", alt=name)
    frames = preview.info.get("frames", 1)
    left.caption(name if frames == 1 else f"{name}, the first of {frames} frames")
    right.metric("Label", answer.label)
    right.altair_chart(
        score_bars(answer),
        width="stretch",
        alt="Scores: " + ", ".join(f"{k} {v:.3f}" for k, v in answer.scores.items()),
    )
    right.caption(
        "A score is the SVM's decision value: positive on the class's side of its boundary, and "
        "larger the further from it. It is not a probability."
    )


def score_bars(answer: Prediction) -> alt.LayerChart:
    table = pd.DataFrame(answer.scores.items(), columns=["class", "score"])
    bars = alt.Chart(table).encode(
        x=alt.X("score:Q", title="score"), y=alt.Y("class:N", sort="-x", title=None)
    )
    marks = bars.mark_bar(cornerRadius=3).encode(
        color=alt.condition(
            alt.datum["class"] == answer.label, alt.value("#0f8b8d"), alt.value("#9db4b6")
        )
    )
    numbers = (
        bars.mark_text(align="left", dx=4, color="#74888b")
        .encode(text=alt.Text("score:Q", format="+.3f"), x=alt.X("end:Q"))
        .transform_calculate(end="max(datum.score, 0)")
    )
    return alt.layer(marks, numbers).properties(height=40 * len(table) + 40)


def delete(name: str) -> None:
    with shown_errors():
        delete_model(name)
        st.session_state.pop("model", None)
        st.toast(f"Deleted the model {name}.", icon=":material/delete:")


def classify(model: Model) -> None:
    uploads = st.file_uploader(
        "Images to classify",
        type=sorted(suffix.removeprefix(".") for suffix in SUFFIXES),
        accept_multiple_files=True,
        help="They are read in memory and not kept.",
    )
    if not uploads:
        st.info("Upload an image to see its label.", icon=":material/upload:")
        return
    predictor = predictor_of(model.card.name, model.card.created)
    contents = [upload.getvalue() for upload in uploads]
    with st.spinner("Reading the image in the network …"):
        answers = predictor.predict(contents)
    reasons = can_explain(model) and st.toggle(
        "Show what the label rests on", key="evidence", bind="query-params"
    )
    for i, (upload, content, answer) in enumerate(zip(uploads, contents, answers, strict=True)):
        show_answer(upload.name, content, answer)
        if reasons and isinstance(answer, Prediction):
            explainer = explainer_of(model.card.name, model.card.created)
            with st.spinner("Reading the image position by position …"):
                explained = explainer.explain(content)
            show_evidence(explained, answer.label, upload.name, key=f"class {i}")


with shown_errors():
    names = model_names()
    if not names and is_viewer():
        show_absence("models")
    elif not names:
        st.info(
            "There is no model yet. Open a finished run, choose a cell and press “Make the model”.",
            icon=":material/lightbulb:",
        )
        st.page_link("pages/3_Results.py", label="Open the results", icon=":material/grid_on:")
    else:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = choose("Model", names, key="model")
            # Named after the model, so that it closes with it and cannot slide onto the next one.
            if not is_viewer():
                with st.popover(f"Delete {chosen}", type="tertiary"):
                    st.button(
                        f"Delete the model {chosen}",
                        key=f"delete-{chosen}",
                        on_click=delete,
                        args=(chosen,),
                    )
        model = load_model(chosen)
        show_card(model.card)
        classify(model)
