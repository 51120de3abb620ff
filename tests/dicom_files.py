"""DICOM files, made by pydicom."""

import io

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage


def dicom_dataset(pixels=None, syntax=ExplicitVRLittleEndian, **tags):
    """A secondary capture image; `tags` overrides what it has by default."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    made.SOPClassUID, made.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    if pixels is not None:
        colour = pixels.ndim == 3
        made.Rows, made.Columns = pixels.shape[:2]
        made.SamplesPerPixel = 3 if colour else 1
        if colour:
            made.PlanarConfiguration = 0
        made.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
        made.BitsAllocated = made.BitsStored = pixels.dtype.itemsize * 8
        made.HighBit = made.BitsStored - 1
        made.PixelRepresentation = int(pixels.dtype.kind == "i")
        made.PixelData = pixels.tobytes()
    for name, value in tags.items():
        setattr(made, name, value)
    return made


def dicom_bytes(made):
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
