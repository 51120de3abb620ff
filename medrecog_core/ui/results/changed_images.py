"""The test images that one of two runs classifies correctly and the other does not."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from medrecog_core.runs import Run
from medrecog_core.runs.comparison import RunComparison
from medrecog_core.runs.run import cell_images
from medrecog_core.ui.gallery import Picture, show_gallery
from medrecog_core.ui.plain_text import literal

_PER_PAGE = 8


def show_changed_images(
    runs: Sequence[Run], found: RunComparison, titles: Mapping[str, str]
) -> None:
    """Show the images that changed between the first two runs, if they have the same test."""
    is_paired = any(
        {pair.one, pair.other} == {runs[0].id, runs[1].id} and pair.comparison is not None
        for pair in found.pairs
    )
    if not is_paired:
        return
    best = {each.run: each.best for each in found.runs}
    one, other = (
        {(i.path, i.rendering): i for i in cell_images(run, best[run.id])} for run in runs[:2]
    )
    first, second = (literal(titles[run.id]) for run in runs[:2])
    st.markdown("**Images that changed** between the best cells")
    for number, (good, bad, right, wrong) in enumerate(
        ((one, other, first, second), (other, one, second, first))
    ):
        changed = [
            bad[name]
            for name, image in good.items()
            if name in bad and image.is_right and not bad[name].is_right
        ]
        st.markdown(f"Right in {right}, wrong in {wrong}: {len(changed):,}")
        show_gallery(
            [
                Picture(
                    Path(image.path),
                    f"{image.label}, predicted {image.predicted}",
                    image.sha256,
                    image.rendering,
                )
                for image in changed
            ],
            key=f"changed{number}",
            per_page=_PER_PAGE,
        )
