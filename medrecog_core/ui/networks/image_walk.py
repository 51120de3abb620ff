"""The feature maps of an image in a layer, and the first filters of a network."""

import io

import numpy as np
import streamlit as st
from PIL import Image

from medrecog_core.datasets import demo
from medrecog_core.features import ImageWalk, StrongestMaps, first_filters
from medrecog_core.features.inspection import MAX_KEPT_BYTES, ORDERS
from medrecog_core.features.self_test import picture_file
from medrecog_core.images import (
    SUFFIXES,
    UnreadableImageError,
    decode_image,
    read_file,
    squeeze,
)
from medrecog_core.jobs.process import run_command
from medrecog_core.networks import Network, all_installed_weights, find_network
from medrecog_core.networks.map_layers import reached_map_layers
from medrecog_core.ui.choice import choose_setting
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import size

LESION, BUILT_IN, UPLOAD = "demo lesion", "built-in image", "my own image"
_FORMER_NAMES = {"built-in picture": BUILT_IN}  # in links

_TILE = 150
_TILE_PIXELS = 224
_AMBER = np.array([255, 176, 0])
_FILTERS_A_ROW = 16
_FILTER_PIXELS = 36
_GAP = 6


def show_image_walk(network: Network, scale: int) -> None:
    """Show the choice of an image and a layer, and the channels that respond most."""
    installed = all_installed_weights(network)
    if not installed:
        st.info(
            f"Install weights for {network.title} to compute feature maps.",
            icon=":material/lightbulb:",
        )
        return
    layers = [layer.name for layer in reached_map_layers(network, installed[0])]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        asked = st.query_params.get("picture", "")
        if asked in _FORMER_NAMES:
            st.query_params["picture"] = _FORMER_NAMES[asked]
        picture = choose_setting(
            "Image", [LESION, UPLOAD, BUILT_IN, *_demo_pictures()], key="picture", width=320
        )
        layer = choose_setting("Layer", layers, key=f"{network.name}-layer", width=240)
        order = choose_setting("Rank channels by", ORDERS, key="strongest", width=160)
    with shown_errors():
        try:
            content = _content(picture)
            if content is None:
                st.info("Upload an image to compute its feature maps.", icon=":material/upload:")
                return
            pixels = squeeze(decode_image(content), scale)
        except UnreadableImageError as error:
            st.error(f"The image cannot be used: {literal(error)}.", icon=":material/broken_image:")
            return
        found = _walked(ImageWalk(network.name, layer, scale, order), content)
        if found is None:
            st.image(pixels, width=_TILE_PIXELS, alt=f"{picture}, resized to a square")
        else:
            _show_maps(found, pixels, order)


def show_first_filters(network: Network) -> None:
    """Show the filters of the first convolution, if weights are installed."""
    installed = all_installed_weights(network)
    if not installed:
        st.info(
            f"Install weights for {network.title} to see its first filters.",
            icon=":material/lightbulb:",
        )
        return
    with shown_errors():
        layer, pictures = _filter_pictures(network.name, installed[0].identity)
        n, rows, columns, _ = pictures.shape
        st.image(
            _sheet(pictures),
            alt=f"The {n} filters of {layer}, each {rows} x {columns} pixels in colour",
        )
        st.caption(
            f"The {n} filters of `{layer}`, {rows} x {columns} weights of red, green and blue. "
            "Each filter is scaled by its own largest weight; mid-grey is zero."
        )


def _demo_pictures() -> list[str]:
    if not demo.is_drawn():
        return []
    return [image.path for image in demo.load().images]


@st.cache_data(max_entries=1, show_spinner=False)
def _lesion() -> bytes:
    """Return the first image of the demo, which may not have been drawn yet."""
    file = io.BytesIO()
    Image.fromarray(demo.draw(demo.demo_images()[0])).save(file, "png")
    return file.getvalue()


