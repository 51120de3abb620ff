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

HOW = (
    "Every position of the layer's map adds its part to the score; the parts and the bias "
    "sum to it exactly. "
    + " ".join(
        f"With {pooling.title} pooling, {pooling.sharing}."
        for pooling in GLOBAL_POOLINGS.values()
        if pooling.has_evidence
    )
    + " The image's own length, by which L2 normalisation divides, is a factor that all positions "
    "share. Of a fusion, the maps of all its cells are laid over each other."
)


def show_evidence(explained: ExplainedImage, label: str, name: str, key: str) -> None:
    """Draw what speaks for and against a class, with a choice of the class."""
    classes = explained.classes
    with st.container(horizontal=True):
        chosen = st.selectbox(
            "What speaks for", classes, index=classes.index(label), key=key, width=200, help=HOW
        )
        cover = st.slider("Cover", 0.0, 1.0, _MOST_COVER, 0.1, key=f"cover {key}", width=160)
    position = classes.index(chosen)
    parts = explained.evidence.contributions[:, :, position]
    st.image(
        draw_evidence(explained.pixels, parts, cover),
        width="stretch",
        alt=f"{name} with the places that speak for {chosen} in teal and against it in orange",
    )
    for_it, against = parts[parts > 0].sum(), parts[parts < 0].sum()
    bias = explained.evidence.biases[position]
    st.caption(
        f"Teal speaks for {literal(chosen)} ({for_it:+.3f}), orange against it "
        f"({against:+.3f}); with the bias ({bias:+.3f}) that makes the score "
        f"{parts.sum() + bias:+.3f}. {parts.shape[0]} x {parts.shape[1]} positions. It shows what "
        "the classifier counted, not where a disease is."
    )


def draw_evidence(
    pixels: np.ndarray, parts: np.ndarray, most_cover: float = _MOST_COVER
) -> Image.Image:
    """Return the image in grey under the evidence."""
    height, width = pixels.shape[:2]
    shrink = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    grey = Image.fromarray(pixels).convert("L").convert("RGB").resize(size)
    largest = float(np.abs(parts).max()) or 1.0
    spread = Image.fromarray((parts / largest).astype(np.float32), mode="F")
    strength = np.asarray(spread.resize(size, Image.Resampling.BICUBIC))[..., None]
    colour = np.where(strength > 0, np.array(_FOR), np.array(_AGAINST))
    cover = np.clip(np.abs(strength), 0, 1) * most_cover
    mixed = np.asarray(grey) * (1 - cover) + colour * cover
    return Image.fromarray(mixed.round().astype(np.uint8))
