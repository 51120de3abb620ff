"""A measure of a cell in sub-groups: by sex, age, site or another column of the table."""

import altair as alt
import pandas as pd
import streamlit as st
from altair.typing import ChartType

from medrecog_core.classification.subgroups import LEAST_UNITS
from medrecog_core.reports.measures import MEASURES
from medrecog_core.runs import CellResult, Run
from medrecog_core.runs.subgroups import SubgroupResult
from medrecog_core.ui.chart import show_chart, theme_colour
from medrecog_core.ui.choice import choose_setting
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.results.class_table import interval_words
from medrecog_core.ui.results.kept_results import load_columns, load_subgroups

_ROW = 34


def show_subgroups(run: Run, result: CellResult, measure: str) -> None:
    """Show the choice of a column, the measure in its sub-groups, and the largest gap."""
    columns = load_columns(run)
    if not columns:
        st.info(
            "The data set of this run has no columns for sub-groups. Import it with a table that "
            "has columns such as sex, age or site.",
            icon=":material/table_view:",
        )
        return
    column = choose_setting("Column", list(columns), key="column", width=240)
    found = load_subgroups(run, result, column, measure)
    title = next(title for title, name in MEASURES.items() if name == measure)
    st.markdown(f"**{title} by {literal(column)}**, with 95 % confidence intervals")
    st.markdown(literal(found.words))
    told = [each for each in found.subgroups if each.estimate is not None]
    if told:
        show_chart(
            _draw(found, title, theme_colour("primaryColor")),
            width="stretch",
            alt=f"{title} of the sub-groups with 95 % confidence intervals",
        )
    st.dataframe(
        [
            {
                column: each.name,
                title: interval_words(each.estimate),
                "test images": each.n_images,
                "independent": each.n_units,
            }
            for each in found.subgroups
        ],
        hide_index=True,
        column_config={
            "independent": st.column_config.NumberColumn(
                help="Number of groups (patients, lesions); an image without a group counts as "
                "one. The confidence intervals resample these."
            )
        },
        alt=f"{title} by {column}",
    )
    st.caption(
        f"Sub-groups with fewer than {LEAST_UNITS} groups and images without a value are not "
        "compared. The correction is for the pairs of this column and measure only: every further "
        "column or measure is another look. Sub-groups with different shares of the classes can "
        "differ for that reason alone."
    )


def _draw(found: SubgroupResult, title: str, colour: str) -> ChartType:
    table = pd.DataFrame(
        [
            {
                "name": each.name,
                "value": each.estimate.value,
                "low": each.estimate.low,
                "high": each.estimate.high,
                "images": each.n_images,
                "independent": each.n_units,
            }
            for each in found.subgroups
            if each.estimate is not None
        ]
    )
    base = alt.Chart(table).encode(
        y=alt.Y("name:N", sort=list(table["name"]), title=None),
        tooltip=[
            alt.Tooltip("name:N", title="sub-group"),
            alt.Tooltip("value:Q", format=".3f"),
            alt.Tooltip("low:Q", format=".3f"),
            alt.Tooltip("high:Q", format=".3f"),
            alt.Tooltip("images:Q"),
            alt.Tooltip("independent:Q"),
        ],
    )
    scale = alt.Scale(domain=[0, 1])
    lines = base.mark_rule(strokeWidth=2, color=colour).encode(
        x=alt.X("low:Q", scale=scale, title=title), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=80, color=colour, opacity=1).encode(
        x=alt.X("value:Q", scale=scale, title=title)
    )
    return alt.layer(lines, points).properties(height=_ROW * len(table) + 50)
