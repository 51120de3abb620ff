"""A widget for each import option, generated from the fields of `Decisions`."""

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import Field, fields, replace
from typing import Any

import streamlit as st

from medrecog_core.datasets import Decisions
from medrecog_core.errors import UsageError

_FIELDS = {each.name: each for each in fields(Decisions)}
_COLUMNS = ("image_column", "group_column", "split_column")
_CLASSES = ("only_classes", "excluded_classes")
_LEVELS = ("class_level", "group_level")
_ELSEWHERE = ("tables", "entry")
"""Decisions with a widget elsewhere, or without one."""
_OPTION = re.compile(r"--[a-z]+(?:-[a-z]+)*")
_OPTION_AND_QUOTED = re.compile(rf"(?P<option>{_OPTION.pattern})(?: (?P<value>'[^']*'))?")
_AGAIN = re.compile(r"(?P<first>“(?P<name>[^”]+)” [^“”]+?) “(?P=name)” ")
_COMMAND = re.compile(r"“[^”]*datasets [^”]*”")
_LABEL_FILES = "Label files"
_YES, _NO = "yes", "no"
_NO_COLUMN = "(none)"


def read_decisions(base: Decisions) -> Decisions:
    """Return the decisions with the values of the widgets."""
    changed = {}
    for name in other_decisions(()):
        each = _FIELDS[name]
        value = _value(each, st.session_state.get(_key_of(name)))
        if value is not None and value != each.default:
            changed[name] = value
    return replace(base, **changed)


def forget_decisions() -> None:
    """Reset all widgets for another source."""
    for name in other_decisions(()):
        st.session_state.pop(_key_of(name), None)


def named_decisions(message: str) -> list[str]:
    """Return the decisions whose options a message names, in the same order."""
    found = _OPTION.findall(_COMMAND.sub("", message))
    return [
        name
        for option in dict.fromkeys(found)
        for name, each in _FIELDS.items()
        if option in each.metadata["option"].split("/") and name not in _ELSEWHERE
    ]


def on_page(message: str) -> str:
    """Return a message of the core with the names of widgets in place of options."""
    text = re.sub(
        r"(U|u)se “datasets exclude [^”]*” after the import",
        lambda use: f"{'Exclude' if use[1] == 'U' else 'exclude'} them on the page of the data set",
        message,
    )
    names = {"--labels": f"“{_LABEL_FILES}”"}
    for each in _FIELDS.values():
        on, _, off = each.metadata["option"].partition("/")
        names.setdefault(on, f"“{_label(each)}”")
        if off:
            names[off] = f"“{_label(each)}: {'no' if each.name == 'header' else 'off'}”"

    def named(option: re.Match[str]) -> str:
        name = names.get(option["option"])
        if name is None or option["value"] is None:
            return option[0] if name is None else name
        (value,) = shlex.split(option["value"]) or [""]
        return f"{name} {value}" if value else f"{name}: {_NO_COLUMN}"

    parts = re.split(f"({_COMMAND.pattern})", text)
    text = "".join(
        part if i % 2 else _OPTION_AND_QUOTED.sub(named, part) for i, part in enumerate(parts)
    )
    return _AGAIN.sub(r"\g<first>, ", text)


def other_decisions(shown: Collection[str]) -> list[str]:
    """Return the decisions that have no widget yet."""
    return [name for name in _FIELDS if name not in shown and name not in _ELSEWHERE]


def show_decision(
    name: str,
    columns: Sequence[str] = (),
    classes: Sequence[str] = (),
    placeholders: Mapping[str, str] | None = None,
) -> None:
    """Show the widget of one decision."""
    each = _FIELDS[name]
    label = _label(each)
    key, help_text = _key_of(name), each.metadata["help"]
    placeholder = (placeholders or {}).get(name)
    kept = st.session_state.get(key)
    if name in _CLASSES or (name == "label_columns" and columns):
        known = columns if name == "label_columns" else classes
        options = list(dict.fromkeys((*known, *(kept or ()))))
        st.multiselect(label, options, key=key, help=help_text, placeholder=placeholder)
    elif name in _COLUMNS and columns:
        options = [*([] if name == "image_column" else [_NO_COLUMN]), *columns]
        if kept not in options:
            st.session_state.pop(key, None)
        st.selectbox(
            label, options, index=None, key=key, help=help_text, placeholder=placeholder or "auto"
        )
    elif name == "finding" and classes:
        options = list(dict.fromkeys((*classes, *([kept] if kept else ()))))
        st.selectbox(
            label,
            options,
            index=None,
            key=key,
            help=help_text,
            placeholder="Select or enter a finding",
            accept_new_options=True,
        )
    elif name == "header":
        st.selectbox(
            label,
            [_YES, _NO],
            index=None,
            key=key,
            help=help_text,
            placeholder=placeholder or "auto",
        )
    elif "choices" in each.metadata:
        options = [each.default, *(c for c in each.metadata["choices"] if c != each.default)]
        st.selectbox(
            label, options, key=key, help=help_text, format_func=lambda value: value or "default"
        )
    elif isinstance(each.default, bool):
        if key not in st.session_state:
            st.session_state[key] = each.default
        st.toggle(label, key=key, help=help_text)
    elif name == "axis":
        st.selectbox(label, [each.default, 0, 1], key=key, help=help_text)
    elif name in _LEVELS or name == "channel":
        least = 0 if name == "channel" else -20
        st.number_input(
            label, least, 1000, None, key=key, help=help_text, placeholder=placeholder or "auto"
        )
    elif name == "merged_classes":
        st.text_area(
            label, key=key, help=f"{help_text} One per line.", placeholder="OLD=NEW", height=80
        )
    else:
        default = placeholder or str(each.default or "")
        st.text_input(label, key=key, help=help_text, placeholder=default or "")


def _key_of(name: str) -> str:
    return f"import {name}"


def _label(each: Field[Any]) -> str:
    option = each.metadata["option"].partition("/")[0]
    words = option.removeprefix("--").replace("-", " ")
    if each.name in ("only_classes", "excluded_classes"):
        words = "import only these classes" if "only" in words else "exclude classes"
    elif each.name == "merged_classes":
        words = "merge classes"
    elif each.name == "header":
        words = "header row"
    return f"{words[0].upper()}{words[1:]}"


def _value(each: Field[Any], raw: Any) -> Any:
    """Return the value of a widget as a value of the field; None if it is empty."""
    if isinstance(raw, str):
        raw = raw.strip()
    if raw is None or isinstance(raw, bool | int):
        return raw
    if not raw:
        return None
    if each.name == "header":
        return raw == _YES
    if each.name in _COLUMNS:
        return "" if raw == _NO_COLUMN else raw
    if each.name == "bins":
        return _numbers(raw)
    if isinstance(each.default, tuple):
        parts = raw if isinstance(raw, list | tuple) else raw.splitlines()
        return tuple(part.strip() for part in parts if part.strip())
    return raw


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in re.split(r"[,;\s]+", text) if part)
    except ValueError:
        raise UsageError(
            f"“{text}” is not a list of numbers. Enter limits such as 60,120."
        ) from None
