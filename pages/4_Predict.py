"""Predict: select a model, upload images, and see their labels and the evidence for them."""

from dataclasses import replace

import streamlit as st

from medrecog_core.images.reading import MAX_BYTES
from medrecog_core.mode import is_viewer
from medrecog_core.models import Model, model_names, why_unexplained
from medrecog_core.ui.choice import choose
from medrecog_core.ui.models.model_card import OPENED, show_summary
from medrecog_core.ui.page import RESEARCH_ONLY, open_page, show_absence, shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.predict.answer_table import show_answer_table
from medrecog_core.ui.predict.answers import answers_of
from medrecog_core.ui.predict.kept_model import load_kept_model
from medrecog_core.ui.predict.patient import show_patient_answer
from medrecog_core.ui.predict.prediction import show_label, show_reasons

open_page("Predict")
st.warning(
    f"**{RESEARCH_ONLY}** The label is the output of a classifier, not a medical finding.",
    icon=":material/info:",
)


def given_images() -> list[tuple[str, bytes]]:
    uploads = st.file_uploader(
        "Images to classify",
        accept_multiple_files=True,
        max_upload_size=min(MAX_BYTES // 2**20, int(st.get_option("server.maxUploadSize"))),
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


def chosen_model(names: list[str]) -> Model:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = choose("Model", names, key="model", list_page="pages/6_Models.py")
        st.page_link(
            "pages/6_Models.py",
            label="Model card",
            icon=":material/description:",
            query_params={OPENED: name},
        )
    model = load_kept_model(name)
    show_summary(model.card)
    return model


def classify(model: Model, given: list[tuple[str, bytes]]) -> None:
    names, contents = [name for name, _ in given], [content for _, content in given]
    answered, looked_at = answers_of(model, contents), 0
    if len(given) > 1:
        answers = [each.answer for each in answered]
        show_patient_answer(model, answers)
        looked_at = show_answer_table(model, names, contents, answers)
    name, content, shown = names[looked_at], contents[looked_at], answered[looked_at]
    show_label(model, name, shown.answer)
    if reason := why_unexplained(model.card):
        st.caption(f"No evidence map. {literal(reason)}")
    elif st.toggle("Show evidence map", value=True, key="evidence", bind="query-params"):
        shown = answers_of(model, contents, looked_at)[looked_at]
    else:
        shown = replace(shown, explained=None)
    show_reasons(model, name, content, shown)


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
        st.page_link("pages/6_Models.py", label="Import a model", icon=":material/upload_file:")
    else:
        given = given_images()
        model = chosen_model(names)
        if given:
            classify(model, given)
