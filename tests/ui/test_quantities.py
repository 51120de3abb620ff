import pytest

from medrecog_core.ui.quantities import about, counted, duration, size


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "less than a second"), (12.4, "12 s"), (89, "89 s"), (150, "2 min"), (5400, "1.5 h")],
)
def test_durations_are_rounded_as_one_says_them(seconds, words):
    assert duration(seconds) == words


def test_expected_durations_are_said_to_be_about_right():
    assert [about(seconds) for seconds in (0.2, 12.4)] == ["less than a second", "about 12 s"]


@pytest.mark.parametrize(
    ("n_bytes", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (2_100_000, "2.1 MB"), (3e9, "3.0 GB")],
)
def test_sizes_have_a_unit(n_bytes, words):
    assert size(n_bytes) == words


def test_numbers_agree_with_their_nouns():
    assert counted(1, "image") == "1 image"
    assert counted(5808, "image") == "5,808 images"
    assert counted(2, "class", "classes") == "2 classes"
