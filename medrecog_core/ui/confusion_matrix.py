"""The confusion matrix of a cell."""

import plotly.graph_objects as go
import streamlit as st

from medrecog_core.classification import Metrics


def show_confusion_matrix(metrics: Metrics) -> None:
    """Draw counts of true against predicted classes; colours are shares of the true class."""
    labels = [c.label for c in metrics.classes]
    shares = [[n / max(1, sum(row)) for n in row] for row in metrics.confusion]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=labels,
            y=labels,
            text=metrics.confusion,
            texttemplate="%{text}" if len(labels) <= 20 else None,
            hovertemplate="true %{y}<br>predicted %{x}<br>%{text} images, %{z:.1%}<extra></extra>",
            colorscale=[[0, "#e3f0f1"], [1, "#0f6a73"]],
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=2,
            ygap=2,
        )
    )
    figure.update_layout(
        height=max(300, 34 * len(labels) + 150),
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        xaxis={"title": "predicted", "type": "category"},
        yaxis={"title": "true", "type": "category", "autorange": "reversed"},
    )
    rows = (f"{k} {list(row)}" for k, row in zip(labels, metrics.confusion, strict=True))
    st.plotly_chart(
        figure, width="stretch", alt=f"Confusion matrix, a row a true class: {'; '.join(rows)}"
    )
