"""The rendering of an import: grey window, frames, slices and channels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote

from medrecog_core.datasets.dataset import DatasetWarning, FileState, ImageRecord, LeftOut
from medrecog_core.datasets.files import HashReport, ignore, read_states
from medrecog_core.datasets.intake.decisions import OWN_WINDOW, Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.images import (
    PLAIN,
    GreyRange,
    Rendering,
    UnreadableImageError,
    choose_window,
    decode_image,
    read_header,
    read_range,
)
from medrecog_core.images.dicom import is_dicom, is_document, is_localizer
from medrecog_core.images.formats import count_channels
from medrecog_core.images.reading import MAX_PIXELS
from medrecog_core.images.rendering import ALL, FIRST, MIDDLE
from medrecog_core.wording import counted

_MIDDLE_OF = ("DICOM", "NIfTI")
"""Formats of series, whose first frame is often black."""
# What a rendering without a window made of files with more than 8 bits, in version 0.1.0.
_MAX_12_BIT = 2**12 - 1
_ANYTHING = Rendering(frame=MIDDLE)
_NARROW = 1 / 16
"""Part of the window that a file must use not to be shown with little contrast: less is that of a
file with values of 8 bits among those with 12."""


@dataclass(frozen=True)
class _Pixels:
    """Content of a file that is not plain.

    Attributes
    ----------
    format
        Format in Pillow, or DICOM or NIfTI.
    n_frames, n_channels
        Of the file.
    ranges
        Ranges of the grey values of each scanned frame; none for colours and 8 bits.
    """

    format: str
    n_frames: int
    n_channels: int
    ranges: tuple[GreyRange, ...]


def with_rendering(
    root: Path,
    found: Interpretation,
    decisions: Decisions,
    at_most: int | None = None,
    report: HashReport = ignore,
) -> tuple[Interpretation, Rendering]:
    """Return it with the state of the files, frames as images if chosen, and the rendering.

    Plain 8-bit files are hashed and their header is read; pixels are decoded only of files with
    more than 8 bits, to find their range.

    Parameters
    ----------
    root
        Folder of the images.
    found
        The interpretation.
    decisions
        Grey window, frames, axis and channel.
    at_most
        Files that are looked at, drawn evenly, for a preview; None for all. Images keep the state
        of their file only where all were looked at. Where each frame is an image, all are.
    report
        Is told how far it is.
    """
    keeps_all = at_most is None or len(found.images) <= at_most or decisions.frames == ALL
    images = found.images if keeps_all else _sample(found.images, at_most or 1)
    look = _look(root, images, decisions, report)
    frame = _frame(decisions, look.seen)
    if decisions.frames != ALL and frame == MIDDLE:
        # Beside series, files of other formats are read at their middle frame too.
        others = [i for i in images if _is_other_format(look.seen.get(i.path))]
        look.seen |= _look(root, others, replace(decisions, frames=MIDDLE), ignore).seen
    known = {*look.seen, *look.unreadable, *look.documents}
    plain = [path for path in look.states if path not in known]
    rendering, warnings, reasons = _choose(decisions, look.seen, plain, frame)
    if 0 < len(look.localizers) < len(look.seen):
        warnings.append(_about_localizers(sorted(look.localizers)))
    if look.unreadable:
        warnings.append(_about_unreadable(look.unreadable))
    left_out = tuple(LeftOut(path, reason) for path, reason in sorted(look.documents.items()))
    if not keeps_all:
        reasons.append(
            f"Pixels: {len(images):,} of {len(found.images):,} files were looked at for this "
            "preview. All are when the data set is added."
        )
    states = look.states if keeps_all else {}
    kept = [image for image in found.images if image.path not in look.documents]
    images = _with_states(kept, states, decisions.frames == ALL)
    found = found.with_images(images, warnings=tuple(warnings), left_out=left_out)
    return replace(found, reasons=(*found.reasons, *reasons)), rendering


def _about_localizers(paths: Sequence[str]) -> DatasetWarning:
    n = len(paths)
    return DatasetWarning(
        "localizers",
        f"{counted(n, 'DICOM file is a localizer', 'DICOM files are localizers')} (scout views of "
        f"a series) by the tag ImageType, and {'is' if n == 1 else 'are'} imported like the "
        f"others. Use “datasets exclude NAME --image {quote(paths[0])}” after the import to leave "
        f"{'it' if n == 1 else 'such files'} out.",
        tuple(paths),
    )


def _about_unreadable(unreadable: dict[str, str]) -> DatasetWarning:
    first = min(unreadable)
    reason = f"{first}: {unreadable[first]}"
    if len(unreadable) == 1:
        what = f"1 file cannot be read ({reason}). It is imported, and runs skip it. Replace it"
    else:
        what = f"{len(unreadable):,} files cannot be read, for example {reason}. They are imported,"
        what += " and runs skip them. Replace them"
    return DatasetWarning(
        "unreadable",
        f"{what}, or use “datasets exclude NAME --finding unreadable” after the import.",
        tuple(sorted(unreadable)),
    )


def _sample(images: Sequence[ImageRecord], n: int) -> tuple[ImageRecord, ...]:
    return tuple(images[i * len(images) // n] for i in range(n))


@dataclass
class _Look:
    """Results of scanning files, by the path of their image.

    Attributes
    ----------
    states
        States of hashed files.
    seen
        Content of files that are not plain.
    unreadable
        Why files cannot be read.
    documents
        Kinds of DICOM files that are not images, such as reports.
    localizers
        DICOM files that are scout views.
    """

    states: dict[str, FileState] = field(default_factory=dict)
    seen: dict[str, _Pixels] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    localizers: set[str] = field(default_factory=set)


def _look(
    root: Path, images: Iterable[ImageRecord], decisions: Decisions, report: HashReport
) -> _Look:
    """Read each file once: its state, and its content if it is not plain."""
    path_of = {root / image.file_path: image.path for image in images}
    look = _Look()

    def inspect(file: Path, content: bytes, state: FileState) -> None:
        is_plain = _ANYTHING.for_file(state.mode, state.n_frames) == PLAIN
        path = path_of[file]
        if is_plain and state.width * state.height > MAX_PIXELS:
            look.unreadable[path] = _reason(content, UnreadableImageError("it is too large"))
        if is_plain:
            return
        try:
            look.seen[path] = _read_pixels(content, decisions)
            if is_dicom(content) and is_localizer(content):
                look.localizers.add(path)
        except UnreadableImageError as error:
            if is_dicom(content) and is_document(content):
                look.documents[path] = str(error)
            else:
                look.unreadable[path] = _reason(content, error)

    found = read_states(list(path_of), report, decisions.axis, inspect)
    for file, state in zip(path_of, found, strict=True):
        if isinstance(state, FileState):
            look.states[path_of[file]] = state
        else:
            look.unreadable[path_of[file]] = str(state)
    return look


def _reason(content: bytes, error: UnreadableImageError) -> str:
    """Return why a file cannot be read; decoding says it better than its header."""
    try:
        decode_image(content)
    except UnreadableImageError as better:
        return str(better)
    return str(error)


def _read_pixels(content: bytes, decisions: Decisions) -> _Pixels:
    header = read_header(content, decisions.axis)
    rendering = Rendering(
        frame=_usual_frame(header.format, decisions),
        axis=decisions.axis,
        channel=decisions.channel,
    )
    frames = range(header.n_frames) if decisions.frames == ALL else (None,)
    ranges = [read_range(content, rendering.of_frame(frame)) for frame in frames]
    return _Pixels(
        header.format,
        header.n_frames,
        count_channels(content) if header.format == "TIFF" and not header.mode else 1,
        tuple(one for one in ranges if one is not None),
    )


def _usual_frame(file_format: str, decisions: Decisions) -> str:
    if decisions.frames in (FIRST, MIDDLE):
        return decisions.frames
    return MIDDLE if file_format in _MIDDLE_OF else FIRST


def _frame(decisions: Decisions, seen: dict[str, _Pixels]) -> str:
    series = any(pixels.n_frames > 1 and pixels.format in _MIDDLE_OF for pixels in seen.values())
    return _usual_frame(_MIDDLE_OF[0] if series else "", decisions)


def _is_other_format(pixels: _Pixels | None) -> bool:
    return pixels is not None and pixels.n_frames > 1 and pixels.format not in _MIDDLE_OF


def _choose(
    decisions: Decisions, seen: dict[str, _Pixels], plain: Sequence[str], frame: str
) -> tuple[Rendering, list[DatasetWarning], list[str]]:
    warnings: list[DatasetWarning] = []
    reasons: list[str] = []
    several = sorted(path for path, pixels in seen.items() if pixels.n_frames > 1)
    if several and decisions.frames == ALL:
        reasons.append(
            f"Each frame of {counted(len(several), 'file')} is an image. Frames of a file without "
            "a patient or other group form a group."
        )
    elif several and not decisions.frames:
        warnings.append(
            DatasetWarning(
                "several-frames",
                f"{counted(len(several), 'file has', 'files have')} several frames or slices. The "
                f"{frame} one of each is read. Use --frames to read the first, the middle or all.",
                tuple(several),
            )
        )
    channels = sorted(path for path, pixels in seen.items() if pixels.n_channels > 3)
    if channels and decisions.channel is None:
        warnings.append(
            DatasetWarning(
                "channels",
                f"{counted(len(channels), 'file has', 'files have')} more than three channels. The "
                "first three are read as red, green and blue. Use --channel N to read one of them.",
                tuple(channels),
            )
        )
    grey = {path: pixels for path, pixels in seen.items() if pixels.ranges}
    window = _window(decisions, grey, warnings, reasons)
    if window is not None and grey and plain:
        warnings.append(_about_depths(grey, plain, window))
    rendering = Rendering(
        window=window,
        overrides_own=decisions.limits is not None,
        frame=frame if several or decisions.frames else FIRST,
        axis=decisions.axis,
        channel=decisions.channel,
    )
    return rendering, warnings, reasons


def _window(
    decisions: Decisions,
    grey: dict[str, _Pixels],
    warnings: list[DatasetWarning],
    reasons: list[str],
) -> tuple[float, float] | None:
    if decisions.window == OWN_WINDOW:
        return None
    limits = decisions.limits
    if limits is not None:
        cut = sorted(
            path
            for path, pixels in grey.items()
            if any(one.low < limits[0] or one.high > limits[1] for one in pixels.ranges)
        )
        if cut:
            warnings.append(
                DatasetWarning(
                    "grey-window",
                    f"{counted(len(cut), 'file has', 'files have')} grey values outside the window "
                    f"{decisions.window}. They are shown as black or white. Use another --window "
                    "if that is not intended.",
                    tuple(cut),
                )
            )
        return limits
    needing = {
        path: pixels
        for path, pixels in grey.items()
        if not all(one.has_own_window for one in pixels.ranges)
    }
    if not needing:
        return None  # DICOM files are shown by the window that each of them brings
    window = choose_window(one for pixels in needing.values() for one in pixels.ranges)
    if window is None:
        return None
    shown = f"{window[0]:g} to {window[1]:g}"
    former = {
        _former_window(pixels.format, one) for pixels in needing.values() for one in pixels.ranges
    }
    narrow = sorted(path for path, pixels in needing.items() if _is_narrow(pixels, window))
    if len(former) == 1 and narrow:
        warnings.append(
            DatasetWarning(
                "grey-window",
                f"{counted(len(narrow), 'file uses', 'files use')} less than a sixteenth of the "
                f"grey window {shown} of the data set, and {'is' if len(narrow) == 1 else 'are'} "
                "shown with little contrast. Use --window LOW:HIGH for another window, or "
                "--window own to scale each file by its own range.",
                tuple(narrow),
            )
        )
    elif len(former) > 1:
        warnings.append(
            DatasetWarning(
                "grey-window",
                f"{counted(len(needing), 'file has', 'files have')} more than 8 bits and different "
                f"ranges of grey values. All are shown with one window, {shown}. Use --window "
                "LOW:HIGH for another, or --window own to scale each file by its own range.",
                tuple(sorted(needing)),
            )
        )
    else:
        reasons.append(f"Grey window of files with more than 8 bits: {shown}.")
    return window


def _about_depths(
    grey: Mapping[str, _Pixels], plain: Sequence[str], window: tuple[float, float]
) -> DatasetWarning:
    """Return the warning on some files with 8 bits and others with more."""
    fewer, which = (
        (sorted(grey), "have more than 8 bits")
        if len(grey) <= len(plain)
        else (sorted(plain), "have 8 bits")
    )
    return DatasetWarning(
        "grey-window",
        f"{len(fewer):,} of {counted(len(grey) + len(plain), 'file')} {which} a channel, unlike "
        f"the others. Files with 8 bits are shown as they are, and those with more with the window "
        f"{window[0]:g} to {window[1]:g}, so their brightness can differ for that alone. Use "
        "--window LOW:HIGH for another window, or save all files with the same depth.",
        tuple(fewer),
    )


def _is_narrow(pixels: _Pixels, window: tuple[float, float]) -> bool:
    """Return whether a file has a picture that uses little of the window."""
    spans = [one.high - one.low for one in pixels.ranges if not one.has_own_window]
    return any(0 < span < _NARROW * (window[1] - window[0]) for span in spans)


def _former_window(file_format: str, one: GreyRange) -> tuple[float, float] | None:
    """Return the window that version 0.1.0 used for a file; None if it did not read such files."""
    if one.has_own_window:
        return None
    if file_format == "DICOM":
        return one.low, one.high
    if not one.is_unsigned or one.high > 2**16 - 1:
        return None
    return 0.0, float(_MAX_12_BIT if one.high <= _MAX_12_BIT else 2**16 - 1)


def _with_states(
    images: Sequence[ImageRecord], states: dict[str, FileState], all_frames: bool
) -> tuple[ImageRecord, ...]:
    if not states:
        return tuple(images)
    with_states: list[ImageRecord] = []
    for image in images:
        state = states.get(image.path)
        known = image if state is None else replace(image, file=state)
        if all_frames and state is not None and state.n_frames > 1:
            # Frames of one file look alike, so they stay together.
            group = image.group or image.path
            with_states += [
                replace(known, path=f"{image.path}#{i}", frame=i, group=group)
                for i in range(state.n_frames)
            ]
        else:
            with_states.append(known)
    return tuple(sorted(with_states, key=lambda image: image.path))
