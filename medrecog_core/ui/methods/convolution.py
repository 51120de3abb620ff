"""The lesson on a convolution and a max pooling, step by step on an image."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from medrecog_core.datasets import demo
from medrecog_core.errors import MedrecogError
from medrecog_core.features import first_filters
from medrecog_core.images import SUFFIXES, UnreadableImageError, decode_image, squeeze
from medrecog_core.networks import (
    DEFAULT_NETWORK,
    all_installed_weights,
    find_network,
    load_arrays,
)
from medrecog_core.networks.table import prepared_array
from medrecog_core.ui.chart import category_colours
from medrecog_core.ui.choice import choose_setting
from medrecog_core.ui.methods.lessons import show_sources
from medrecog_core.ui.methods.number_grid import Matrix, short, show_matrices
from medrecog_core.ui.plain_text import literal

SIDE = 64
"""Pixels of the image: few, so that single ones can be seen."""

LESION, UPLOAD = "demo lesion", "my own image"
_SHOWN = 256
_COLOURS = ("red", "green", "blue")
_BY_HAND = {
    "vertical edges": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "horizontal edges": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "blur": [[1 / 9] * 3] * 3,
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
}


@dataclass(frozen=True, eq=False)
class Filter:
    """A filter of 3 x 3 pixels.

    Attributes
    ----------
    weights
        Shape (3, 3, channels): one channel reads grey values, three read red, green and blue.
    bias
        Added to the sum.
    """

    weights: np.ndarray
    bias: float = 0.0

    def values(self, pixels: np.ndarray) -> np.ndarray:
        """Return what the filter reads of an RGB image, shape (rows, columns, channels)."""
        if self.weights.shape[2] == 1:
            return np.asarray(Image.fromarray(pixels).convert("L"), np.float32)[..., None]
        network = find_network(DEFAULT_NETWORK)
        values: np.ndarray = prepared_array(network.preprocessing, pixels[None])[0]
        return values[..., ::-1]  # Caffe's networks take blue first

    def patch(self, values: np.ndarray, row: int, column: int) -> np.ndarray:
        """Return the 3 x 3 values around a position; outside the image they are 0."""
        padded = np.pad(values, ((1, 1), (1, 1), (0, 0)))
        patch: np.ndarray = padded[row : row + 3, column : column + 3]
        return patch

    def convolve(self, values: np.ndarray) -> np.ndarray:
        """Return the map: the sum of products and the bias at each position, at least 0 (ReLU)."""
        padded = np.pad(values, ((1, 1), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
        sums = np.einsum("rcdij,ijd->rc", windows, self.weights) + self.bias
        rectified: np.ndarray = np.maximum(sums, 0)
        return rectified


def max_pool(feature_map: np.ndarray) -> np.ndarray:
    """Return the largest value of each 2 x 2 block of a map with even sides."""
    rows, columns = feature_map.shape
    largest: np.ndarray = feature_map.reshape(rows // 2, 2, columns // 2, 2).max(axis=(1, 3))
    return largest


def find_filter(name: str) -> Filter:
    """Return a filter by its name in the select box."""
    if name in _BY_HAND:
        return Filter(np.array(_BY_HAND[name], float)[..., None])
    network = find_network(DEFAULT_NETWORK)
    identity = all_installed_weights(network)[0].identity
    found = first_filters(network, identity)
    bias = load_arrays(network, identity, [found.layer])[found.layer][1]
    i = int(name.rpartition(" ")[2])
    return Filter(found.kernels[i], float(bias[i]))


def filter_names() -> list[str]:
    """Return the filters made by hand, then those of the network's first layer."""
    network = find_network(DEFAULT_NETWORK)
    if not all_installed_weights(network):
        return list(_BY_HAND)
    channels = next(row.channels for row in network.rows if row.arrays)
    return [*_BY_HAND, *(f"{network.title} filter {i}" for i in range(channels))]


