import pytest

from medrecog_core.networks import find_network
from medrecog_core.networks.backend import import_keras
from medrecog_core.networks.summary import summarise

VGG19 = find_network("vgg19")


def test_parameters_and_shapes_at_224_are_those_of_keras():
    keras = import_keras()
    oracle = keras.applications.VGG19(include_top=False, weights=None, input_shape=(224, 224, 3))
    found = {row.name: row for row in summarise(VGG19, 224)}
    for layer in oracle.layers[1:]:
        row = found[layer.name]
        assert row.kind == type(layer).__name__
        assert row.n_parameters == layer.count_params()
        assert (row.side, row.side, row.channels) == tuple(layer.output.shape[1:])


def test_parameters_add_up_to_those_of_the_report():
    assert sum(row.n_parameters for row in summarise(VGG19, 224)) == 143_667_240


@pytest.mark.parametrize(("scale", "side"), [(224, 1), (544, 11), (864, 21), (1184, 31)])
def test_head_has_the_positions_of_the_report_s_scales(scale, side):
    rows = {row.name: row for row in summarise(VGG19, scale)}
    assert {rows[name].side for name in ("fc1", "fc2", "predictions")} == {side}


def test_multiplications_at_224_are_those_of_the_published_network():
    # 19.6 thousand million multiply-adds, counted twice (torchvision, vgg19: 19.63 GFLOPS).
    assert sum(row.gflop for row in summarise(VGG19, 224)) == pytest.approx(39.3, abs=0.1)


def test_receptive_fields_are_the_published_ones():
    # Araujo, Norris and Sim (2019), table of receptive fields, for the VGG design.
    rows = {row.name: row.receptive_field for row in summarise(VGG19, 224)}
    assert rows["block1_conv1"] == 3
    assert rows["block1_pool"] == 6
    assert rows["block2_pool"] == 16
    assert rows["block5_pool"] == 268
