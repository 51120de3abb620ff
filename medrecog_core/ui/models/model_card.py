"""The card of a model, its export and deletion, and the import of another."""

import streamlit as st

from medrecog_core.datasets.splits import describe_leak
from medrecog_core.errors import MedrecogError
from medrecog_core.mode import is_viewer
from medrecog_core.models import (
    ALL,
    MODEL_TRASH,
    ModelCard,
    card_markdown,
    delete_model,
    exported_model,
    import_content,
    is_changeable,
    missing_weights,
    read_outside_tests,
    what_is_kept,
)
from medrecog_core.models.exchange import MOST_BYTES, SUFFIX
from medrecog_core.ui.choice import close_object
from medrecog_core.ui.models.outside_tests import show_outside_tests
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.sign_in import at_click
from medrecog_core.ui.trash import note_deleted

OPENED = "card"
"""What the address calls the opened model."""
_IMPORTED = "imported model"


def show_summary(card: ModelCard) -> None:
    """Show in two sentences how good a model is, what it is made of, and its reservations."""
    low, high = card.accuracy_interval
    n_trained = card.n_learnt or card.n_train
    tested = counted(card.n_test, "test image")
    if card.trained_on == ALL:
        tested = (
            f"the run's {counted(card.n_test, 'held-out test image')} (this model was also trained "
            "on them)"
        )
    st.markdown(
        f"Accuracy **{card.accuracy:.3f}** (95 % CI {low:.3f}–{high:.3f}) on {tested}; trained on "
        f"{counted(n_trained, 'image')} of **{literal(card.dataset)}**"
        f"{' (synthetic images)' if card.synthetic else ''}"
        f"{f' ({literal(card.sample)})' if card.sample else ''}."
    )
    st.caption(
        f"Classes: {', '.join(map(literal, card.classes))}. Features: "
        f"{literal(card.cell.layer)} at {card.cell.scale} px, {literal(card.cell.pooling)} pooling"
        f", {literal(card.source.precision)}, weights: {literal(card.weights_title)}. "
        f"Classifier: {literal(card.trained_classifier.title)}."
    )
    if card.n_leaking_groups:
        st.warning(describe_leak(card.n_leaking_groups), icon=":material/water_drop:")
    if card.small_test:
        st.warning(literal(card.small_test), icon=":material/groups:")


def show_card(card: ModelCard) -> None:
    """Show the card of a model with the buttons that open, export and delete it."""
    st.subheader(literal(card.name))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            "pages/4_Predict.py",
            label="Classify images with this model",
            icon=":material/image_search:",
            query_params={"model": card.name},
        )
        st.download_button(
            "Download model card",
            card_markdown(card, tests=read_outside_tests(card.name)),
            file_name=f"{card.name}.md",
            mime="text/markdown",
            icon=":material/description:",
            on_click="ignore",
        )
        if not is_viewer():
            st.download_button(
                "Export model",
                at_click(lambda: exported_model(card.name)),
                file_name=f"{card.name}{SUFFIX}",
                mime="application/zip",
                icon=":material/download:",
                on_click="ignore",
                help="Import this file in another medrecog installation. It has no paths of "
                "images, but the features of training images and 16 x 16 grey values of training "
                "and test images.",
            )
        show_deletion(card.name)
    if kept := what_is_kept(card):
        st.warning(kept, icon=":material/inventory_2:")
    show_summary(card)
    st.divider()
    st.markdown("##### Other data sets")
    with shown_errors():
        show_outside_tests(card)
    st.divider()
    st.markdown(_below_title(card))


def show_deletion(name: str) -> None:
    """Show the button that moves a model to the trash, to those who may delete it."""
    if not is_changeable(name):
        return
    st.button(
        "Delete",
        type="tertiary",
        icon=":material/delete:",
        key=f"delete-{name}",
        on_click=_delete,
        args=(name,),
    )


def _delete(name: str) -> None:
    try:
        delete_model(name)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
        return
    close_object(OPENED)
    note_deleted(MODEL_TRASH, {name: name})


def show_import(key: str = "import-model") -> None:
    """Show the form that imports a model file."""
    with st.expander("Import model", icon=":material/upload_file:"):
        with st.form(key, border=False, clear_on_submit=True):
            # The server refuses more, whatever the form allows.
            largest = min(MOST_BYTES // 2**20, int(st.get_option("server.maxUploadSize")))
            upload = st.file_uploader(
                f"Model file ({SUFFIX}, max. {largest} MB)",
                max_upload_size=largest,
                help="Import a larger file with “import-model” on the command line.",
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
                    st.rerun()  # the table, which is above
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
