"""The prediction for one image, with evidence and similar images."""

from typing import Any, cast

import altair as alt
import pandas as pd
import streamlit as st

from medrecog_core.images import Rendering, UnreadableImageError, decode_image
from medrecog_core.models import Model, Prediction, describe_threshold
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.predict.answers import Answered
from medrecog_core.ui.predict.evidence_map import show_evidence
from medrecog_core.ui.predict.similar_images import show_similar_images

_CHOSEN, _OTHER, _TEXT = "#0f8b8d", "#9db4b6", "#74888b"
_LONGEST_SIDE = 640


def show_prediction(
    model: Model, name: str, content: bytes, answered: Answered, with_evidence: bool
) -> None:
    """Show an image, its label, scores or probabilities, evidence and similar images."""
    answer = answered.answer
    if isinstance(answer, UnreadableImageError):
        st.error(
            f"{literal(name)} could not be classified: {literal(answer)}.",
            icon=":material/broken_image:",
        )
        return
    left, right = st.columns([1, 1.4], gap="large")
    # The label first: the image takes longer to draw.
    with right:
        _show_likeness(answer)
        st.metric("Label", literal(answer.label))
        if answer.probabilities is None:
            _show_scores(model, answer)
        else:
            _show_probabilities(model, answer)
            with st.expander("Classifier scores"):
                _show_scores(model, answer)
    with left:
        if with_evidence and answered.explained is not None:
            show_evidence(answered.explained, answer.label, name, key=f"class of {name}")
        else:
            _show_image(name, content, model.card.rendering)
        if answer.remark:
            st.caption(answer.remark)
    if answer.resemblance is not None:
        st.markdown("**Most similar training images**, with label and distance")
        show_similar_images(answer.resemblance.nearest)
        st.caption(
            "Cosine distance between feature vectors (0 = identical direction). Similar to the "
            "network does not mean clinically similar."
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


def _show_probabilities(model: Model, answer: Prediction) -> None:
    probabilities = answer.probabilities or {}
    st.altair_chart(
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
    if (threshold := model.card.threshold) is not None and answer.at_threshold is not None:
        st.markdown(
            f"At the decision threshold: **{literal(answer.at_threshold)}**",
            help=literal(describe_threshold(threshold)),
        )


def _show_scores(model: Model, answer: Prediction) -> None:
    st.altair_chart(
        score_bars(answer),
        width="stretch",
        alt="Scores: " + ", ".join(f"{k} {v:.3f}" for k, v in answer.scores.items()),
    )
    st.caption(model.card.trained_classifier.about_scores)


def probability_bars(probabilities: dict[str, float], label: str) -> alt.LayerChart:
    """Return a bar chart of the probabilities, the highest first."""
    table = pd.DataFrame(probabilities.items(), columns=["class", "probability"])
    table["is_answer"] = table["class"] == label
    bars = alt.Chart(table).encode(
        x=alt.X(
            "probability:Q", title="probability", scale=alt.Scale(domain=[0, 1]), axis=_percent()
        ),
        y=_classes(probabilities),
    )
    # The number of a long bar is inside it.
    numbers = bars.encode(text=alt.Text("probability:Q", format=".1%"))
    return _layers(
        table,
        bars.mark_bar(cornerRadius=3).encode(color=_colour()),
        numbers.transform_filter("datum.probability < 0.85").mark_text(
            align="left", dx=4, color=_TEXT
        ),
        numbers.transform_filter("datum.probability >= 0.85").mark_text(
            align="right", dx=-6, color="white"
        ),
    )


def score_bars(answer: Prediction) -> alt.LayerChart:
    """Return a bar chart of the scores, the highest first."""
    table = pd.DataFrame(answer.scores.items(), columns=["class", "score"])
    table["is_answer"] = table["class"] == answer.label
    bars = alt.Chart(table).encode(x=alt.X("score:Q", title="score"), y=_classes(answer.scores))
    numbers = (
        bars.mark_text(align="left", dx=4, color=_TEXT)
        .encode(text=alt.Text("score:Q", format="+.3f"), x=alt.X("end:Q"))
        .transform_calculate(end="max(datum.score, 0)")
    )
    marks = bars.mark_bar(cornerRadius=3).encode(color=_colour())
    return _layers(table, marks, numbers)


def _classes(values: dict[str, float]) -> alt.Y:
    return alt.Y("class:N", sort=sorted(values, key=values.__getitem__, reverse=True), title=None)


def _percent() -> alt.Axis:
    return alt.Axis(format="%", tickCount=5)


def _colour() -> Any:
    return alt.condition("datum.is_answer", alt.value(_CHOSEN), alt.value(_OTHER))


def _layers(table: pd.DataFrame, *layers: alt.Chart) -> alt.LayerChart:
    return cast("alt.LayerChart", alt.layer(*layers).properties(height=36 * len(table) + 40))
