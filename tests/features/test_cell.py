import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.errors import UsageError
from medrecog_core.features import ENCODINGS, POOLINGS, Cell, grid
from medrecog_core.features.cell import (
    LOCAL,
    Fusion,
    concatenate,
    find_cell,
    fuse_grid,
    members,
    parse_fusion,
)
from medrecog_core.networks import find_network

VGG19 = find_network("vgg19")
LAYERS = [layer.name for layer in VGG19.layers]
GRID = (["block4", "block5"], [224, 544], ["max", "average"])


def some(values):
    return st.lists(st.sampled_from(values), min_size=1)


@given(some(LAYERS), some([224, 544, 864, 300]), some(list(POOLINGS)))
def test_grid_holds_every_combination_once_whatever_the_order(layers, scales, poolings):
    cells = grid(VGG19, layers, scales, poolings)
    assert len(set(cells)) == len(cells)
    expected = {Cell(x, s, p) for x in layers for s in scales for p in poolings}
    assert set(cells) == expected
    assert cells == grid(VGG19, layers[::-1], scales[::-1], poolings[::-1])


@pytest.mark.parametrize(
    ("layers", "scales", "poolings", "words"),
    [
        (["block9"], [224], ["max"], "Unknown layer “block9”"),
        (["block1"], [10], ["max"], "input size 10 is not valid"),
        (["block1"], [224], ["median"], "Unknown pooling “median”"),
        ([], [224], ["max"], "No layer was given"),
        (["block1"], [], ["max"], "No scale was given"),
        (["block1"], [224], [], "No pooling was given"),
    ],
)
def test_impossible_grid_is_refused(layers, scales, poolings, words):
    with pytest.raises(UsageError, match=words):
        grid(VGG19, layers, scales, poolings)


def test_name_is_fit_for_a_file():
    assert Cell("block5", 224, "average").name == "block5-224-average"


@pytest.mark.parametrize("pooling", POOLINGS)
def test_encodings_share_what_is_stored_and_the_others_are_stored_themselves(pooling):
    cell = Cell("block5", 224, pooling)
    assert cell.is_encoded == (pooling in ENCODINGS)
    assert cell.stored == (Cell("block5", 224, LOCAL) if pooling in ENCODINGS else cell)
    assert cell.stored.stored == cell.stored


def test_local_descriptors_are_no_pooling_to_choose():
    with pytest.raises(UsageError, match="Unknown pooling “local”"):
        grid(VGG19, ["block1"], [224], [LOCAL])


def several(*values):
    return st.lists(st.sampled_from(values), min_size=1)


def test_layers_are_fused_at_each_scale_and_pooling():
    assert [fusion.name for fusion in fuse_grid(VGG19, *GRID, "layers")] == [
        "block4+block5-224-average",
        "block4+block5-224-max",
        "block4+block5-544-average",
        "block4+block5-544-max",
    ]


def test_scales_and_poolings_are_fused_for_what_is_left():
    assert len(fuse_grid(VGG19, *GRID, "scales")) == 4
    assert {fusion.pooling for fusion in fuse_grid(VGG19, *GRID, "poolings")} == {"max+average"}


def test_all_is_one_fusion_of_the_whole_grid():
    (fusion,) = fuse_grid(VGG19, *GRID, "all")
    assert fusion.name == "block4+block5-224+544-max+average"
    assert len(fusion.members) == 8


@pytest.mark.parametrize(("along", "noun"), [("scales", "scale"), ("all", "cell")])
def test_one_value_cannot_be_fused(along, noun):
    with pytest.raises(UsageError, match=f"only one {noun} to fuse. Choose at least two"):
        fuse_grid(VGG19, ["block5"], [224], ["max"], along)


@given(
    several("block1", "block5", "fc1"),
    several(224, 300, 544),
    several("max", "average"),
)
def test_a_name_leads_back_to_its_cell(layers, scales, poolings):
    parts = ("+".join(layers), "+".join(map(str, scales)), "+".join(poolings))
    cell = find_cell(VGG19, *parts)
    assert find_cell(VGG19, cell.layer, cell.scale, cell.pooling) == cell
    assert isinstance(cell, Cell) == (len(members(cell)) == 1)
    if isinstance(cell, Fusion):
        assert parse_fusion(VGG19, cell.name) == cell


@pytest.mark.parametrize("name", ["block5-224-max", "everything", "block4+block5", ""])
def test_what_is_no_fusion_is_refused(name):
    with pytest.raises(
        UsageError, match=re.escape(f"“{name}” is not a fusion. Use layers, scales")
    ):
        parse_fusion(VGG19, name)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("block4+block9-224-max", "Unknown layer “block9”"),
        ("block4+block5-wide-max", "“wide” is not a scale"),
        ("block4+block5-100-max", "input size 100 is not valid"),
        ("block4+block5-224-median", "Unknown pooling “median”"),
    ],
)
def test_a_fusion_of_what_does_not_exist_is_refused(name, sentence):
    with pytest.raises(UsageError, match=sentence):
        parse_fusion(VGG19, name)


def test_every_member_of_a_concatenation_has_length_one():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(5, 3)) * 1000, rng.normal(size=(5, 4))
    other[2] = 0
    fused = concatenate([one, other])
    assert fused.shape == (5, 7)
    assert np.allclose(np.linalg.norm(fused[:, :3], axis=1), 1)
    assert np.allclose(np.linalg.norm(fused[:, 3:], axis=1), [1, 1, 0, 1, 1])
    assert np.allclose(fused[0, 3:] * np.linalg.norm(other[0]), other[0], rtol=1e-5)


def test_a_single_member_is_left_as_it_is():
    one = np.arange(6.0).reshape(2, 3)
    assert concatenate([one]) is one
