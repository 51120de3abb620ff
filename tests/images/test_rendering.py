from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import PLAIN, Rendering
from medrecog_core.images.rendering import from_table, to_table
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
def test_a_table_holds_each_rendering_once(renderings):
    documents, positions = to_table(renderings)
    assert from_table(documents, positions) == renderings
    assert len(documents) == len(set(renderings))


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
