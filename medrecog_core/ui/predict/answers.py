"""Predictions for uploaded images, each computed once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from medrecog_core.images import UnreadableImageError
from medrecog_core.models import (
    Answer,
    ExplainedImage,
    Model,
    Predictor,
    can_explain,
)

MOST_EXPLAINED = 3
"""Up to this number of images, evidence is computed for all; beyond, for the selected one."""

_KEPT = "answers"


@dataclass(frozen=True)
class Answered:
    """An answer, and its evidence if it was requested and is available."""

    answer: Answer
    explained: ExplainedImage | None = None


@st.cache_resource(max_entries=2, show_spinner="Loading the network (first use only) …")
def predictor_of(_model: Model, name: str, created: float) -> Predictor:
    """Return a model with its network in memory; `created` distinguishes models of one name."""
    return Predictor(_model)


def answers_of(
    model: Model, contents: Sequence[bytes], explained: int | None = None
) -> list[Answered]:
    """Return the answers for images, reusing those of this session."""
    card = model.card
    keys = [(card.name, card.created, hashlib.sha256(each).hexdigest()) for each in contents]
    # Only what is on the page is kept: evidence maps of large images take megabytes.
    kept = {k: v for k, v in st.session_state.get(_KEPT, {}).items() if k in set(keys)}
    asked = [] if explained is None else [explained]
    if not can_explain(model):
        asked = []
    elif len(keys) <= MOST_EXPLAINED:
        asked = list(range(len(keys)))
    missing = [i for i, key in enumerate(keys) if key not in kept]
    unexplained = [i for i in asked if keys[i] not in kept or _can_be_asked(kept[keys[i]])]
    if missing or unexplained:
        predictor = predictor_of(model, card.name, card.created)
        with st.spinner("Extracting features …"):
            for i in unexplained:
                kept[keys[i]] = _explain(predictor, contents[i])
            plain = [i for i in missing if keys[i] not in kept]
            answers = predictor.predict([contents[i] for i in plain])
            kept |= {keys[i]: Answered(each) for i, each in zip(plain, answers, strict=True)}
    st.session_state[_KEPT] = kept
    return [kept[key] for key in keys]


def _can_be_asked(answered: Answered) -> bool:
    return answered.explained is None and not isinstance(answered.answer, UnreadableImageError)


def _explain(predictor: Predictor, content: bytes) -> Answered:
    try:
        return Answered(*predictor.explain(content))
    except UnreadableImageError as error:
        return Answered(error)
