"""Renderings of every kind, for property tests."""

from hypothesis import strategies as st

from medrecog_core.images import Rendering
from medrecog_core.images.rendering import AXES, FIRST, MIDDLE

WINDOWS = st.tuples(st.integers(-5_000, 70_000) | st.floats(-1e6, 1e6), st.floats(1e-3, 1e5)).map(
    lambda drawn: (drawn[0], drawn[0] + drawn[1])
)


@st.composite
def _renderings(draw):
    window = draw(st.none() | WINDOWS)
    return Rendering(
        window,
        window is not None and draw(st.booleans()),
        draw(st.sampled_from([FIRST, MIDDLE]) | st.integers(0, 500)),
        draw(st.sampled_from(AXES)),
        draw(st.none() | st.integers(0, 20)),
    )


RENDERINGS = _renderings()
