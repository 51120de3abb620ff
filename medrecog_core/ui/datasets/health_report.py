"""The health report of a data set: its findings, their remedies, and excluded images."""

import time
from collections import Counter

import altair as alt
import pandas as pd
import streamlit as st

from medrecog_core.datasets import Dataset, Finding, HealthReport, apply_remedy, library
from medrecog_core.datasets.exclusions import CLASS_CHOICE, read_choice
from medrecog_core.datasets.health.check import start_health_check
from medrecog_core.errors import MedrecogError
from medrecog_core.jobs.job import last_job
from medrecog_core.jobs.kinds import CHECK
from medrecog_core.mode import is_viewer
from medrecog_core.reports.figures.colours import ink_on
from medrecog_core.ui.chart import category_colours, show_chart
from medrecog_core.ui.datasets.copied_images import (
    is_of_copies,
    show_last_decision,
    show_sets,
    undecided,
)
from medrecog_core.ui.datasets.dataset_gallery import (
    IMAGES,
    VIEW,
    finding_name,
    first_page,
    open_image,
    picture_of,
)
from medrecog_core.ui.datasets.decision_widgets import named_decisions, on_page
from medrecog_core.ui.datasets.reviewed_labels import show_reviewed_labels
from medrecog_core.ui.gallery import show_pictures
from medrecog_core.ui.jobs import show_job
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted, duration

_MOST_PICTURES = 8
_MOST_FILES = 1000
_BADGES = {"severe": ("red", "error"), "warning": ("orange", "warning"), "note": ("blue", "info")}


def show_health(dataset: Dataset, report: HealthReport | None) -> None:
    """Show the last report and its findings, or how to start a check."""
    check = last_job(CHECK, dataset.name)
    is_current = report is not None and report.fingerprint == dataset.fingerprint
    if check is not None and check.state().status != "finished":
        show_job(check)
    if check is None or check.state().has_ended:
        _offer_check(dataset, report, is_current)
    if report is not None:
        _show_report(dataset, report)
    _show_merged_classes(dataset)
    show_reviewed_labels(dataset)
    _show_exclusions(dataset)


def images_of_findings(report: HealthReport | None) -> list[str]:
    """Return the paths of the images of all findings, in the order in which they are shown."""
    findings = report.findings if report else ()
    return list(dict.fromkeys(path for finding in findings for path in finding.images))


def _offer_check(dataset: Dataset, report: HealthReport | None, is_current: bool) -> None:
    if is_viewer():
        if not is_current:
            st.info(
                "Not checked yet."
                if report is None
                else "The data set has changed since the last check.",
                icon=":material/health_and_safety:",
            )
        return
    if report is None:
        st.info(
            "Not checked yet. The check looks for leakage between splits, duplicates, unusable "
            "images, problems with classes and groups, and file properties that reveal the class "
            "(shortcuts).",
            icon=":material/health_and_safety:",
        )
    elif not is_current:
        st.info(
            "The data set has changed since the last check. Check it again.",
            icon=":material/history:",
        )
    st.button(
        "Check this data set" if report is None else "Check again",
        type="secondary" if is_current else "primary",
        icon=":material/health_and_safety:",
        on_click=_launch,
        args=(dataset.name,),
    )


def _show_report(dataset: Dataset, report: HealthReport) -> None:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(report.checked))
    st.caption(
        f"Checked {counted(report.n_images, 'image')} on {when} in {duration(report.seconds)}."
    )
    if not report.findings:
        st.success("No problems found.", icon=":material/check_circle:")
    show_last_decision(dataset)
    for finding in report.findings:
        if is_of_copies(finding):
            left = undecided(finding, dataset)
            if left.sets:
                _show_finding(dataset, left, report)
        elif finding.remedy is None or not finding.remedy.is_done(dataset):
            _show_finding(dataset, finding, report)
    if report.n_expected_pairs:
        n = report.n_expected_pairs
        st.caption(
            f"{counted(n, 'pair')} of near-duplicates {'is' if n == 1 else 'are'} within one "
            "group, as expected."
        )
    if report.n_unlisted_pairs:
        n = report.n_unlisted_pairs
        st.caption(
            f"{counted(n, 'pair')} of near-duplicates {'is' if n == 1 else 'are'} not listed on "
            "the pages of the images. Of an image with many near-copies, only the first are listed."
        )
    if report.finding("shortcuts") is None:
        with st.expander("No shortcuts: file properties alone do not predict the class"):
            _show_shortcuts(report)


def _show_finding(dataset: Dataset, finding: Finding, report: HealthReport) -> None:
    color, icon = _BADGES[finding.severity]
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(finding.severity, icon=f":material/{icon}:", color=color)  # type: ignore[arg-type]
            st.markdown(f"**{literal(finding.title)}**")
        st.markdown(literal(on_page(finding.words)))
        if named_decisions(finding.words):
            st.caption("To change these options, add the images again as another data set.")
        if finding.kind == "shortcuts":
            _show_shortcuts(report)
        if is_of_copies(finding):
            show_sets(dataset, finding)
        else:
            _show_finding_pictures(dataset, finding)
        with st.container(horizontal=True, vertical_alignment="center"):
            if finding.remedy and library.is_changeable(dataset.name):
                st.button(
                    literal(finding.remedy.label),
                    icon=":material/merge:" if finding.remedy.merges else ":material/block:",
                    key=f"exclude-{finding.kind}",
                    on_click=_apply,
                    args=(dataset.name, finding),
                )
            if finding.kind == "changed" and library.is_changeable(dataset.name):
                st.button(
                    "Update index",
                    icon=":material/refresh:",
                    on_click=_launch,
                    args=(dataset.name, True),
                )
            if finding.images:
                st.button(
                    f"Show all {len(finding.images):,}"
                    if len(finding.images) > 1
                    else "Show image",
                    icon=":material/photo_library:",
                    key=f"show-{finding.kind}",
                    type="tertiary",
                    on_click=_show_in_gallery,
                    args=(finding.kind,),
                )
        _show_files(finding)
        if library.is_changeable(dataset.name):
            _show_remedy(finding)


