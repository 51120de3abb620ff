"""The health report of a data set: checking it, its findings, and what was excluded for them."""

import time
from collections import Counter

import pandas as pd
import plotly.express as px
import streamlit as st

from medrecog_core.datasets import Dataset, Finding, HealthReport, library
from medrecog_core.errors import MedrecogError
from medrecog_core.experiments import HealthCheck, find_health_check, launch_health_check
from medrecog_core.mode import is_viewer
from medrecog_core.ui.datasets.dataset_gallery import (
    excluded_paths,
    finding_name,
    first_page,
    open_image,
    picture_of,
)
from medrecog_core.ui.gallery import show_pictures
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted, duration

_MOST_PICTURES = 8
_BADGES = {"severe": ("red", "error"), "warning": ("orange", "warning"), "note": ("blue", "info")}


def show_health(dataset: Dataset, report: HealthReport | None) -> None:
    """Show the last report with its findings, or what to do to get one."""
    check = find_health_check(dataset.name)
    at_work = check is not None and check.is_at_work
    is_current = report is not None and report.fingerprint == dataset.fingerprint
    if at_work:
        _follow(dataset.name)
    else:
        if check is not None and check.error:
            st.error(literal(check.error), icon=":material/error:")
        elif check is not None and not check.ended:
            st.warning("The last check ended without a word.", icon=":material/power_off:")
        _offer_check(dataset, report, is_current)
    if report is not None:
        _show_report(dataset, report)
    _show_exclusions(dataset)


def _offer_check(dataset: Dataset, report: HealthReport | None, is_current: bool) -> None:
    if is_viewer():
        if not is_current:
            st.info(
                "This data set has not been checked"
                + (" yet." if report is None else " as it is now."),
                icon=":material/health_and_safety:",
            )
        return
    if report is None:
        st.info(
            "This data set has not been checked yet. The check looks for leaks between the splits, "
            "duplicates, images of no use, and for whatever gives the classes away without the "
            "picture.",
            icon=":material/health_and_safety:",
        )
    elif not is_current:
        st.info(
            "The data set is not as it was when it was checked: check it again.",
            icon=":material/history:",
        )
    st.button(
        "Check this data set" if report is None else "Check again",
        type="secondary" if is_current else "primary",
        icon=":material/health_and_safety:",
        on_click=_launch,
        args=(dataset.name,),
    )


def _follow(name: str) -> None:
    @st.fragment(run_every="1s")
    def follow() -> None:
        check = find_health_check(name)
        if check is None or not check.is_at_work:
            st.rerun()  # the whole page: there is a report, or an error
        else:
            _show_progress(check)

    follow()


def _show_progress(check: HealthCheck) -> None:
    words = literal(check.stage.capitalize())
    if not check.total:
        st.progress(0.0, text=f"{words} …")
        return
    st.progress(
        min(1.0, check.done / check.total), text=f"{words}: {check.done:,} of {check.total:,}"
    )


def _show_report(dataset: Dataset, report: HealthReport) -> None:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(report.checked))
    st.caption(
        f"{counted(report.n_images, 'image')} in use checked on {when}, in "
        f"{duration(report.seconds)}."
    )
    if not report.findings:
        st.success(
            "Nothing was found that flatters or spoils results.", icon=":material/check_circle:"
        )
    for finding in report.findings:
        if not finding.to_exclude or set(finding.to_exclude) - excluded_paths(dataset):
            _show_finding(dataset, finding, report)
    if report.n_expected_pairs:
        st.caption(
            f"{counted(report.n_expected_pairs, 'pair')} of images of one group look nearly the "
            "same, as one expects."
        )
    if report.finding("shortcuts") is None:
        with st.expander("Without the picture, the classes are hard to tell apart"):
            _show_shortcuts(report)


def _show_finding(dataset: Dataset, finding: Finding, report: HealthReport) -> None:
    color, icon = _BADGES[finding.severity]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(finding.severity, icon=f":material/{icon}:", color=color)  # type: ignore[arg-type]
            st.markdown(f"**{literal(finding.title)}**")
        st.markdown(literal(finding.words))
        if finding.kind == "shortcuts":
            _show_shortcuts(report)
        _show_finding_pictures(dataset, finding)
        with st.container(horizontal=True, vertical_alignment="center"):
            if finding.to_exclude and not is_viewer():
                st.button(
                    f"Exclude {counted(len(finding.to_exclude), 'image')}",
                    icon=":material/block:",
                    key=f"exclude-{finding.kind}",
                    on_click=_exclude,
                    args=(dataset.name, finding),
                )
            if finding.kind == "changed" and not is_viewer():
                st.button(
                    "Take in what is there now",
                    icon=":material/refresh:",
                    on_click=_launch,
                    args=(dataset.name, True),
                )
            if finding.images:
                st.button(
                    f"Show all {len(finding.images):,}" if len(finding.images) > 1 else "Show it",
                    icon=":material/photo_library:",
                    key=f"show-{finding.kind}",
                    type="tertiary",
                    on_click=_show_in_gallery,
                    args=(finding.kind,),
                )
        if finding.to_exclude and not is_viewer():
            st.caption(f"The rule: {literal(finding.rule)}. It can be undone below.")


