"""Rendering of stored values as an 8-bit image: grey window, frame, slice and channel."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from medrecog_core.bounds import KNOWN_ONLY, Count, Finite
from medrecog_core.errors import MedrecogError, UsageError

FIRST, MIDDLE, ALL = "first", "middle", "all"
"""Which frame of a file is read; with `all`, every frame is a separate image."""
AXES = (0, 1, 2)
"""Axes of a volume; slices of a NIfTI file along its last axis are usually axial."""

# Pillow's modes with at most 8 bits per channel.
_MODES_OF_8_BITS = frozenset(
    {"1", "L", "P", "LA", "PA", "La", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV"}
)


@dataclass(frozen=True)
class Rendering:
    """The choices that turn the stored values of a file into an 8-bit image.

    They are made once for a data set, at its import, and apply to its runs, its models, and every
    image that such a model classifies.

    Attributes
    ----------
    window
        Stored values shown as black and as white, for files with more than 8 bits per channel; for
        DICOM files, values after the modality LUT. None: the range of each file, as in version
        0.1.0.
    overrides_own
        Whether the window also applies to DICOM files with their own window.
    frame
        For files with several frames or slices: `first`, `middle`, or a number from 0.
    axis
        The axis along which a volume is sliced.
    channel
        Channel to read from an image with more than three, from 0; None: the first three as red,
        green and blue.

    Raises
    ------
    UsageError
        If a choice is not valid.
    """

    __pydantic_config__ = KNOWN_ONLY

    window: tuple[Finite, Finite] | None = None
    overrides_own: bool = False
    frame: str | Count = FIRST
    axis: int = 2
    channel: Count | None = None

    def __post_init__(self) -> None:
        if self.window is not None:
            low, high = self.window
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise UsageError(
                    f"The grey window {low:g}:{high:g} is not valid. Enter two numbers, the "
                    "smaller first."
                )
            # Adding zero turns negative zero into positive zero, which is the same window.
            object.__setattr__(self, "window", (float(low) + 0.0, float(high) + 0.0))
        if self.overrides_own and self.window is None:
            raise UsageError("A grey window is required to override those of files. Enter one.")
        is_number = isinstance(self.frame, int) and not isinstance(self.frame, bool)
        if not (self.frame in (FIRST, MIDDLE) or (is_number and int(self.frame) >= 0)):
            raise UsageError(
                f"The frame “{self.frame}” is not valid. Use first, middle or a number from 0."
            )
        if self.axis not in AXES:
            raise UsageError(f"The axis {self.axis} is not valid. Use 0, 1 or 2.")
        if self.channel is not None and self.channel < 0:
            raise UsageError(f"The channel {self.channel} is not valid. Channels count from 0.")

    @cached_property
    def identity(self) -> str:
        """Identity in keys and fingerprints; empty for the rule of version 0.1.0."""
        parts = []
        if self.window is not None:
            parts.append(f"window={self.window[0]:.17g}:{self.window[1]:.17g}")
        if self.overrides_own:
            parts.append("overrides")
        for field in fields(self)[2:]:
            value = getattr(self, field.name)
            if value != field.default:
                parts.append(f"{field.name}={value}")
        return ",".join(parts)

    @property
    def title(self) -> str:
        """The rendering in words, for reports and pages."""
        parts = ["grey values of more than 8 bits by the range of each file"]
        if self.window is not None:
            parts = [f"grey window {self.window[0]:.10g} to {self.window[1]:.10g}"]
        if self.overrides_own:
            parts.append("also for DICOM files with a window of their own")
        if self.frame != FIRST:
            is_number = isinstance(self.frame, int)
            parts.append(f"frame {self.frame}" if is_number else f"{self.frame} frame")
        if self.axis != PLAIN.axis:
            parts.append(f"slices along axis {self.axis}")
        if self.channel is not None:
            parts.append(f"channel {self.channel}")
        return ", ".join(parts)

    def of_frame(self, frame: int | None) -> "Rendering":
        """Return the rendering of one frame of a file; None leaves it as it is."""
        return self if frame is None else replace(self, frame=frame)

    def for_file(self, mode: str, n_frames: int = 1) -> "Rendering":
        """Return the part of it that applies to a file, so that plain images keep their identity.

        Parameters
        ----------
        mode
            Pillow's mode of the stored pixels, as a header or a file's state gives it; empty for
            files that Pillow does not read, such as DICOM.
        n_frames
            Frames of the file.

        Returns
        -------
        Rendering
            `PLAIN` for a single frame with at most 8 bits per channel.
        """
        return PLAIN if n_frames == 1 and mode in _MODES_OF_8_BITS else self

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any] | None) -> "Rendering":
        """Return the rendering in a document; None means the rule of version 0.1.0.

        Raises
        ------
        MedrecogError
            If it is not valid.
        """
        if document is None:
            return PLAIN
        try:
            return _RENDERING.validate_python(document)
        except ValidationError as error:
            raise MedrecogError(f"The rendering {document!r} is not valid.") from error


_RENDERING = TypeAdapter(Rendering)
PLAIN = Rendering()
"""The range and the first frame of each file, as in version 0.1.0."""


def rows_document(rows: Sequence[list[Any]], renderings: Sequence[Rendering]) -> Any:
    """Return rows of images, each with its rendering, as JSON values.

    Parameters
    ----------
    rows
        JSON values of each image.
    renderings
        Rendering of each image.

    Returns
    -------
    list or dict
        The rows, if all images are plain, as in version 0.1.0; otherwise the distinct `renderings`
        beside the `images`, whose rows end with a position among them.
    """
    if all(rendering == PLAIN for rendering in renderings):
        return list(rows)
    position_of: dict[Rendering, int] = {}
    positions = [position_of.setdefault(each, len(position_of)) for each in renderings]
    return {
        "renderings": [rendering.to_document() for rendering in position_of],
        "images": [[*row, position] for row, position in zip(rows, positions, strict=True)],
    }


class _Rendered(BaseModel):
    model_config = KNOWN_ONLY

    renderings: tuple[Rendering, ...]
    images: list[Annotated[list[str | Count], Field(min_length=1)]]


def rows_of_document(document: Any) -> list[tuple[list[Any], Rendering]]:
    """Return the rows in a document of `rows_document`, each with its rendering.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    if isinstance(document, list):
        return [(list(row), PLAIN) for row in document]
    try:
        rendered = _Rendered.model_validate(document)
        return [(row, rendered.renderings[int(position)]) for *row, position in rendered.images]
    except (IndexError, MedrecogError, TypeError, ValueError) as error:
        raise ValueError("the rows of images are damaged") from error
