"""JPEG decoder for pydicom: lossless, and lossy with 12 bits, using libjpeg-turbo.

It has the interface of pydicom's decoding plug-ins. None of these reads such frames under a
suitable licence and without crashing on damaged frames.
"""

import importlib.util
from typing import Any

NAME = "imagecodecs"
DECODER_DEPENDENCIES = {
    "1.2.840.10008.1.2.4.51": (NAME,),  # JPEG extended, 8 and 12 bits
    "1.2.840.10008.1.2.4.57": (NAME,),  # JPEG lossless, process 14
    "1.2.840.10008.1.2.4.70": (NAME,),  # JPEG lossless, process 14, selection value 1
}
"""Transfer syntaxes, as required by pydicom."""


def is_available(syntax: str) -> bool:
    """Return whether frames of a transfer syntax can be decoded."""
    return syntax in DECODER_DEPENDENCIES and importlib.util.find_spec(NAME) is not None


def decode_frame(frame: bytes, runner: Any) -> bytes:
    """Decode a frame without changing its colour space.

    Parameters
    ----------
    frame
        The JPEG file.
    runner
        pydicom's `DecodeRunner`, which receives the layout of the samples.

    Returns
    -------
    bytes
        Samples of 8 or 16 bits, little endian, those of a pixel next to each other.

    Raises
    ------
    ValueError
        If the frame does not have the expected pixels, or is damaged.
    """
    import imagecodecs

    n_samples = runner.samples_per_pixel
    colours = "RGB" if n_samples > 1 else None
    try:
        pixels = imagecodecs.jpeg8_decode(frame, colorspace=colours, outcolorspace=colours)
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    expected = (runner.rows, runner.columns, *((n_samples,) if n_samples > 1 else ()))
    if pixels.shape != expected:
        raise ValueError(f"the frame has the shape {pixels.shape}, not {expected}")
    runner.set_option("bits_allocated", pixels.dtype.itemsize * 8)
    runner.set_option("planar_configuration", 0)
    samples: bytes = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    return samples
