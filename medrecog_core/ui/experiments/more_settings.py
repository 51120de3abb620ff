"""The settings of an experiment beside its grid: images, split, classifier."""

from typing import Any

import streamlit as st

from medrecog_core.classification import (
    CLASS_WEIGHTS,
    CLASSIFIERS,
    DEFAULT_CLASSIFIER,
    NORMALISATIONS,
    HyperParameter,
    find_classifier,
)
from medrecog_core.datasets import PROTOCOLS
from medrecog_core.datasets.protocol import MAX_FOLDS, MAX_REPEATS
from medrecog_core.errors import UsageError
from medrecog_core.features import DEFAULT_N_WORDS, FUSIONS, POOLINGS
from medrecog_core.images import DEFAULT_PREPROCESSING, PREPROCESSINGS
from medrecog_core.networks import PRECISIONS
from medrecog_core.ui.experiments.form_address import key_of

_PROTOCOL_TITLES = {
    "auto": "the data set's own split, else a hold-out",
    "given": "the data set's own split",
    "given-folds": "the data set's own folds",
    "hold-out": "hold-out of a quarter",
    "k-fold": "k-fold cross-validation",
    "leave-one-group-out": "leave one group out",
}
_NORMALISATION_TITLES = {
    "none": "none",
    "l2": "L2: each image to length 1",
    "standardise": "each channel to mean 0 and variance 1",
    "signed-sqrt-l2": "signed square root, then L2",
    "pca": "PCA",
    "pca-whitened": "PCA with whitening",
}


def more_settings() -> dict[str, Any]:
    """Show the settings in an expander and return them as a part of a specification."""
    with st.expander("More settings"):
        left, middle, right = st.columns(3)
        with left:
            chosen = _about_images()
        with middle:
            chosen |= _about_split()
        with right:
            chosen |= _about_classifier()
    return chosen


def _about_images() -> dict[str, Any]:
    st.markdown("**Images**")
    usual = ", ".join(f"{n} for {POOLINGS[p].title}" for p, n in DEFAULT_N_WORDS.items())
    return {
        "preprocessing": st.selectbox(
            "Proportions",
            PREPROCESSINGS,
            key=_key("preprocessing", DEFAULT_PREPROCESSING),
            format_func=lambda name: PREPROCESSINGS[name].title,
            help="What an image becomes before the network.",
        ),
        "sample": st.number_input(
            "Only so many images",
            min_value=1,
            value=None,
            key=key_of("sample"),
            placeholder="all",
            help="Drawn by class and split, for a quick look. Results say that they are of a "
            "sample.",
        ),
        "precision": st.selectbox(
            "Precision",
            PRECISIONS,
            key=_key("precision", PRECISIONS[0]),
            help="auto: bfloat16 where the processor or GPU gains from it.",
        ),
        "n_words": st.number_input(
            "Words of a codebook",
            min_value=1,
            max_value=4096,
            value=None,
            key=key_of("n_words"),
            placeholder="usual",
            help=f"Where poolings are encodings. Left empty: {usual}.",
        ),
    }


def _about_split() -> dict[str, Any]:
    st.markdown("**Training and test**")
    chosen: dict[str, Any] = {
        "protocol": st.selectbox(
            "Protocol",
            PROTOCOLS,
            key=_key("protocol", PROTOCOLS[0]),
            format_func=lambda name: _PROTOCOL_TITLES[name],
            help="How images become training and test parts.",
        )
    }
    if chosen["protocol"] == "k-fold":
        chosen["n_folds"] = st.number_input(
            "Folds", min_value=2, max_value=MAX_FOLDS, key=_key("n_folds", 5)
        )
        chosen["n_repeats"] = st.number_input(
            "Repeats", min_value=1, max_value=MAX_REPEATS, key=_key("n_repeats", 1)
        )
    chosen["keep_groups"] = st.toggle(
        "Keep groups on one side",
        key=_key("keep_groups", True),
        help="Images of one group (patient, lesion) are either learned from or tested. Without it "
        "hold-out and k-fold flatter the results; it is for showing by how much.",
    )
    chosen["seed"] = st.number_input(
        "Seed", min_value=0, key=_key("seed", 0), help="Of hold-out, folds, sample and codebooks."
    )
    return chosen


def _about_classifier() -> dict[str, Any]:
    st.markdown("**Classifier**")
    name = st.selectbox(
        "Classifier",
        CLASSIFIERS,
        key=_key("classifier", DEFAULT_CLASSIFIER),
        format_func=lambda name: CLASSIFIERS[name].title,
        help="What is trained on the descriptors. Maps of what a prediction is based on need a "
        "linear one.",
    )
    parameter = find_classifier(name).parameter
    chosen: dict[str, Any] = {
        "classifier": name,
        parameter.name: _numbers(
            parameter,
            st.text_input(
                parameter.name,
                key=_key(parameter.name, parameter.word(parameter.default)),
                help=f"{parameter.help} Of several, such as {parameter.words(parameter.usual)}, "
                "the best inside the training part is taken.",
            ),
        ),
        "normalisation": st.selectbox(
            "Normalisation",
            NORMALISATIONS,
            key=_key("normalisation", "l2"),
            format_func=lambda name: _NORMALISATION_TITLES[name],
            help="Of descriptors, learned from the training part alone.",
        ),
    }
    if chosen["normalisation"].startswith("pca"):
        chosen["n_components"] = st.number_input(
            "Components", min_value=1, key=_key("n_components", 128)
        )
    chosen["class_weight"] = st.selectbox(
        "Class weights",
        CLASS_WEIGHTS,
        key=_key("class_weight", CLASS_WEIGHTS[0]),
        help="balanced: rare classes weigh as much as common ones.",
    )
    chosen["fuse"] = st.multiselect(
        "Fuse",
        FUSIONS,
        key=_key("fuse", []),
        accept_new_options=True,
        help="Concatenates the grid along these sides, as further cells. Or type the name of one, "
        "such as block4+block5-224-average.",
    )
    return chosen


def _key(field: str, default: Any) -> str:
    """Return the key of a field's widget, which has the default where nothing was chosen yet."""
    key = key_of(field)
    st.session_state.setdefault(key, default)
    return key


def _numbers(parameter: HyperParameter, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise UsageError(
            f"“{text}” is not a {parameter.name} such as {parameter.word(parameter.default)}, or "
            f"several such as {parameter.words(parameter.usual)}."
        ) from None
