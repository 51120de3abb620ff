"""The evidence for a class, drawn over the image."""

import numpy as np
import streamlit as st
from PIL import Image

from medrecog_core.features import GLOBAL_POOLINGS
from medrecog_core.models import ExplainedImage
from medrecog_core.ui.plain_text import literal

_FOR, _AGAINST = (15, 139, 141), (217, 130, 43)
_MOST_COVER = 0.8
_SIDE = 640
_MID_GREY, _BAR_HEIGHT = 128, 24

HOW = (
    "Every position of the layer contributes to the score; the contributions and the bias add up "
    "to it exactly. "
    + " ".join(
        f"With {pooling.title} pooling, {pooling.sharing}."
        for pooling in GLOBAL_POOLINGS.values()
        if pooling.has_evidence
    )
    + " L2 normalisation divides all contributions by the same number. For a fusion, the maps of "
    "its cells are overlaid."
)


def show_evidence(explained: ExplainedImage, label: str, name: str, key: str) -> None:
    """Draw the evidence for and against a class with a colour bar, and a choice of the class."""
    classes = explained.classes
    map_, bar, caption = st.container(), st.container(), st.container()
    with st.container(horizontal=True):
        chosen = st.selectbox(
            "Evidence for class", classes, index=classes.index(label), key=key, width=200, help=HOW
        )
        cover = st.slider(
            "Overlay opacity", 0.0, 1.0, _MOST_COVER, 0.1, key=f"cover {key}", width=160
        )
    position = classes.index(chosen)
    parts = explained.evidence.contributions[:, :, position]
    map_.image(
        draw_evidence(explained.pixels, parts, cover),
        width="stretch",
        alt=f"{name} with evidence for {chosen} in teal and against it in orange",
    )
    largest = _largest(parts)
    with bar, st.container(gap="xxsmall"):
        st.image(
            draw_colour_bar(cover),
            width="stretch",
            alt="Colour bar from orange, evidence against the class, to teal, evidence for it",
        )
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            for end in (f"against {-largest:+.2g}", "0 per position", f"for {largest:+.2g}"):
                st.caption(end, width="content")
    for_it, against = parts[parts > 0].sum(), parts[parts < 0].sum()
    bias = explained.evidence.biases[position]
    caption.caption(
        f"Teal: supports {literal(chosen)} ({for_it:+.3f}). Orange: against ({against:+.3f}). Bias "
        f"{bias:+.3f}, total score {parts.sum() + bias:+.3f}. {parts.shape[0]} x {parts.shape[1]} "
        "positions. It shows what influenced the classifier, not where disease is located."
    )


def draw_evidence(
    pixels: np.ndarray, parts: np.ndarray, most_cover: float = _MOST_COVER
) -> Image.Image:
    """Return the image in grey with the evidence as an overlay."""
    height, width = pixels.shape[:2]
    shrink = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    grey = Image.fromarray(pixels).convert("L").convert("RGB").resize(size)
    spread = Image.fromarray((parts / _largest(parts)).astype(np.float32), mode="F")
    strength = np.asarray(spread.resize(size, Image.Resampling.BICUBIC))
    return Image.fromarray(_mixed(np.asarray(grey), strength, most_cover))


def draw_colour_bar(most_cover: float = _MOST_COVER) -> Image.Image:
    """Return the colours over mid-grey, from the strongest against to the strongest for a class."""
    strength = np.tile(np.linspace(-1, 1, _SIDE), (_BAR_HEIGHT, 1))
    grey = np.full((*strength.shape, 3), _MID_GREY)
    return Image.fromarray(_mixed(grey, strength, most_cover))


def _largest(parts: np.ndarray) -> float:
    return float(np.abs(parts).max()) or 1.0


def _mixed(grey: np.ndarray, strength: np.ndarray, most_cover: float) -> np.ndarray:
    """Return uint8 colours over grey, which is rows x columns x 3; strength is from -1 to 1."""
    strength = strength[..., None]
    colour = np.where(strength > 0, np.array(_FOR), np.array(_AGAINST))
    cover = np.clip(np.abs(strength), 0, 1) * most_cover
    mixed: np.ndarray = (grey * (1 - cover) + colour * cover).round().astype(np.uint8)
    return mixed