def show_convolution() -> None:
    """Show the lesson."""
    st.markdown(
        "A **convolution** moves a small filter over the image. At each position, the pixels below "
        "the filter are multiplied by its weights and added up; a negative sum becomes 0 (ReLU). "
        "The sums form a map that is bright where the image looks like the filter. **Max pooling** "
        "keeps the largest value of each 2 x 2 block: the map becomes half as large, and it "
        "matters less where exactly something is."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = choose_setting("Image", [LESION, UPLOAD], key="conv-image", width=200)
        name = choose_setting("Filter", filter_names(), key="filter", width=240)
    pixels = _pixels(source)
    if pixels is None:
        return
    with st.container(horizontal=True):
        row = st.slider("Row", 0, SIDE - 1, 30, key="conv-row", bind="query-params")
        column = st.slider("Column", 0, SIDE - 1, 46, key="conv-column", bind="query-params")
    kernel = _filter(name)
    values = kernel.values(pixels)
    feature_map = kernel.convolve(values)
    _show_pictures(pixels, feature_map, row, column)
    _show_step(kernel, values, feature_map, row, column)
    _show_pooling(feature_map, row, column)
    show_sources(
        "LeCun et al. (1998), Gradient-based learning applied to document recognition",
        "Simonyan and Zisserman (2015), Very deep convolutional networks for large-scale image "
        "recognition",
    )


@st.cache_data(max_entries=1, show_spinner=False)
def _lesion() -> np.ndarray:
    return squeeze(Image.fromarray(demo.draw(demo.demo_images()[0])), SIDE)


@st.cache_data(max_entries=64, show_spinner=False)
def _filter(name: str) -> Filter:
    return find_filter(name)


def _pixels(source: str) -> np.ndarray | None:
    if source == LESION:
        return _lesion()
    upload = st.file_uploader(
        "Image file",
        type=sorted(suffix.removeprefix(".") for suffix in SUFFIXES),
        key="conv-file",
        help=f"Reduced to {SIDE} x {SIDE} pixels. The image is not stored.",
    )
    if upload is None:
        return None
    try:
        return squeeze(decode_image(upload.getvalue()), SIDE)
    except UnreadableImageError as error:
        raise MedrecogError(f"The image cannot be used: {error}. Choose another file.") from error


def _show_step(
    kernel: Filter, values: np.ndarray, feature_map: np.ndarray, row: int, column: int
) -> None:
    patch = kernel.patch(values, row, column)
    products = patch * kernel.weights
    channels = ("grey",) if patch.shape[2] == 1 else _COLOURS
    show_matrices(
        [
            [
                Matrix(f"pixels, {colour}", patch[..., k]),
                Matrix("times weights", kernel.weights[..., k]),
                Matrix("products", products[..., k]),
            ]
            for k, colour in enumerate(channels)
        ]
    )
    bias = f" + {short(kernel.bias)} (bias)" if kernel.bias else ""
    total = products.sum() + kernel.bias
    st.markdown(
        f"Sum of the products{bias} = **{short(total)}**; the map has "
        f"**{short(feature_map[row, column])}** there."
    )
    if len(channels) > 1:
        st.caption(
            "The network's filters read all three colours, after the mean colour of ImageNet was "
            "subtracted; deeper filters read all channels of the layer before. All sums of a "
            "filter form one map."
        )


def _show_pictures(pixels: np.ndarray, feature_map: np.ndarray, row: int, column: int) -> None:
    pooled = max_pool(feature_map)
    pictures = (
        ("image", pixels, (row - 1, column - 1, 3)),
        (f"map, {SIDE} x {SIDE}", _bright(feature_map), (row, column, 1)),
        (f"pooled map, {SIDE // 2} x {SIDE // 2}", _bright(pooled), (row // 2, column // 2, 1)),
    )
    with st.container(horizontal=True):
        for words, picture, square in pictures:
            with st.container(width=_SHOWN, gap="xxsmall"):
                st.image(_marked(picture, square), width="stretch", alt=words)
                st.caption(literal(words))
    st.caption(
        "The brightest value of a map is white, and 0 is black. Outside the image, values count as "
        "0, as in VGG-19, which can make the edge of a map bright."
    )


def _bright(feature_map: np.ndarray) -> np.ndarray:
    """Return a map as a grey picture: its maximum is white, 0 is black."""
    largest = feature_map.max()
    shares = feature_map / largest if largest > 0 else feature_map
    return np.asarray(shares * 255).round().astype(np.uint8)


def _marked(pixels: np.ndarray, square: tuple[int, int, int]) -> Image.Image:
    """Enlarge a picture and draw a square of so many pixels, from its row and column."""
    image = Image.fromarray(pixels).convert("RGB")
    image = image.resize((_SHOWN, _SHOWN), Image.Resampling.NEAREST)
    row, column, side = (_SHOWN // len(pixels) * number for number in square)
    for out in (1, 2):
        frame = (column - out, row - out, column + side + out - 1, row + side + out - 1)
        ImageDraw.Draw(image).rectangle(frame, outline=category_colours()[1])
    return image


def _show_pooling(feature_map: np.ndarray, row: int, column: int) -> None:
    top, left = row // 2 * 2, column // 2 * 2
    block = feature_map[top : top + 2, left : left + 2]
    i, j = np.unravel_index(block.argmax(), block.shape)
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        show_matrices([[Matrix("2 x 2 block", block, {(int(i), int(j))})]])
        st.markdown(
            f"Of the block of the map at rows {top} and {top + 1}, columns {left} and {left + 1}, "
            f"max pooling keeps **{short(block.max())}**."
        )
