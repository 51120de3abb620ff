"""A model's card on a page, and models as files."""

import streamlit as st

from medrecog_core.datasets.split import describe_leak
from medrecog_core.mode import is_viewer
from medrecog_core.models import (
    ALL,
    ModelCard,
    card_markdown,
    exported_model,
    import_content,
    missing_weights,
    what_is_kept,
)
from medrecog_core.models.exchange import MOST_BYTES, SUFFIX
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted

_IMPORTED = "imported model"


def show_card(card: ModelCard) -> None:
    """Show what must be known of a model in two lines, and the whole card in an expander."""
    low, high = card.accuracy_interval
    learnt = card.n_learnt or card.n_train
    tested = "not learnt from"
    if card.trained_on == ALL:
        tested = "that its run had not learnt from and this model has"
    st.markdown(
        f"Trained on {counted(learnt, 'image')} of **{literal(card.dataset)}**"
        f"{' (synthetic pictures)' if card.synthetic else ''}"
        f"{f' ({literal(card.sample)})' if card.sample else ''}; accuracy **{card.accuracy:.3f}** "
        f"(95 % {low:.3f} to {high:.3f}) on "
        f"{counted(card.n_test, 'test image')} {tested}."
    )
    st.caption(
        f"Classes: {', '.join(map(literal, card.classes))}. Reads {literal(card.cell.layer)} at "
        f"{card.cell.scale} pixels, {literal(card.cell.pooling)} pooling; "
        f"{card.trained_classifier.title}; weights: "
        f"{literal(card.weights_title)}; {literal(card.source.precision)}."
    )
    if kept := what_is_kept(card):
        st.warning(kept, icon=":material/inventory_2:")
    if card.n_leaking_groups:
        st.warning(describe_leak(card.n_leaking_groups), icon=":material/water_drop:")
    with st.expander("Model card", icon=":material/description:"):
        st.markdown(_below_title(card))
        with st.container(horizontal=True):
            st.download_button(
                "Download the card",
                card_markdown(card),
                file_name=f"{card.name}.md",
                mime="text/markdown",
                icon=":material/description:",
                on_click="ignore",
            )
            if not is_viewer():
                st.download_button(
                    "Download the model",
                    lambda: exported_model(card.name),
                    file_name=f"{card.name}{SUFFIX}",
                    mime="application/zip",
                    icon=":material/download:",
                    on_click="ignore",
                    help="One file that another medrecog takes in, without the paths of the "
                    "training images.",
                )


def show_import(key: str = "import-model") -> None:
    """Show how a model from another machine is taken in."""
    with st.expander("Take in a model from another machine", icon=":material/upload_file:"):
        with st.form(key, border=False, clear_on_submit=True):
            upload = st.file_uploader(
                f"File that medrecog exported, up to {MOST_BYTES // 2**20} MB",
                max_upload_size=MOST_BYTES // 2**20,
            )
            name = st.text_input("Name here", placeholder="as it was called")
            if st.form_submit_button("Take it in", icon=":material/upload_file:"):
                st.session_state.pop(_IMPORTED, None)
                if upload is None:
                    st.warning("Choose a file first.", icon=":material/upload:")
                    return
                with shown_errors():
                    card = import_content(upload.getvalue(), upload.name, name)
                    st.session_state[_IMPORTED] = card
        if (taken := st.session_state.get(_IMPORTED)) is not None:
            st.success(
                f"The model “{literal(taken.name)}” is here.", icon=":material/check_circle:"
            )
            if needs := missing_weights(taken):
                st.warning(literal(needs), icon=":material/warning:")
            st.page_link(
                "pages/4_Predict.py",
                label="Classify an image with it",
                icon=":material/image_search:",
                query_params={"model": taken.name},
            )


def _below_title(card: ModelCard) -> str:
    """Return the card without its first line, its headings smaller than the page's."""
    _, _, text = card_markdown(card, literal).partition("\n")
    return text.replace("\n## ", "\n##### ")
