"""Predict: select a model, upload images, and see their labels and the evidence for them."""

import streamlit as st

from medrecog_core.mode import is_viewer
from medrecog_core.models import Model, delete_model, model_names, why_unexplained
from medrecog_core.ui.choice import choose, close_object
from medrecog_core.ui.page import RESEARCH_ONLY, open_page, show_absence, shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.predict.answer_table import show_answer_table
from medrecog_core.ui.predict.answers import answers_of
from medrecog_core.ui.predict.kept_model import load_kept_model
from medrecog_core.ui.predict.model_card import show_card, show_import
from medrecog_core.ui.predict.prediction import show_prediction

open_page("Predict")
st.warning(
    f"**{RESEARCH_ONLY}** The label is the output of a classifier, not a medical finding.",
    icon=":material/info:",
)


def delete(name: str) -> None:
    with shown_errors():
        delete_model(name)
        close_object("model")
        st.toast(f"Deleted model {literal(name)}.", icon=":material/delete:")


def given_images() -> list[tuple[str, bytes]]:
    uploads = st.file_uploader(
        "Images to classify",
        accept_multiple_files=True,
        # No file types: DICOM files often have no extension.
        help="JPEG, PNG, TIFF, BMP, WebP or DICOM. The file type is detected from the content. "
        "Images are not stored.",
    )
    given = [(upload.name, upload.getvalue()) for upload in uploads]
    if st.toggle(
        "Use the camera", help="The photo is processed on this server only and is not stored."
    ):
        photo = st.camera_input("Take a photo")
        if photo is not None:
            given.append(("camera photo", photo.getvalue()))
    return given


def classify(model: Model) -> None:
    given = given_images()
    if not given:
        st.info("Upload an image to classify it.", icon=":material/upload:")
        return
    names, contents = [name for name, _ in given], [content for _, content in given]
    answered, looked_at = answers_of(model, contents), 0
    if len(given) > 1:
        looked_at = show_answer_table(model.card.name, names, [each.answer for each in answered])
    reasons = False
    if reason := why_unexplained(model.card):
        st.caption(f"No evidence map. {literal(reason)}")
    elif st.toggle("Show evidence map", key="evidence", bind="query-params"):
        reasons = True
        answered = answers_of(model, contents, looked_at)
    name, content, answer = names[looked_at], contents[looked_at], answered[looked_at]
    show_prediction(model, name, content, answer, with_evidence=reasons)


with shown_errors():
    names = model_names()
    if not names and is_viewer():
        show_absence("models")
    elif not names:
        st.info(
            "No models yet. Open a finished run, select a cell and click **Save model**.",
            icon=":material/lightbulb:",
        )
        st.page_link("pages/3_Results.py", label="Open results", icon=":material/grid_on:")
        show_import()
    else:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = choose("Model", names, key="model", list_page="pages/4_Predict.py")
            # Named after the model, so that it closes when another model is selected.
            if not is_viewer():
                with st.popover(f"Delete {literal(chosen)}", type="tertiary"):
                    st.button(
                        f"Delete model {literal(chosen)}",
                        key=f"delete-{chosen}",
                        on_click=delete,
                        args=(chosen,),
                    )
        model = load_kept_model(chosen)
        show_card(model.card)
        classify(model)
        if not is_viewer():
            show_import()
