"""The card of a model, and its export and import."""

import streamlit as st

from medrecog_core.datasets.splits import describe_leak
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
    """Show a summary of a model, and its full card in an expander."""
    low, high = card.accuracy_interval
    n_trained = card.n_learnt or card.n_train
    tested = counted(card.n_test, "test image")
    if card.trained_on == ALL:
        tested = (
            f"the run's {counted(card.n_test, 'held-out test image')} (this model was also trained "
            "on them)"
        )
    st.markdown(
        f"Trained on {counted(n_trained, 'image')} of **{literal(card.dataset)}**"
        f"{' (synthetic images)' if card.synthetic else ''}"
        f"{f' ({literal(card.sample)})' if card.sample else ''}; accuracy **{card.accuracy:.3f}** "
        f"(95 % CI {low:.3f} to {high:.3f}) on {tested}."
    )
    st.caption(
        f"Classes: {', '.join(map(literal, card.classes))}. Features: "
        f"{literal(card.cell.layer)} at {card.cell.scale} px, {literal(card.cell.pooling)} pooling"
        f", {literal(card.source.precision)}, weights: {literal(card.weights_title)}. "
        f"Classifier: {literal(card.trained_classifier.title)}."
    )
    if kept := what_is_kept(card):
        st.warning(kept, icon=":material/inventory_2:")
    if card.n_leaking_groups:
        st.warning(describe_leak(card.n_leaking_groups), icon=":material/water_drop:")
    if card.small_test:
        st.warning(literal(card.small_test), icon=":material/groups:")
    with st.expander("Model card", icon=":material/description:"):
        st.markdown(_below_title(card))
        with st.container(horizontal=True):
            st.download_button(
                "Download model card",
                card_markdown(card),
                file_name=f"{card.name}.md",
                mime="text/markdown",
                icon=":material/description:",
                on_click="ignore",
            )
            if not is_viewer():
                st.download_button(
                    "Export model",
                    lambda: exported_model(card.name),
                    file_name=f"{card.name}{SUFFIX}",
                    mime="application/zip",
                    icon=":material/download:",
                    on_click="ignore",
                    help="Import this file in another medrecog installation. Training image paths "
                    "are not included.",
                )


def show_import(key: str = "import-model") -> None:
    """Show the form that imports a model file."""
    with st.expander("Import model", icon=":material/upload_file:"):
        with st.form(key, border=False, clear_on_submit=True):
            upload = st.file_uploader(
                f"Model file ({SUFFIX}, max. {MOST_BYTES // 2**20} MB)",
                max_upload_size=MOST_BYTES // 2**20,
            )
            name = st.text_input("Model name (optional)", placeholder="keep original name")
            if st.form_submit_button("Import", icon=":material/upload_file:"):
                st.session_state.pop(_IMPORTED, None)
                if upload is None:
                    st.warning("Select a file first.", icon=":material/upload:")
                    return
                with shown_errors():
                    card = import_content(upload.getvalue(), upload.name, name)
                    st.session_state[_IMPORTED] = card
        if (taken := st.session_state.get(_IMPORTED)) is not None:
            st.success(f"Model “{literal(taken.name)}” imported.", icon=":material/check_circle:")
            if needs := missing_weights(taken):
                st.warning(literal(needs), icon=":material/warning:")
            st.page_link(
                "pages/4_Predict.py",
                label="Classify images with this model",
                icon=":material/image_search:",
                query_params={"model": taken.name},
            )


def _below_title(card: ModelCard) -> str:
    """Return the card without its title, with smaller headings."""
    _, _, text = card_markdown(card, literal).partition("\n")
    return text.replace("\n## ", "\n##### ")
