"""The prediction for one image, with evidence and similar images."""

from typing import cast

import altair as alt
import pandas as pd
import streamlit as st

from medrecog_core.images import Rendering, UnreadableImageError, decode_image
from medrecog_core.models import Answer, Model, Prediction, describe_copies, describe_threshold
from medrecog_core.ui.chart import show_chart, theme_colour
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.predict.answers import Answered
from medrecog_core.ui.predict.evidence_map import show_evidence
from medrecog_core.ui.predict.similar_images import show_similar_images

_OTHER = "#9db4b6"
_BAR_HEIGHT, _ROOM_FOR_ONE, _QUARTERS = 36, 1.2, [0, 0.25, 0.5, 0.75, 1]
_LONGEST_SIDE = 640


def show_label(model: Model, name: str, answer: Answer) -> None:
    """Show what is to be known before an image's label, and the label; or why there is none."""
    if isinstance(answer, UnreadableImageError):
        st.error(
            f"{literal(name)} could not be classified: {literal(answer)}.",
            icon=":material/broken_image:",
        )
        return
    _show_copies(answer)
    _show_likeness(answer)
    with st.container(horizontal=True):
        st.metric("Label", literal(answer.label), width="content")
        if answer.probabilities is not None:
            probability = answer.probabilities[answer.label]
            st.metric("Probability", f"{probability:.1%}", width="content")
        if (threshold := model.card.threshold) is not None and answer.at_threshold is not None:
            st.metric(
                "At the decision threshold",
                literal(answer.at_threshold),
                help=literal(describe_threshold(threshold)),
                width="content",
            )


def show_reasons(model: Model, name: str, content: bytes, answered: Answered) -> None:
    """Show an image beside its evidence, its scores or probabilities, and similar images."""
    answer, explained = answered.answer, answered.explained
    if isinstance(answer, UnreadableImageError):
        return
    image, *evidence, scores = st.columns([1] * (2 if explained is None else 3), gap="medium")
    with scores:
        if answer.probabilities is None:
            _show_scores(model, answer)
        else:
            _show_probabilities(answer)
            with st.expander("Classifier scores"):
                _show_scores(model, answer)
    with image:
        _show_image(name, content, model.card.rendering)
        if answer.remark:
            st.caption(answer.remark)
    if explained is not None:
        with evidence[0]:
            show_evidence(explained, answer.label, name, key=f"class of {name}")
    if answer.resemblance is not None:
        show_similar_images(answer.resemblance.nearest, answer.copies or ())


def _show_copies(answer: Prediction) -> None:
    if said := describe_copies(answer.copies or ()):
        st.warning(
            f"**Known image.** {literal(said)} Its prediction is no evidence of how the "
            "model performs on new images.",
            icon=":material/content_copy:",
        )


def _show_image(name: str, content: bytes, rendering: Rendering) -> None:
    preview = decode_image(content, at_least=_LONGEST_SIDE, rendering=rendering)
    preview.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    st.image(preview, width="stretch", alt=name, output_format="JPEG")
    st.caption(literal(name))


def _show_likeness(answer: Prediction) -> None:
    alike = answer.resemblance
    if alike is not None and alike.is_unlike:
        st.warning(
            "**Unlike the training images.** The prediction is unreliable: only "
            f"{alike.p_value:.1%} of training images are this far from their neighbours (mean "
            f"distance {alike.distance:.3f}).",
            icon=":material/warning:",
        )


def _show_probabilities(answer: Prediction) -> None:
    probabilities = answer.probabilities or {}
    show_chart(
        probability_bars(probabilities, answer.label),
        width="stretch",
        alt="Probabilities: " + ", ".join(f"{k} {v:.1%}" for k, v in probabilities.items()),
    )
    st.caption(
        "Probabilities calibrated on held-out images; valid only for images from the same "
        "population and class frequencies as the data set."
    )
    likeliest = max(probabilities, key=probabilities.__getitem__)
    if likeliest != answer.label:
        st.info(
            f"The highest score ({literal(answer.label)}) and the highest probability "
            f"({literal(likeliest)}) disagree because calibration takes class frequency into "
            "account. Treat the result as uncertain.",
            icon=":material/balance:",
        )


def _show_scores(model: Model, answer: Prediction) -> None:
    show_chart(
        score_bars(answer),
        width="stretch",
        alt="Scores: " + ", ".join(f"{k} {v:.3f}" for k, v in answer.scores.items()),
    )
    st.caption(model.card.trained_classifier.about_scores)


def probability_bars(probabilities: dict[str, float], label: str) -> alt.LayerChart:
    """Return a bar chart of the probabilities, the highest first."""
    table = pd.DataFrame(probabilities.items(), columns=["class", "value"])
    # Room for the number of a bar that is as long as can be.
    scale, axis = alt.Scale(domain=[0, _ROOM_FOR_ONE]), alt.Axis(format="%", values=_QUARTERS)
    x = alt.X("value:Q", title="probability", scale=scale, axis=axis)
    return _bars(table, label, x, ".1%")


def score_bars(answer: Prediction) -> alt.LayerChart:
    """Return a bar chart of the scores, the highest first."""
    table = pd.DataFrame(answer.scores.items(), columns=["class", "value"])
    return _bars(table, answer.label, alt.X("value:Q", title="score"), "+.3f")


def _bars(table: pd.DataFrame, label: str, x: alt.X, number: str) -> alt.LayerChart:
    table["is_answer"], table["end"] = table["class"] == label, table["value"].clip(lower=0)
    order = table.sort_values("value", ascending=False)["class"].tolist()
    y = alt.Y("class:N", sort=order, title=None)
    colour = alt.condition(
        "datum.is_answer", alt.value(theme_colour("primaryColor")), alt.value(_OTHER)
    )
    chart = alt.Chart(table)
    bars = chart.mark_bar(cornerRadius=3).encode(x=x, y=y, color=colour)
    numbers = chart.mark_text(align="left", dx=4, color=theme_colour("textColor")).encode(
        x="end:Q", y=y, text=alt.Text("value:Q", format=number)
    )
    return cast(
        "alt.LayerChart", alt.layer(bars, numbers).properties(height=_BAR_HEIGHT * len(table) + 40)
    )
