import shlex
from pathlib import Path

from medrecog_core.datasets import Dataset, ImageRecord
from medrecog_core.datasets.grey_levels import grey_findings
from medrecog_core.datasets.health.measurements import ImageMeasurement
from medrecog_core.images import PLAIN, GreyRange, Rendering


def found_in(ranges, rendering=PLAIN):
    """Return the finding in files with these ranges, named by their order."""
    measurements = {f"{i:02d}.png": ImageMeasurement(grey_range=r) for i, r in enumerate(ranges)}
    images = tuple(ImageRecord(path, "ab"[i % 2]) for i, path in enumerate(measurements))
    dataset = Dataset("skin", Path("/images"), images, "made", rendering=rendering)
    (found,) = grey_findings(dataset, measurements) or [None]
    return found


def window(low, high):
    return Rendering(window=(low, high))


def integers(high, n):
    return [GreyRange(0, high - i) for i in range(n)]


def real(low, high, n):
    return [GreyRange(low, high, is_unsigned=False)] * n


def test_plain_files_and_files_of_one_range_are_no_finding():
    assert found_in([None] * 6) is None
    assert found_in(integers(4000, 6)) is None
    assert found_in(integers(16000, 6), window(0, 16383)) is None
    assert found_in(integers(4000, 3) + integers(16000, 3), window(0, 16383)) is None


def test_12_bits_among_16_bits_are_excluded_or_shown_in_one_window():
    found = found_in(integers(60000, 5) + integers(4000, 3), window(0, 65535))
    assert (found.kind, found.severity) == ("mixed-grey-ranges", "severe")
    assert found.images == found.remedy.images == ("05.png", "06.png", "07.png")
    assert found.notes[0] == "grey values 0 to 4000"
    found = found_in(integers(60000, 3) + integers(4000, 5), window(0, 65535))
    assert found.images == ("00.png", "01.png", "02.png")
    assert shlex.split(found.advice[0].command)[-2:] == ["--window", "0:4095"]


def test_files_around_4095_are_found_where_each_is_scaled_by_its_own_range():
    ranges = [GreyRange(0, high) for high in (4000, 4300, 4090, 4100, 4095, 4096, 4000)]
    found = found_in(ranges)
    assert found.images == ("01.png", "03.png", "05.png")
    assert shlex.split(found.advice[0].command)[-2:] == ["--window", "0:8191"]
    assert found_in(ranges, window(0, 8191)) is None


def test_numbers_of_another_scale_are_found():
    found = found_in(real(0, 1, 5) + real(0, 255, 2), window(0, 1))
    assert found.images == ("05.png", "06.png")


def test_files_outside_the_window_are_found_unless_it_cuts_all():
    found = found_in([*integers(4000, 5), GreyRange(9000, 13000)], window(0, 4095))
    assert found.images == ("05.png",)
    assert found_in(real(-1000, 3000, 6), window(-160, 240)) is None


def test_files_with_a_window_of_their_own_are_left_aside_unless_overridden():
    own = [GreyRange(0, 60000, has_own_window=True)] * 2
    assert found_in(integers(4000, 6) + own, window(0, 4095)) is None
    overriding = Rendering(window=(0, 4095), overrides_own=True)
    assert found_in(integers(4000, 6) + own, overriding).images == ("06.png", "07.png")


def test_excluding_the_odd_files_mends_it():
    ranges = integers(60000, 5) + integers(4000, 3)
    found = found_in(ranges, window(0, 65535))
    left = [one for i, one in enumerate(ranges) if f"{i:02d}.png" not in found.remedy.images]
    assert found_in(left, window(0, 65535)) is None
