"""The table of models, in which each is opened."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from medrecog_core.models import ModelCard, n_bytes_of
from medrecog_core.ui.choice import open_object
from medrecog_core.ui.models.model_card import OPENED
from medrecog_core.ui.quantities import size

_CLICKED = "model opened in the table"


def show_models(cards: Sequence[ModelCard]) -> None:
    """Show models with their accuracy and its interval, data set, features and size."""
    st.dataframe(
        pd.DataFrame([_row(card) for card in cards]),
        hide_index=True,
        column_config={
            "Open": st.column_config.ButtonColumn(
                "", key=_CLICKED, on_click=_open, args=([card.name for card in cards],)
            ),
            "Accuracy": st.column_config.NumberColumn(
                format="%.3f", help="Of the run's cell on its test images."
            ),
            "Created": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
        },
        alt="Models with accuracy, data set, features, classifier, size and date",
    )


def _row(card: ModelCard) -> dict[str, object]:
    low, high = card.accuracy_interval
    return {
        "Model": card.name,
        "Open": "Open",
        "Accuracy": card.accuracy,
        "95 % CI": f"{low:.3f}–{high:.3f}",
        "Test images": card.n_test,
        "Data set": card.dataset,
        "Created": pd.Timestamp(card.created, unit="s", tz="UTC"),
        "Features": f"{card.cell.layer} · {card.cell.scale} · {card.cell.pooling}",
        "Classifier": card.trained_classifier.title,
        "Size": size(n_bytes_of(card.name)),
    }


def _open(names: Sequence[str]) -> None:
    open_object(OPENED, names[st.session_state[_CLICKED].row])