def _show_finding_pictures(dataset: Dataset, finding: Finding) -> None:
    image_of = {image.path: image for image in dataset.every_image}
    note_of = dict(zip(finding.images, finding.notes, strict=False))
    ordered = [path for each in finding.sets for path in each] or list(finding.images)
    shown = list(dict.fromkeys(path for path in ordered if path in image_of))[:_MOST_PICTURES]
    if shown:
        show_pictures(
            [
                picture_of(dataset, image_of[path], note_of.get(path) or image_of[path].split)
                for path in shown
            ],
            f"finding-{finding.kind}",
            lambda picture: open_image(picture.path.relative_to(dataset.root).as_posix()),
        )


def _show_shortcuts(report: HealthReport) -> None:
    if not report.shortcuts:
        st.caption("The classes are too small to measure this.")
        return
    table = pd.DataFrame(
        [
            {
                "feature": s.feature,
                "balanced accuracy": s.balanced_accuracy,
                "AUC": s.auc,
                "guessing": s.chance_upper,
            }
            for s in report.shortcuts
        ]
    )
    figure = px.bar(
        table,
        y="feature",
        x="balanced accuracy",
        orientation="h",
        text_auto=".2f",
        hover_data={"AUC": ":.2f", "guessing": ":.2f"},
        range_x=[0, 1],
    )
    figure.add_scatter(
        y=table["feature"],
        x=table["guessing"],
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 16, "line": {"width": 3}},
        name="97.5 % of guesses are below",
    )
    figure.update_layout(
        height=320,
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        yaxis_title=None,
        legend={"orientation": "h", "title": None, "y": 1, "yanchor": "bottom"},
    )
    figure.update_yaxes(autorange="reversed")
    told = ", ".join(f"{s.feature} {s.balanced_accuracy:.2f}" for s in report.shortcuts)
    st.plotly_chart(
        figure,
        width="stretch",
        alt=f"Balanced accuracy of the class from the files alone: {told}; "
        f"chance {report.shortcuts[0].chance:.2f}.",
    )
    st.caption(
        f"Balanced accuracy of the class from these alone, on "
        f"{counted(report.shortcuts[0].n_images, 'image')}, cross-validated; guessing gives "
        f"{report.shortcuts[0].chance:.2f}."
    )


def _show_exclusions(dataset: Dataset) -> None:
    if not dataset.excluded:
        return
    st.subheader("Excluded images")
    counts = Counter((e.finding, e.reason) for e in dataset.excluded)
    for (finding, reason), n in sorted(counts.items()):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{counted(n, 'image')}**, {literal(finding_name(finding))}"
                + (f": {literal(reason)}" if reason else "")
            )
            if is_viewer():
                continue
            st.button(
                "Undo",
                icon=":material/undo:",
                key=f"include-{finding}-{reason}",
                on_click=_include,
                args=(
                    dataset.name,
                    tuple(
                        e.image.path
                        for e in dataset.excluded
                        if (e.finding, e.reason) == (finding, reason)
                    ),
                ),
            )
    st.button(
        "Show them",
        icon=":material/photo_library:",
        type="tertiary",
        on_click=_show_in_gallery,
        args=("excluded",),
    )


def _show_in_gallery(kind: str) -> None:
    st.session_state["view"] = "Images"
    st.session_state["finding"] = finding_name(kind)
    # The filter is not on the page yet, and Streamlit writes only what is into the address.
    st.query_params["finding"] = finding_name(kind)
    first_page()


def _launch(name: str, refresh: bool = False) -> None:
    try:
        launch_health_check(name, refresh)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")


def _exclude(name: str, finding: Finding) -> None:
    try:
        library.exclude(name, finding.to_exclude, finding.kind, finding.title)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
    else:
        # What is left is checked again, which is quick: every image is measured already.
        _launch(name)


def _include(name: str, paths: tuple[str, ...]) -> None:
    try:
        library.include(name, paths)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
    else:
        _launch(name)
