import numpy as np
import pytest
from PIL import Image
from pydicom.uid import BasicTextSRStorage

from medrecog_core.datasets import BY_EVIDENCE, Decisions, ImageRecord
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.pixels import with_rendering
from medrecog_core.images import PLAIN, Rendering
from tests.dicom_files import dicom_bytes, dicom_dataset


def write_deep(path, top):
    """Write a 16-bit grey PNG whose largest value is `top`."""
    pixels = np.linspace(0, top, 64).reshape(8, 8).astype(np.uint16)
    Image.fromarray(pixels).save(path)


def write_plain(path):
    Image.new("RGB", (8, 8), (len(path.name), 20, 30)).save(path)


def write_pages(path, n=3):
    pages = [Image.new("L", (8, 8), 40 * i) for i in range(n)]
    pages[0].save(path, save_all=True, append_images=pages[1:])


def write_scan(path, **tags):
    values = tags.pop("values", np.arange(64).reshape(8, 8) * 50)
    path.write_bytes(dicom_bytes(dicom_dataset(values.astype(np.uint16), **tags)))


def interpreted(root):
    images = tuple(
        ImageRecord(path.name, "ab"[i % 2]) for i, path in enumerate(sorted(root.iterdir()))
    )
    return Interpretation(images, "a layout", BY_EVIDENCE)


def rendered(root, at_most=None, **decided):
    found, rendering = with_rendering(root, interpreted(root), Decisions(**decided), at_most)
    return found, rendering, {warning.id: warning.paths for warning in found.warnings}


def test_plain_files_keep_the_plain_rendering_and_get_their_state(tmp_path):
    write_plain(tmp_path / "1.png")
    write_plain(tmp_path / "22.jpg")
    found, rendering, warnings = rendered(tmp_path)
    assert rendering == PLAIN
    assert warnings == {}
    assert [image.file.mode for image in found.images] == ["RGB", "RGB"]


@pytest.mark.parametrize(
    ("tops", "window", "ids"),
    [
        ([4095, 3000], (0, 4095), []),
        ([900, 300], (0, 4095), []),
        ([16383, 3000], (0, 16383), ["grey-window"]),
        ([16383, 9000], (0, 16383), []),
        ([65535, 60000], (0, 65535), []),
    ],
)
def test_one_grey_window_for_all_and_a_warning_where_each_alone_was_another(
    tmp_path, tops, window, ids
):
    for i, top in enumerate(tops):
        write_deep(tmp_path / f"{i}.png", top)
    _, rendering, warnings = rendered(tmp_path)
    assert rendering == Rendering(window=window)
    assert list(warnings) == ids
    assert all(paths == ("0.png", "1.png") for paths in warnings.values())


def test_localizers_among_other_scans_are_said(tmp_path):
    for i in range(3):
        kind = "LOCALIZER" if i == 1 else "AXIAL"
        write_scan(tmp_path / f"{i}.dcm", ImageType=["ORIGINAL", "PRIMARY", kind])
    assert rendered(tmp_path)[2] == {"localizers": ("1.dcm",)}
    (tmp_path / "0.dcm").unlink()
    (tmp_path / "2.dcm").unlink()
    assert rendered(tmp_path)[2] == {}


@pytest.mark.parametrize(
    ("n_deep", "n_plain", "named"), [(1, 2, ("deep0.png",)), (2, 1, ("plain0.png",))]
)
def test_files_of_8_bits_among_deeper_ones_are_said(tmp_path, n_deep, n_plain, named):
    for i in range(n_deep):
        write_deep(tmp_path / f"deep{i}.png", 4000)
    for i in range(n_plain):
        write_plain(tmp_path / f"plain{i}.png")
    assert rendered(tmp_path)[2] == {"grey-window": named}
    # Where each file is scaled by its own range, all are shown alike.
    assert rendered(tmp_path, window="own")[2] == {}


def test_files_that_use_little_of_the_window_are_said(tmp_path):
    for i, top in enumerate((1.0, 255.0, 250.0)):
        values = np.linspace(0, top, 64, dtype=np.float32).reshape(8, 8)
        Image.fromarray(values).save(tmp_path / f"{i}.tif")
    _, rendering, warnings = rendered(tmp_path)
    assert rendering.window == (0, 255)
    assert warnings == {"grey-window": ("0.tif",)}


def test_own_ranges_and_a_given_window_are_taken_as_given(tmp_path):
    write_deep(tmp_path / "1.png", 16383)
    write_deep(tmp_path / "2.png", 3000)
    assert rendered(tmp_path, window="own")[1] == PLAIN
    _, rendering, warnings = rendered(tmp_path, window="0:4000")
    assert rendering == Rendering(window=(0, 4000), overrides_own=True)
    assert warnings == {"grey-window": ("1.png",)}


