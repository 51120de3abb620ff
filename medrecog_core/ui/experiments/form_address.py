"""The form of a run in the address, so that a link opens it with the same settings.

Data set and network have parameters of their own; the other settings that differ from the defaults
are one parameter in JSON.
"""

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from medrecog_core.errors import UsageError
from medrecog_core.images import REPORT_SCALES
from medrecog_core.networks import Network
from medrecog_core.runs import RunSpecification
from medrecog_core.ui.plain_text import literal

PARAMETER = "form"
"""Name of the parameter in the address."""

_TAKEN = "form taken from the address"
_IGNORED, _IGNORED_IN = "what of the address is ignored", "form beside what is ignored"
_ELSEWHERE = ("dataset", "network")
_LONGEST = 4_000


def key_of(field: str) -> str:
    """Return the key of the widget that asks for a field of the specification."""
    return f"experiment-{field}"


def layers_key(network: Network) -> str:
    """Return the key of the widget that asks for the layers of a network."""
    return f"layers of {network.name}"


def take_form_from_address(dataset: str, network: Network, readable: Sequence[str]) -> None:
    """Fill in the form from the address; call it before the widgets are shown."""
    text = st.query_params.get(PARAMETER, "")
    # Streamlit forgets the form when another page is opened.
    is_new = text != st.session_state.get(_TAKEN) or layers_key(network) not in st.session_state
    st.session_state[_TAKEN] = text
    if not (text and is_new):
        if _IGNORED in st.session_state:
            _warn(st.session_state[_IGNORED])
        return
    try:
        given = _read(text, dataset, network)
    except UsageError as error:
        st.session_state[_IGNORED] = f"The settings in this link could not be used. {error}"
        _warn(st.session_state[_IGNORED])
        return
    missing = [layer for layer in given.layers if layer not in readable]
    if missing:
        _warn(
            f"This link also uses {' and '.join(missing)}, whose weights are not installed. "
            "Install them on the Networks page."
        )
    _fill_in(given, network, readable)


def put_form_in_address(specification: RunSpecification) -> None:
    """Write the settings of the form into the address."""
    text = _written(specification)
    # The warning stays until the form is changed.
    if text != st.session_state.get(_IGNORED_IN, text):
        del st.session_state[_IGNORED_IN]
        st.session_state.pop(_IGNORED, None)
    elif _IGNORED in st.session_state:
        st.session_state[_IGNORED_IN] = text
    if text == st.query_params.get(PARAMETER, ""):
        return
    st.session_state[_TAKEN] = text
    if text:
        st.query_params[PARAMETER] = text
    else:
        del st.query_params[PARAMETER]


def shown_scales(scales: Sequence[int]) -> list[int | str]:
    """Return input sizes as form values: text for those that the form does not list."""
    return [scale if scale in REPORT_SCALES else str(scale) for scale in scales]


def _warn(sentence: str) -> None:
    st.warning(literal(sentence), icon=":material/link_off:")


def _read(text: str, dataset: str, network: Network) -> RunSpecification:
    if len(text) > _LONGEST:
        raise UsageError(f"The link is longer than {_LONGEST:,} characters. Copy it again.")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError("The link is incomplete. Copy it again.") from None
    if not isinstance(document, dict):
        raise UsageError("The link does not contain settings of a run. Copy it again.")
    return RunSpecification.from_document({**document, "dataset": dataset, "network": network.name})


def _written(specification: RunSpecification) -> str:
    """Return the settings that differ from the defaults as JSON; empty if none does."""
    own = specification.to_document()
    usual = RunSpecification.from_document({name: own[name] for name in _ELSEWHERE}).to_document()
    # Fields of a classifier other than the default are always written.
    changed = {f: value for f, value in own.items() if f not in usual or value != usual[f]}
    return json.dumps(changed, ensure_ascii=False, separators=(",", ":")) if changed else ""


def _fill_in(given: RunSpecification, network: Network, readable: Sequence[str]) -> None:
    parameter = given.trained_classifier.parameter
    values: dict[str, Any] = {
        **{field: getattr(given, field) for field in RunSpecification.model_fields},
        "scales": shown_scales(given.scales),
        "poolings": list(given.poolings),
        "fuse": list(given.fuse),
        parameter.name: parameter.words(given.parameter_values),
    }
    for field in (*_ELSEWHERE, "layers", "parameter_values"):
        del values[field]
    st.session_state[layers_key(network)] = [each for each in given.layers if each in readable]
    for field, value in values.items():
        st.session_state[key_of(field)] = value