def _show_remedy(finding: Finding) -> None:
    if finding.remedy:
        undo = (
            "You can restore the classes below."
            if finding.remedy.merges
            else f"You can restore {'it' if len(finding.remedy.images) == 1 else 'them'} below."
        )
        st.caption(f"{literal(finding.remedy.words)} {undo}")
    if finding.refusal:
        st.caption(literal(finding.refusal))
    if finding.kind == "changed":
        return  # its button is the remedy
    for advice in finding.advice:
        st.caption(literal(on_page(advice.words)))
        if advice.command:
            with st.expander("Command line"):
                st.code(advice.command, language="bash", wrap_lines=True)


def _show_files(finding: Finding) -> None:
    if finding.files:
        with st.expander(f"{counted(len(finding.files), 'file or row', 'files or rows')}"):
            st.dataframe(
                [{"file or row": file} for file in finding.files[:_MOST_FILES]], hide_index=True
            )


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
        st.caption("Not enough images per class to test for shortcuts.")
        return
    table = pd.DataFrame(
        [
            {
                "property": s.feature,
                "balanced accuracy": s.balanced_accuracy,
                "AUC": s.auc,
                "chance": s.chance_upper,
            }
            for s in report.shortcuts
        ]
    )
    order = list(table["property"])
    measure, limit = "balanced accuracy", "97.5th percentile of chance"
    scale = alt.Scale(domain=[measure, limit])
    legend = alt.Legend(orient="top", title=None, labelLimit=0, columns=1)
    axis = alt.Axis(tickCount=5)
    rows = alt.Chart(table.assign(measure=measure, limit=limit)).encode(
        y=alt.Y("property:N", sort=order, title=None),
        x=alt.X("balanced accuracy:Q", title=measure, scale=alt.Scale(domain=[0, 1]), axis=axis),
        tooltip=[
            "property:N",
            *(alt.Tooltip(f"{name}:Q", format=".2f") for name in table.columns[1:]),
        ],
    )
    on_bar = ink_on(category_colours()[0])
    drawn = alt.layer(
        rows.mark_bar().encode(color=alt.Color("measure:N", scale=scale, legend=legend)),
        rows.mark_text(align="right", dx=-4, color=on_bar).encode(
            text=alt.Text("balanced accuracy:Q", format=".2f")
        ),
        rows.mark_tick(thickness=3, size=20, opacity=1).encode(
            x=alt.X("chance:Q", title=measure, axis=axis),
            color=alt.Color("limit:N", scale=scale, legend=legend),
        ),
    )
    values = ", ".join(f"{s.feature} {s.balanced_accuracy:.2f}" for s in report.shortcuts)
    show_chart(
        drawn.properties(height=110 + 30 * len(order)),
        width="stretch",
        alt=f"Balanced accuracy of classifiers that see only file properties: {values}; "
        f"chance {report.shortcuts[0].chance:.2f}.",
    )
    st.caption(
        "Balanced accuracy of a classifier that sees only this file property (cross-validated, "
        f"n = {counted(report.shortcuts[0].n_images, 'image')}); chance = "
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
            if not library.is_changeable(dataset.name):
                continue
            if finding == CLASS_CHOICE:
                # All changes of classes are restored together.
                st.button(
                    "Restore classes",
                    icon=":material/undo:",
                    key=f"restore-classes-{reason}",
                    on_click=_restore_classes,
                    args=(dataset.name,),
                )
                continue
            st.button(
                "Restore",
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
        "Show excluded images",
        icon=":material/photo_library:",
        type="tertiary",
        on_click=_show_in_gallery,
        args=("excluded",),
    )


def _show_merged_classes(dataset: Dataset) -> None:
    names = read_choice(library.folder_of(dataset.name)).names
    if not names:
        return
    st.subheader("Merged classes")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            ", ".join(f"{literal(old)} → {literal(new)}" for old, new in sorted(names.items()))
        )
        if library.is_changeable(dataset.name):
            st.button(
                "Restore classes",
                icon=":material/undo:",
                key="restore-classes",
                help="Restores every class as it was imported.",
                on_click=_restore_classes,
                args=(dataset.name,),
            )


def _show_in_gallery(kind: str) -> None:
    st.session_state[VIEW] = IMAGES
    st.session_state["finding"] = finding_name(kind)
    first_page()


def _launch(name: str, refresh: bool = False) -> None:
    try:
        start_health_check(name, refresh)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")


def _apply(name: str, finding: Finding) -> None:
    try:
        apply_remedy(name, finding)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
    else:
        # Quick, because every image was measured before.
        _launch(name)


def _include(name: str, paths: tuple[str, ...]) -> None:
    try:
        library.include(name, paths)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
    else:
        _launch(name)


def _restore_classes(name: str) -> None:
    try:
        library.restore_classes(name)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
    else:
        _launch(name)
