"""Tests of a model on other data sets, and the choices that start one."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.datasets import demo, library
from medrecog_core.errors import MedrecogError
from medrecog_core.features import AnyCell
from medrecog_core.jobs.kinds import EVALUATE
from medrecog_core.mode import is_viewer
from medrecog_core.models import (
    ModelCard,
    OutsideTest,
    delete_test,
    describe_test,
    model_names,
    proposed_matches,
    read_card,
    read_outside_tests,
    start_evaluation,
)
from medrecog_core.reports.measures import MEASURES
from medrecog_core.runs import Run
from medrecog_core.ui.datasets.kept_dataset import load_dataset
from medrecog_core.ui.jobs import note_started, show_unfinished
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.results.class_table import interval_words, show_class_table

_LEFT_OUT = "(leave out)"


def show_outside_tests(card: ModelCard) -> None:
    """Show the tests of a model on other data sets, and the form that starts another."""
    tests = read_outside_tests(card.name)
    for test in tests:
        _show_test(card, test)
    if not tests:
        st.caption("This model has not been tested on another data set.")
    if not is_viewer():
        show_unfinished(EVALUATE)
        _show_form(card)


def show_tests_of_cell(run: Run, cell: AnyCell) -> None:
    """Show the tests of the models of a cell on other data sets."""
    cards = _models_of(run, cell)
    if not cards and is_viewer():
        st.caption("No model of this cell has been tested on another data set.")
        return
    if not cards:
        st.info(
            "A test on another data set needs a model. Save this cell as a model on the Errors "
            "tab first.",
            icon=":material/model_training:",
        )
        return
    names = [card.name for card in cards]
    chosen = names[0] if len(names) == 1 else st.selectbox("Model", names, width=420)
    show_outside_tests(cards[names.index(chosen)])


def _models_of(run: Run, cell: AnyCell) -> list[ModelCard]:
    cards = []
    for name in model_names():
        card = _card_or_none(name)
        if card is not None and (card.run, card.cell) == (run.id, cell):
            cards.append(card)
    return cards


def _card_or_none(name: str) -> ModelCard | None:
    try:
        return read_card(name)
    except MedrecogError:  # the Models page says so
        return None


def _show_test(card: ModelCard, test: OutsideTest) -> None:
    st.markdown(f"**{literal(test.dataset)}**")
    st.markdown(literal(describe_test(test)))
    for sentence in test.warnings:
        st.warning(literal(sentence), icon=":material/warning:")
    own, differences = {each.measure: each for each in test.own}, test.differences
    title_of = {measure: title for title, measure in MEASURES.items()}
    st.dataframe(
        [
            {
                "measure": title_of[each.measure],
                "this data set": interval_words(each),
                "own test images": interval_words(own.get(each.measure)),
                "difference": "-"
                if (found := differences.get(each.measure)) is None
                else f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})",
            }
            for each in test.estimates
        ],
        hide_index=True,
        alt=f"Measures on {test.dataset} with 95 % confidence intervals",
    )
    with st.expander("Classes and confusion matrix"):
        show_class_table(test.per_class, test.positive)
        st.dataframe(
            [
                {"true class": label, **dict(zip(_predicted(test.classes), row, strict=True))}
                for label, row in zip(test.classes, test.confusion, strict=True)
            ],
            hide_index=True,
            alt="Images by true and predicted class",
        )
        if any(theirs != ours for theirs, ours in test.matches.items()):
            pairs = ", ".join(f"{theirs} = {ours}" for theirs, ours in test.matches.items())
            st.caption(f"Matched classes: {literal(pairs)}.")
    if not is_viewer():
        st.button(
            "Delete test",
            key=f"delete test {card.name} {test.dataset}",
            icon=":material/delete:",
            type="tertiary",
            on_click=_delete,
            args=(card.name, test.dataset),
        )


def _predicted(classes: Sequence[str]) -> list[str]:
    return [f"predicted {label}" for label in classes]


def _delete(name: str, dataset: str) -> None:
    try:
        delete_test(name, dataset)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")


def _show_form(card: ModelCard) -> None:
    names = [
        name
        for name in library.names()
        if name != card.dataset and (name != demo.NAME or demo.is_drawn())
    ]
    with st.expander("Test on another data set", icon=":material/science:"), shown_errors():
        if not names:
            st.caption("There is no other data set. Add one on the Data sets page.")
            return
        name = st.selectbox("Data set", names, index=None, key=f"outside {card.name}", width=420)
        if name is None:
            return
        matches = _choose_matches(card, name)
        if st.button("Start test", type="primary", icon=":material/play_arrow:"):
            note_started(start_evaluation(card.name, name, matches))
            st.rerun()


def _choose_matches(card: ModelCard, name: str) -> dict[str, str]:
    """Show the model's class for each class of a data set that has none of the same name."""
    proposed = proposed_matches(card, load_dataset(name))
    same = [label for label, own in proposed.items() if own is not None]
    if same:
        st.caption(f"Classes of the same name: {', '.join(map(literal, same))}.")
    chosen = {}
    for label, own in proposed.items():
        if own is None:
            found = st.selectbox(
                f"Class {literal(label)} is",
                [_LEFT_OUT, *card.classes],
                key=f"match {card.name} {name} {label}",
                width=420,
            )
            chosen[label] = "" if found == _LEFT_OUT else found
    return chosen
