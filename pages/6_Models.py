"""Models: compare the saved models, and export, import or delete them."""

import streamlit as st

from medrecog_core.errors import MedrecogError
from medrecog_core.mode import is_viewer
from medrecog_core.models import MODEL_TRASH, ModelCard, model_names, read_card
from medrecog_core.ui.choice import choose_or_none, named, show_lost
from medrecog_core.ui.models.model_card import OPENED, show_card, show_deletion, show_import
from medrecog_core.ui.models.model_table import show_models
from medrecog_core.ui.page import open_page, show_absence, shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.trash import offer_undo, show_trash

open_page("Models")


def readable_cards() -> dict[str, ModelCard]:
    cards = {}
    for name in model_names():
        try:
            cards[name] = read_card(name)
        except MedrecogError as error:
            st.error(literal(error), icon=":material/error:")
            show_deletion(name)
    return dict(sorted(cards.items(), key=lambda item: -item[1].created))


with shown_errors():
    offer_undo(MODEL_TRASH)
    cards = readable_cards()
    if not cards and is_viewer():
        show_absence("models")
    elif not cards:
        st.info(
            "No models yet. Open a finished run, select a cell and click **Save model**.",
            icon=":material/lightbulb:",
        )
        st.page_link("pages/3_Results.py", label="Open results", icon=":material/grid_on:")
    else:
        show_models(list(cards.values()))
        asked = named(OPENED)
        if asked is not None and asked not in cards:
            show_lost("Model", asked, "pages/6_Models.py")
        opened = choose_or_none("Open model", "None", list(cards), key=OPENED)
        if opened is not None:
            show_card(cards[opened])
    if not is_viewer():
        show_import()
        show_trash(MODEL_TRASH)
