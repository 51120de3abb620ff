import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.errors import UsageError
from medrecog_core.features import ENCODINGS, POOLINGS, Cell, grid
from medrecog_core.features.cell import LOCAL
from medrecog_core.networks import find_network

VGG19 = find_network("vgg19")
LAYERS = [layer.name for layer in VGG19.layers]


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
        (["block9"], [224], ["max"], "no layer “block9”"),
        (["block1"], [10], ["max"], "scale 10 is not possible"),
        (["block1"], [224], ["median"], "no pooling “median”"),
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
    with pytest.raises(UsageError, match="no pooling “local”"):
        grid(VGG19, ["block1"], [224], [LOCAL])