def test_dicom_files_with_windows_of_their_own_stay_as_they_were(tmp_path):
    for name in ("1.dcm", "2.dcm"):
        write_scan(tmp_path / name, WindowCenter=100, WindowWidth=50)
    assert rendered(tmp_path)[1:] == (PLAIN, {})


def test_dicom_files_without_a_window_get_one_for_all(tmp_path):
    write_scan(tmp_path / "1.dcm")
    write_scan(tmp_path / "2.dcm", values=np.arange(64).reshape(8, 8))
    _, rendering, warnings = rendered(tmp_path)
    assert rendering.window == (0, 4095)
    assert warnings == {"grey-window": ("1.dcm", "2.dcm")}


def test_float_files_get_a_window_of_their_values(tmp_path):
    for i in (1, 2):
        pixels = np.linspace(-i, i, 64, dtype=np.float32).reshape(8, 8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.tif")
    _, rendering, warnings = rendered(tmp_path)
    assert rendering.window == (-2, 2)
    assert warnings == {}


def test_several_frames_are_said_and_can_be_chosen(tmp_path):
    write_pages(tmp_path / "1.tif")
    write_plain(tmp_path / "2.png")
    _, rendering, warnings = rendered(tmp_path)
    assert rendering.frame == "first"
    assert warnings == {"several-frames": ("1.tif",)}
    _, rendering, warnings = rendered(tmp_path, frames="middle")
    assert rendering.frame == "middle"
    assert warnings == {}


def test_of_series_the_middle_frame_is_read(tmp_path):
    scan = np.zeros((4, 8, 8))
    write_scan(tmp_path / "1.dcm", values=scan, NumberOfFrames=4)
    write_plain(tmp_path / "2.png")
    _, rendering, warnings = rendered(tmp_path)
    assert rendering.frame == "middle"
    assert warnings["several-frames"] == ("1.dcm",)


def test_every_frame_can_be_an_image_and_those_of_a_file_stay_together(tmp_path):
    write_pages(tmp_path / "1.tif", 12)
    write_plain(tmp_path / "2.png")
    found, _, warnings = rendered(tmp_path, frames="all")
    assert {image.path: image.frame for image in found.images} == {
        **{f"1.tif#{i}": i for i in range(12)},
        "2.png": None,
    }
    assert {image.group for image in found.images} == {"1.tif", ""}
    assert [image.path for image in found.images] == sorted(i.path for i in found.images)
    assert warnings == {}


def test_a_preview_looks_at_some_files_and_says_so(tmp_path):
    for i in range(5):
        write_deep(tmp_path / f"{i}.png", 3000)
    found, rendering, _ = rendered(tmp_path, at_most=2)
    assert rendering.window == (0, 4095)
    assert all(image.file is None for image in found.images)
    assert "2 of 5 files" in found.reasons[-1]


def test_files_that_cannot_be_read_are_imported_and_named(tmp_path):
    write_plain(tmp_path / "1.png")
    (tmp_path / "2.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 20)
    (tmp_path / "3.png").write_text("no image")
    (tmp_path / "4.png").touch()
    found, rendering, warnings = rendered(tmp_path)
    assert rendering == PLAIN
    assert warnings == {"unreadable": ("2.dcm", "3.png", "4.png")}
    assert len(found.images) == 4


def test_dicom_reports_are_no_images(tmp_path):
    write_plain(tmp_path / "1.png")
    (tmp_path / "2.dcm").write_bytes(dicom_bytes(dicom_dataset(SOPClassUID=BasicTextSRStorage)))
    found, _, warnings = rendered(tmp_path)
    assert [image.path for image in found.images] == ["1.png"]
    assert [entry.path for entry in found.left_out] == ["2.dcm"]
    assert warnings == {}


def test_of_many_channels_one_can_be_chosen(tmp_path):
    from tifffile import imwrite

    for i in (1, 2):
        pixels = np.arange(8 * 8 * 6, dtype=np.uint8).reshape(8, 8, 6) // i
        imwrite(tmp_path / f"{i}.tif", pixels, photometric="minisblack", planarconfig="contig")
    _, rendering, warnings = rendered(tmp_path)
    assert rendering == PLAIN
    assert warnings == {"channels": ("1.tif", "2.tif")}
    _, rendering, warnings = rendered(tmp_path, channel=4)
    assert rendering == Rendering(channel=4)
    assert warnings == {}
