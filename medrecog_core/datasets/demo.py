"""The built-in demo data set: synthetic dermoscopy-like pictures, drawn at its first use.

The program draws them from seeds. They are synthetic: they are not of patients and carry no
diagnosis. They exist so that the program can be tried and tested without other data.

The four classes are names of dermoscopic patterns. The class only affects how the pigment of a
lesion is arranged. Colours, size, position, contrast and lighting come from the same distributions
for every class, so the average colour or a thumbnail says little about the class.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from medrecog_core.datasets.dataset import Dataset, ImageRecord
from medrecog_core.errors import StorageError
from medrecog_core.jobs.locks import waited_for
from medrecog_core.locations import cache_folder, create_folder, unwritable

CLASSES: tuple[str, ...] = ("globular", "homogeneous", "reticular", "starburst")
IMAGES_PER_CLASS = 60
SIDE = 256  # pixels

_LESIONS_PER_CLASS = 40
_LESIONS_SEEN_TWICE = IMAGES_PER_CLASS - _LESIONS_PER_CLASS
_SEED = 20240607
# Lengths on the skin are in lesion units, of 86 to 116 pixels; lesions have a radius of about 0.75.
_REACH = 2.8  # no view shows anything further from the centre of the lesion

_PAINTERS = min(4, os.cpu_count() or 1)

_Field = NDArray[np.floating]
_Random = np.random.Generator
NAME = "demo"
LAYOUT = "synthetic dermoscopy-like pictures, drawn by the program; none shows a patient"


@dataclass(frozen=True)
class DemoImage:
    """One synthetic image, not yet generated.

    Parameters
    ----------
    label
        Class of the picture, one of `CLASSES`.
    lesion
        Group, e.g. ``"reticular-lesion07"``: pictures of one lesion stay on one side of a split.
    view
        1 or 2: which photograph of the lesion this is.
    """

    label: str
    lesion: str
    view: int

    @property
    def name(self) -> str:
        """File name, e.g. ``"reticular-lesion07-view2.png"``."""
        return f"{self.lesion}-view{self.view}.png"


def demo_images() -> tuple[DemoImage, ...]:
    """List the pictures of the demo data set, without drawing them.

    Returns
    -------
    tuple of DemoImage
        240 pictures, ordered by class, then lesion, then view.  In each class 20 lesions have two
        views and 20 lesions have one.
    """
    return tuple(
        DemoImage(label, f"{label}-lesion{number:02d}", view)
        for label in CLASSES
        for number in range(1, _LESIONS_PER_CLASS + 1)
        for view in ((1, 2) if number <= _LESIONS_SEEN_TWICE else (1,))
    )


def draw(image: DemoImage) -> NDArray[np.uint8]:
    """Draw one synthetic picture.

    The two views of a lesion share its outline, pigment and skin; they differ in rotation,
    distance, position, lighting, focus, noise, hairs and air bubbles.

    Parameters
    ----------
    image
        A picture listed by `demo_images`; any other raises `ValueError`.

    Returns
    -------
    ndarray of uint8, shape (256, 256, 3)
        RGB values, 0 to 255.  The same at every call and, up to rounding, on every machine.
    """
    if image not in demo_images():
        raise ValueError(f"not a picture of the demo data set: {image.name}")
    of_lesion, of_view = _random(image, 0), _random(image, image.view)
    frame = _Frame.drawn(of_view, image.view)
    colour = _skin(of_lesion, frame) * _transmission(image.label, of_lesion, frame)
    return _photograph(colour, of_view)


def _random(image: DemoImage, stream: int) -> _Random:
    number = int(image.lesion[-2:])
    seeds = np.random.SeedSequence((_SEED, CLASSES.index(image.label), number, stream))
    return np.random.Generator(np.random.PCG64(seeds))


@dataclass(frozen=True)
class _Frame:
    """What a view shows: the affine map from pixels to lesion units, shape (2, 3)."""

    affine: _Field

    @classmethod
    def drawn(cls, rng: _Random, view: int) -> _Frame:
        # The second view is always visibly rotated against the first.
        turned = _rotation(2.4 * view + rng.uniform(-0.8, 0.8)) / rng.uniform(86, 116)
        centre = SIDE / 2 + rng.uniform(-14, 14, size=(2, 1))
        return cls(np.hstack([turned, -turned @ centre]))

    def noise(self, rng: _Random, cell: float) -> _Field:
        """Smooth noise fixed to the skin, about unit variance, with features of size `cell`."""
        cells = int(np.ceil(2 * _REACH / cell)) + 4
        grid = Image.fromarray(rng.standard_normal((cells, cells), dtype=np.float32))
        # Each layer gets its own direction, so that the grids of several never line up.
        affine = _rotation(rng.uniform(0, 2 * np.pi)) @ self.affine / cell
        affine[:, 2] += cells / 2
        # Coarse noise is as smooth when enlarged, and much faster.
        shrink = 4 if cell >= 0.2 else 2 if cell >= 0.1 else 1
        affine[:, :2] *= shrink
        size, cubic = (SIDE // shrink, SIDE // shrink), Image.Resampling.BICUBIC
        seen = grid.transform(size, Image.Transform.AFFINE, affine.ravel().tolist(), cubic)
        return np.asarray(seen.resize((SIDE, SIDE), cubic)) * np.float32(1.3)


def _rotation(angle: float) -> _Field:
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _smooth_step(value: _Field) -> _Field:
    return 0.5 + 0.5 * np.tanh(value)


def _peak(value: _Field) -> _Field:
    return np.exp(-np.square(value))


def _tinted(field: _Field, red: float, green: float, blue: float) -> _Field:
    return np.multiply.outer(field.astype(np.float32), np.array([red, green, blue], np.float32))


def _skin(rng: _Random, frame: _Frame) -> _Field:
    """Skin without the lesion: tone, blotches of blood and tan, furrows, grain and pores."""
    tone = np.array([0.89, 0.715, 0.62]) + rng.uniform(-1, 1) * np.array([0.02, 0.05, 0.06])
    blood = 0.6 * frame.noise(rng, 0.6) + 0.4 * frame.noise(rng, 0.2)
    furrows = _peak(frame.noise(rng, 0.13) / 0.22) + _peak(frame.noise(rng, 0.075) / 0.25)
    grain = frame.noise(rng, 0.03) + frame.noise(rng, 0.055)
    pores = rng.uniform(-0.1, 0.2) * np.clip(frame.noise(rng, 0.065) - 2, 0, 0.8)
    absorbed = _tinted(rng.uniform(0.02, 0.05) * blood, 0.25, 1.0, 0.8)
    absorbed += _tinted(rng.uniform(0.01, 0.03) * frame.noise(rng, 0.35), 0.5, 0.9, 1.2)
    absorbed += _tinted(rng.uniform(0.01, 0.03) * furrows, 0.7, 1.0, 1.0)
    absorbed += _tinted(rng.uniform(0.009, 0.016) * grain + pores, 0.8, 1.0, 1.0)
    return tone.astype(np.float32) * np.exp(-absorbed)


@dataclass(frozen=True)
class _Lesion:
    """Geometry of a lesion at every pixel, shared by the patterns."""

    place: _Field  # slightly warped lesion units, shape (SIDE, SIDE, 2)
    depth: _Field  # distance from the centre over the distance of the border: 1 at the border
    mask: _Field  # 0 outside, 1 inside


def _lesion(rng: _Random, frame: _Frame) -> _Lesion:
    row, column = np.mgrid[:SIDE, :SIDE].astype(np.float32) + 0.5
    bend = rng.uniform(0.015, 0.045)
    x, y = (
        a * column + b * row + c + bend * frame.noise(rng, 0.4) + 0.006 * frame.noise(rng, 0.1)
        for a, b, c in frame.affine.tolist()
    )
    turn = np.arctan2(y, x)
    border = np.full_like(turn, rng.uniform(0.66, 0.84))
    for wave in range(2, 8):
        border *= 1 + rng.normal(0, 0.15 / wave) * np.cos(wave * turn + rng.uniform(0, 2 * np.pi))
    border *= 1 + rng.uniform(0.005, 0.035) * frame.noise(rng, 0.12)
    depth = np.hypot(x, y) / border
    return _Lesion(np.dstack([x, y]), depth, _smooth_step((1 - depth) / rng.uniform(0.05, 0.15)))


def _nearest_points(
    rng: _Random, lesion: _Lesion, spacing: float, jitter: float
) -> tuple[_Field, NDArray[np.int64], int]:
    """Scatter points on a disturbed hexagonal grid, and find the nearest ones of every pixel.

    Returns the distances to the two nearest, the index of the nearest and the number of points.
    """
    from scipy.spatial import cKDTree

    steps = np.arange(-np.ceil(1.6 / spacing), np.ceil(1.6 / spacing) + 1)
    rows, columns = np.meshgrid(steps, steps, indexing="ij")
    grid = np.stack([columns + 0.5 * (rows % 2), rows * 0.87], axis=-1).reshape(-1, 2)
    points = (grid + rng.uniform(-jitter, jitter, grid.shape)) * spacing
    distance, index = np.ones((SIDE, SIDE, 2)), np.zeros((SIDE, SIDE, 2), dtype=np.int64)
    shown = lesion.depth < 1.4
    distance[shown], index[shown] = cKDTree(points).query(lesion.place[shown], k=2)
    return distance, index[..., 0], len(points)


def _globular(rng: _Random, frame: _Frame, lesion: _Lesion) -> _Field:
    """Clods: scattered round bodies of different sizes."""
    spacing, softness = rng.uniform(0.105, 0.16), rng.uniform(0.009, 0.025)
    distance, nearest, count = _nearest_points(rng, lesion, spacing, jitter=0.42)
    radius = spacing * rng.uniform(0.18, 0.48, count)
    weight = rng.uniform(0.4, 1.0, count) * (rng.uniform(size=count) < 0.8)
    return weight[nearest] * _smooth_step((radius[nearest] - distance[..., 0]) / softness)


def _homogeneous(rng: _Random, frame: _Frame, lesion: _Lesion) -> _Field:
    """No structure: pigment that changes slowly."""
    return frame.noise(rng, rng.uniform(0.3, 0.5)) + 0.5 * frame.noise(rng, 0.2)


def _reticular(rng: _Random, frame: _Frame, lesion: _Lesion) -> _Field:
    """Pigment network: dark lines around light holes."""
    spacing = rng.uniform(0.085, 0.135)
    distance, _, _ = _nearest_points(rng, lesion, spacing, jitter=0.3)
    width = rng.uniform(0.14, 0.24) * (1 + 0.35 * frame.noise(rng, 0.2))
    gap = (distance[..., 1] - distance[..., 0]) / spacing
    return _peak(gap / np.maximum(width, 0.06)) * (0.75 + 0.35 * frame.noise(rng, 0.25))


def _starburst(rng: _Random, frame: _Frame, lesion: _Lesion) -> _Field:
    """Radial streaks of different lengths, on parts of an irregular border."""
    count = int(rng.integers(36, 60))
    turn = np.arctan2(lesion.place[..., 1], lesion.place[..., 0]) / (2 * np.pi)
    place = (turn + 0.006 * frame.noise(rng, 0.3)) % 1 * count
    streak = place.astype(int) % count
    centre, width = rng.uniform(0.3, 0.7, count), rng.uniform(0.16, 0.3, count)
    start, end = rng.uniform(0.55, 0.9, count), rng.uniform(0.9, 1.22, count)
    weight = rng.uniform(0.2, 1.0, count) * (rng.uniform(size=count) < 0.85)
    across = (place % 1 - centre[streak]) / width[streak] / np.clip(1.7 - lesion.depth, 0.3, 1)
    along = _smooth_step((lesion.depth - start[streak]) / 0.1)
    along *= _smooth_step((end[streak] - lesion.depth) / 0.06)
    present = np.clip(0.75 + 0.6 * frame.noise(rng, 0.7), 0.05, 1.2)
    return np.asarray((weight[streak] * _peak(across) - 0.25) * along * present)


_PATTERNS = dict(zip(CLASSES, (_globular, _homogeneous, _reticular, _starburst), strict=True))


def _standardised(field: _Field, weight: _Field) -> _Field:
    """Zero mean and unit variance in the lesion, so no class is darker or richer in contrast."""
    centred = field - float(np.average(field, weights=weight))
    spread = float(np.sqrt(np.average(np.square(centred), weights=weight)))
    return np.asarray(np.clip(centred / spread, -2.2, 2.2))  # stronger ones look painted on


def _transmission(label: str, rng: _Random, frame: _Frame) -> _Field:
    """Share of the light that the pigment of the lesion lets through, per RGB channel."""
    lesion = _lesion(rng, frame)
    second_label = rng.choice([name for name in CLASSES if name != label])
    patterns = [_PATTERNS[name](rng, frame, lesion) for name in (label, second_label)]
    main, second = (_standardised(pattern, lesion.mask) for pattern in patterns)
    mottle = frame.noise(rng, 0.5) + 0.6 * frame.noise(rng, 0.22) + 0.3 * frame.noise(rng, 0.07)
    # Parts of the lesion show little of the main pattern, other parts some of a second one.
    kept = 0.35 + 0.65 * _smooth_step(2 * frame.noise(rng, 0.6) + 1)
    patch = _smooth_step(2 * frame.noise(rng, 0.7) - 0.6)
    mixed = rng.uniform(0.5, 1.0) * kept * main + rng.uniform(0.0, 0.5) * patch * second
    mixed += rng.uniform(0.4, 0.8) * _standardised(mottle, lesion.mask)
    level, contrast = rng.uniform(0.45, 0.85), rng.uniform(0.14, 0.26)
    relief = contrast * _standardised(mixed, lesion.mask)
    relief += rng.uniform(-0.18, 0.27) * (0.6 - lesion.depth)
    # Streaks and network lines end a little beyond the border, as in real lesions.
    rim = _smooth_step((1.12 - lesion.depth) / 0.1)
    density = np.maximum(lesion.mask * level + rim * relief, 0)
    tilt = rng.uniform(-0.12, 0.12) + rng.uniform(0.02, 0.07) * frame.noise(rng, 0.45)
    absorbed = _tinted(density, 0.62, 1.0, 1.22) + _tinted(density * tilt, 1.0, 0.0, -1.5)
    return np.exp(-absorbed)


def _photograph(colour: _Field, rng: _Random) -> NDArray[np.uint8]:
    """Add what belongs to one photograph: hairs, bubbles, lighting, focus and noise."""
    from scipy.ndimage import gaussian_filter

    y, x = (np.mgrid[:SIDE, :SIDE].astype(np.float32) + 0.5) / SIDE - 0.5
    if rng.uniform() < 0.5:
        cover, tone = rng.uniform(0.6, 0.95) * _hairs(rng), rng.uniform(0.08, 0.3)
        colour = colour * (1 - cover[..., None]) + _tinted(cover * tone, 1.2, 0.95, 0.8)
    colour = gaussian_filter(colour, rng.uniform(0.35, 1.0), axes=(0, 1))
    if rng.uniform() < 0.5:
        colour = colour + _bubbles(x, y, rng)[..., None]
    slope_x, slope_y = rng.uniform(-0.16, 0.16, size=2)
    light = 1 + slope_x * x + slope_y * y - rng.uniform(0.1, 0.5) * (x * x + y * y)
    if rng.uniform() < 0.22:
        light *= _smooth_step((rng.uniform(0.57, 0.64) - np.hypot(x, y)) / 0.012)
    colour = colour * _tinted(light, *(1 + rng.normal(0, 0.025, size=3)))
    # Automatic exposure, as in a camera, levels the brightness whatever the picture shows.
    colour *= np.clip(rng.uniform(0.56, 0.66) / float(colour.mean()), 0.8, 1.25)
    grain = rng.standard_normal((SIDE, SIDE, 3), dtype=np.float32)
    grain += rng.standard_normal((SIDE, SIDE, 1), dtype=np.float32)
    colour += rng.uniform(0.006, 0.016) * gaussian_filter(grain, 0.5, axes=(0, 1))
    return np.clip(np.rint(255 * colour), 0, 255).astype(np.uint8)


def _hairs(rng: _Random) -> _Field:
    """Share of every pixel that hairs cover."""
    # Drawn three times as large, because Pillow does not smooth the edges of polygons.
    sheet = Image.new("L", (3 * SIDE, 3 * SIDE))
    steps = np.linspace(0, 1, 30)
    combed = rng.uniform(0, np.pi)
    for _ in range(int(rng.integers(2, 11))):
        heading = combed + rng.normal(0, 0.5) + rng.normal(0, 0.9) * steps
        ahead = np.stack([np.cos(heading), np.sin(heading)], axis=1)
        path = rng.uniform(-0.1, 1.1, size=2) + rng.uniform(0.01, 0.033) * ahead.cumsum(axis=0)
        aside = rng.uniform(0.0018, 0.004) * (1 - 0.8 * steps)[:, None] * ahead[:, ::-1] * (-1, 1)
        outline = 3 * SIDE * np.concatenate([path + aside, (path - aside)[::-1]])
        ImageDraw.Draw(sheet).polygon(outline.ravel().tolist(), fill=255)
    return np.asarray(sheet.resize((SIDE, SIDE), Image.Resampling.BOX)) / np.float32(255)


def _bubbles(x: _Field, y: _Field, rng: _Random) -> _Field:
    """Light added by air bubbles in the contact gel: a rim, lit from one side, and a glint."""
    shine = np.zeros_like(x)
    for _ in range(int(rng.integers(1, 5))):
        from_x, from_y = x - rng.uniform(-0.5, 0.5), y - rng.uniform(-0.5, 0.5)
        radius, away = rng.uniform(0.007, 0.03), np.hypot(from_x, from_y)
        lit = 0.5 - 0.35 * (from_x + from_y) / (away + 0.001)
        shine += 0.4 * lit * _peak((away - radius) / 0.003)
        shine -= 0.1 * _peak((away - radius - 0.006) / 0.004) + 0.04 * (away < radius)
        glint = np.hypot(from_x + 0.4 * radius, from_y + 0.4 * radius)
        shine += 0.4 * _peak(glint / (0.22 * radius + 0.002))
    return shine


# --- The folder ----------------------------------------------------------------------------------


def is_drawn() -> bool:
    """Return whether the images are on disk."""
    return _folder().is_dir()


def load(report: Callable[[int, int], None] = lambda done, total: None) -> Dataset:
    """Return the demo data set, generating its images if needed.

    Parameters
    ----------
    report
        Called with the number of images generated and the total number.

    Raises
    ------
    StorageError
        If the images cannot be written.
    """
    images = demo_images()
    if not is_drawn():
        create_folder(_folder().parent)
        try:
            with waited_for(_folder().parent / "drawing.lock", lambda: None):
                for unfinished in _folder().parent.glob(".drawing-*"):
                    shutil.rmtree(unfinished)
                if not is_drawn():
                    _draw(images, report)
        except OSError as error:
            raise StorageError(unwritable(_folder(), error)) from error
    records = (ImageRecord(_path(image), image.label, group=image.lesion) for image in images)
    return Dataset(
        NAME,
        _folder(),
        tuple(sorted(records, key=lambda record: record.path)),
        LAYOUT,
        synthetic=True,
    )


def _folder() -> Path:
    return cache_folder().datasets / NAME / "images"


def _path(image: DemoImage) -> str:
    return f"{image.label}/{image.name}"


def _draw(images: tuple[DemoImage, ...], report: Callable[[int, int], None]) -> None:
    # Generated next to its place and moved when complete, so that a killed process leaves nothing.
    temporary = Path(tempfile.mkdtemp(prefix=".drawing-", dir=_folder().parent))
    try:
        for label in CLASSES:
            (temporary / label).mkdir()

        def write(image: DemoImage) -> None:
            Image.fromarray(draw(image)).save(temporary / _path(image), "PNG", compress_level=1)

        # In threads: most of a picture is drawn by libraries that let others compute meanwhile.
        with ThreadPoolExecutor(_PAINTERS) as painters:
            try:
                for i, _ in enumerate(painters.map(write, images), start=1):
                    report(i, len(images))
            finally:
                painters.shutdown(cancel_futures=True)
        temporary.replace(_folder())
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
