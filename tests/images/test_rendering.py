import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import PLAIN, Rendering
from medrecog_core.images.rendering import rows_document, rows_of_document
from tests.renderings import RENDERINGS


@given(RENDERINGS, RENDERINGS)
def test_renderings_are_the_same_exactly_where_their_identities_are(one, other):
    assert (one == other) == (one.identity == other.identity)
    assert one.identity == Rendering.from_document(one.to_document()).identity
    assert "/" not in one.identity


@given(RENDERINGS)
def test_only_the_plain_rendering_has_no_identity(rendering):
    assert (rendering.identity == "") == (rendering == PLAIN)


@given(RENDERINGS)
def test_a_rendering_is_read_as_it_was_written(rendering):
    assert Rendering.from_document(rendering.to_document()) == rendering


@given(st.lists(RENDERINGS | st.just(PLAIN), max_size=8))
def test_rows_are_read_with_the_renderings_they_were_written_with(renderings):
    rows = [[f"{i}.png", i] for i in range(len(renderings))]
    document = json.loads(json.dumps(rows_document(rows, renderings)))
    assert rows_of_document(document) == list(zip(rows, renderings, strict=True))


def test_rows_of_plain_images_are_written_as_before():
    rows = [["1.png", "00"], ["2.png", "11"]]
    assert rows_document(rows, [PLAIN, PLAIN]) == rows
    assert rows_document([], []) == []


@pytest.mark.parametrize(
    "document",
    [
        {},
        7,
        {"renderings": [], "images": [["1.png", 0]]},
        {"renderings": [{"unknown": 1}], "images": []},
        {"renderings": [{}], "images": [["1.png", "x"]]},
        {"renderings": [{}], "images": [[]]},
    ],
)
def test_damaged_rows_are_refused(document):
    with pytest.raises(ValueError):
        rows_of_document(document)


def test_the_identities_are_those_that_keys_hold():
    assert PLAIN.identity == ""
    assert Rendering(window=(0, 4095)).identity == "window=0:4095"
    assert Rendering(
        window=(-1000, 400.5), overrides_own=True, frame="middle", axis=0
    ).identity == ("window=-1000:400.5,overrides,frame=middle,axis=0")
    assert Rendering(frame=0, channel=3).identity == "frame=0,channel=3"


def test_the_title_names_every_choice():
    words = Rendering((-1000, 400.5), True, "middle", 0, 3).title
    for part in ("-1000 to 400.5", "DICOM", "middle frame", "axis 0", "channel 3"):
        assert part in words
    assert "frame 7" in Rendering(frame=7).title
    assert len({PLAIN.title, Rendering(window=(0, 1)).title, Rendering(frame="middle").title}) == 3


@pytest.mark.parametrize(
    "choices",
    [
        {"window": (1, 1)},
        {"window": (0, float("inf"))},
        {"overrides_own": True},
        {"frame": "last"},
        {"frame": -1},
        {"frame": True},
        {"axis": 3},
        {"channel": -1},
    ],
)
def test_choices_that_are_not_possible_are_refused(choices):
    with pytest.raises(UsageError):
        Rendering(**choices)


@pytest.mark.parametrize("document", [[], "x", {"unknown": 1}, {"window": 3}, {"window": [1]}])
def test_a_document_that_describes_no_rendering_is_refused(document):
    with pytest.raises(MedrecogError):
        Rendering.from_document(document)


@given(RENDERINGS, st.sampled_from(["1", "L", "P", "RGB", "RGBA", "CMYK"]))
def test_plain_files_are_rendered_plainly(rendering, mode):
    assert rendering.for_file(mode) == PLAIN
    assert rendering.for_file(mode, 2) == rendering
    assert rendering.for_file("I;16") == rendering.for_file("") == rendering


def test_every_choice_is_part_of_the_identity():
    other = Rendering((0, 1), True, "middle", 0, 1)
    assert other.identity.count(",") == len(fields(Rendering)) - 1