def _content(picture: str) -> bytes | None:
    if picture == LESION:
        return _lesion()
    if picture == BUILT_IN:
        return picture_file()
    if picture != UPLOAD:
        return read_file(demo.load().root / picture)
    upload = st.file_uploader(
        "Image file",
        type=sorted(suffix.removeprefix(".") for suffix in SUFFIXES),
        help="The image is not stored. Its feature maps, in which it may be recognisable, are "
        f"cached, up to {size(MAX_KEPT_BYTES)}.",
    )
    return upload.getvalue() if upload else None


def _walked(walk: ImageWalk, content: bytes) -> StrongestMaps | None:
    found = walk.kept(content)
    if found is not None:
        return found
    # After the first click, other layers are computed without another one.
    if not st.session_state.get("walks"):
        st.button(
            "Compute feature maps",
            type="primary",
            icon=":material/play_arrow:",
            on_click=st.session_state.__setitem__,
            args=("walks", True),
        )
        return None
    arguments = ["--network", walk.network_name, "--layer", walk.layer_name]
    arguments += ["--scale", str(walk.scale), "--by", walk.order]
    with st.spinner("Computing feature maps …"):
        run_command(["feature-maps", "-", *arguments], content)
    return walk.kept(content)


def _show_maps(found: StrongestMaps, pixels: np.ndarray, order: str) -> None:
    over = st.toggle("Overlay on image", key="over", bind="query-params")
    side = (_TILE_PIXELS, _TILE_PIXELS)
    image = Image.fromarray(pixels).resize(side, Image.Resampling.BILINEAR)
    with st.container(horizontal=True, gap="small"):
        with st.container(width=_TILE, gap="xxsmall"):
            st.image(image, width="stretch", alt="The image, resized to a square")
            st.caption("input image")
        for channel, mean, maximum, drawn in zip(
            found.channels, found.means, found.maxima, found.pictures(), strict=True
        ):
            tile = Image.fromarray(drawn).resize(side, Image.Resampling.NEAREST)
            words = f"channel {channel}: maximum {maximum:,.4g}, mean {mean:,.4g}"
            with st.container(width=_TILE, gap="xxsmall"):
                st.image(_over(image, tile) if over else tile, width="stretch", alt=words)
                st.caption(words)
    rows, columns = found.maps.shape[1:]
    st.caption(
        f"The {len(found.channels)} of {found.n_channels} channels with the largest {order}, "
        f"drawn at {rows} x {columns} positions; channels are counted from 0. Each is scaled by "
        "its own maximum: bright is the maximum, dark is zero or less. A channel's activation is "
        "not a clinical finding."
    )


def _over(image: Image.Image, tile: Image.Image) -> np.ndarray:
    grey = np.asarray(image.convert("L"), dtype=np.float32)[..., None]
    share = np.asarray(tile, dtype=np.float32)[..., None] / 255
    return np.asarray(0.6 * grey * (1 - share) + _AMBER * share).astype(np.uint8)


@st.cache_data(max_entries=8, show_spinner=False)
def _filter_pictures(network_name: str, identity: str) -> tuple[str, np.ndarray]:
    found = first_filters(find_network(network_name), identity)
    return found.layer, found.pictures()


def _sheet(pictures: np.ndarray) -> Image.Image:
    step = _FILTER_PIXELS + _GAP
    n_rows = -(-len(pictures) // _FILTERS_A_ROW)
    # Transparent gaps, for light and dark themes.
    sheet = Image.new("RGBA", (_FILTERS_A_ROW * step - _GAP, n_rows * step - _GAP))
    for i, pixels in enumerate(pictures):
        row, column = divmod(i, _FILTERS_A_ROW)
        filter_picture = Image.fromarray(pixels).resize(
            (_FILTER_PIXELS, _FILTER_PIXELS), Image.Resampling.NEAREST
        )
        sheet.paste(filter_picture, (column * step, row * step))
    return sheet
