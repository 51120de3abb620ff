import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from medrecog_core.errors import UsageError
from medrecog_core.features.strongest_maps import ORDERS, strongest

FEATURE_MAPS = arrays(
    np.float32,
    array_shapes(min_dims=3, max_dims=3, max_side=6),
    elements=st.floats(-8, 8, width=16),
)


@given(FEATURE_MAPS, st.sampled_from(ORDERS), st.integers(1, 8))
def test_no_map_that_is_left_out_is_stronger(feature_map, order, n_maps):
    found = strongest(feature_map, order, n_maps)
    n_channels = feature_map.shape[-1]
    strength = [
        {"mean": np.mean, "maximum": np.max}[order](feature_map[:, :, i].astype(np.float64))
        for i in range(n_channels)
    ]
    expected = sorted(range(n_channels), key=lambda i: (-strength[i], i))[:n_maps]
    assert found.channels.tolist() == expected
    assert found.n_channels == n_channels
    for channel, mean, maximum, values in zip(
        found.channels, found.means, found.maxima, found.maps, strict=True
    ):
        np.testing.assert_array_equal(values, feature_map[:, :, channel])
        assert maximum == values.max()
        assert mean == pytest.approx(values.astype(np.float64).mean(), abs=1e-6)


@given(FEATURE_MAPS)
def test_pictures_are_white_at_the_maximum_and_black_at_zero_and_less(feature_map):
    found = strongest(feature_map, "maximum", 6)
    for values, pixels in zip(found.maps, found.pictures(), strict=True):
        assert (pixels[values <= 0] == 0).all()
        if values.max() > 0:
            assert (pixels[values == values.max()] == 255).all()


def test_orders_differ():
    feature_map = np.zeros((2, 2, 2), np.float32)
    feature_map[..., 0] = 2
    feature_map[0, 0, 1] = 5
    assert strongest(feature_map, "mean", 1).channels.tolist() == [0]
    assert strongest(feature_map, "maximum", 1).channels.tolist() == [1]


def test_unknown_order_and_no_maps_are_refused():
    with pytest.raises(UsageError, match="no order “size”: choose among mean, maximum"):
        strongest(np.zeros((1, 1, 1)), "size", 1)
    with pytest.raises(UsageError, match="0 maps"):
        strongest(np.zeros((1, 1, 1)), "mean", 0)
