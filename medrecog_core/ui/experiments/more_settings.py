"""The advanced options of a run: images, split, classifier."""

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
from medrecog_core.datasets.splits import MAX_FOLDS, MAX_REPEATS
from medrecog_core.errors import UsageError
from medrecog_core.features import DEFAULT_N_WORDS, FUSIONS, POOLINGS
from medrecog_core.images import DEFAULT_PREPROCESSING, PREPROCESSINGS, VIEWS
from medrecog_core.networks import PRECISIONS
from medrecog_core.networks.engines import AUTO, ENGINES
from medrecog_core.ui.experiments.form_address import key_of
from medrecog_core.ui.methods.lessons import FOLDS, SVM, lesson_links

_PROTOCOL_TITLES = {
    "auto": "predefined split, otherwise hold-out",
    "given": "predefined split",
    "given-folds": "predefined folds",
    "hold-out": "hold-out (25 %)",
    "k-fold": "k-fold cross-validation",
    "leave-one-group-out": "leave-one-group-out",
}
_VIEW_TITLES = {
    1: "1 (the image)",
    2: "2 (and its mirror image)",
    10: "10 (corners and centre, mirrored)",
}
_NORMALISATION_TITLES = {
    "none": "none",
    "l2": "L2 (unit length)",
    "standardise": "standardise (mean 0, variance 1)",
    "signed-sqrt-l2": "signed square root, then L2",
    "pca": "PCA",
    "pca-whitened": "PCA with whitening",
}


def more_settings() -> dict[str, Any]:
    """Show the options in an expander and return them as part of a specification."""
    with st.expander("Advanced options"):
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
            "Resizing",
            PREPROCESSINGS,
            key=_key("preprocessing", DEFAULT_PREPROCESSING),
            format_func=lambda name: PREPROCESSINGS[name].title,
            help="How images are fitted to the square network input.",
        ),
        "views": st.selectbox(
            "Views",
            VIEWS,
            key=_key("views", 1),
            format_func=lambda n: _VIEW_TITLES[n],
            help="Features are averaged over the views of an image, in training, test and "
            "prediction. Each view takes a pass through the network. Not for encodings, and there "
            "are no evidence maps. Mirror images suit only images without a fixed left and right.",
        ),
        "sample": st.number_input(
            "Maximum number of images",
            min_value=1,
            value=None,
            key=key_of("sample"),
            placeholder="all",
            help="Uses a stratified random subset for a quick test; results are marked as a "
            "sample.",
        ),
        "precision": st.selectbox(
            "Precision",
            PRECISIONS,
            key=_key("precision", PRECISIONS[0]),
            help="“auto” uses bfloat16 if the processor or GPU accelerates it, otherwise float32.",
        ),
        "engine": st.selectbox(
            "Engine",
            (AUTO, *ENGINES),
            key=_key("engine", AUTO),
            format_func=lambda name: ENGINES[name].title if name in ENGINES else name,
            help="Computes features that are not cached. “auto” takes the fastest on this machine. "
            "Features of all engines agree within rounding.",
        ),
        "n_words": st.number_input(
            "Codebook size",
            min_value=1,
            max_value=4096,
            value=None,
            key=key_of("n_words"),
            placeholder="default",
            help=f"Number of codebook entries, for poolings that use a codebook. Default: {usual}.",
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
            help=f"How images are divided into training and test sets. {lesson_links(FOLDS)}",
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
        "Keep groups together",
        key=_key("keep_groups", True),
        help="Keeps all images of a patient or lesion in the same fold. Turning this off inflates "
        "results; use it only to measure leakage.",
    )
    chosen["seed"] = st.number_input(
        "Seed",
        min_value=0,
        key=_key("seed", 0),
        help="Random seed for splits, sampling and codebooks.",
    )
    return chosen


def _about_classifier() -> dict[str, Any]:
    st.markdown("**Classifier**")
    name = st.selectbox(
        "Classifier",
        CLASSIFIERS,
        key=_key("classifier", DEFAULT_CLASSIFIER),
        format_func=lambda name: CLASSIFIERS[name].title,
        help="Trained on the features. Evidence maps require a linear classifier.",
    )
    parameter = find_classifier(name).parameter
    chosen: dict[str, Any] = {
        "classifier": name,
        parameter.name: _numbers(
            parameter,
            st.text_input(
                parameter.name,
                key=_key(parameter.name, parameter.word(parameter.default)),
                help=f"{parameter.help} Enter several values ({parameter.words(parameter.usual)}) "
                "to choose the best by cross-validation on the training images."
                + (f" {lesson_links(SVM)}" if find_classifier(name).is_linear else ""),
            ),
        ),
        "normalisation": st.selectbox(
            "Normalisation",
            NORMALISATIONS,
            key=_key("normalisation", "l2"),
            format_func=lambda name: _NORMALISATION_TITLES[name],
            help="Applied to the features; fitted on the training images only.",
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
        help="“balanced” gives rare classes the same total weight as common ones.",
    )
    chosen["fuse"] = st.multiselect(
        "Combine features (fusion)",
        FUSIONS,
        key=_key("fuse", []),
        accept_new_options=True,
        help="Adds cells that concatenate features across layers, scales or poolings. You can also "
        "enter a single one, such as block4+block5-224-average.",
    )
    return chosen


def _key(field: str, default: Any) -> str:
    """Return the key of a field's widget, and set its default."""
    key = key_of(field)
    st.session_state.setdefault(key, default)
    return key


def _numbers(parameter: HyperParameter, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise UsageError(
            f"“{text}” is not valid. Enter {parameter.name} as a number, or several separated by "
            "commas."
        ) from None
