import pytest

from medrecog_core.features.network_rates import NetworkPass, keep_rates, seconds_an_image
from medrecog_core.locations import CacheFolder
from medrecog_core.networks import find_network
from medrecog_core.networks.summary import summarise

VGG19 = find_network("vgg19")


def test_there_is_no_rate_before_a_measurement() -> None:
    assert seconds_an_image(VGG19, "float32", "block5", 224) is None


def test_a_measured_rate_is_given_back() -> None:
    keep_rates(VGG19, "float32", [NetworkPass("block5", 224, 100, 25.0)])
    assert seconds_an_image(VGG19, "float32", "block5", 224) == 0.25
    assert seconds_an_image(VGG19, "bfloat16", "block5", 224) is None
    assert seconds_an_image(find_network("resnet50"), "float32", "conv5", 224) is None


def test_the_newest_measurement_counts() -> None:
    for seconds in (25.0, 50.0):
        keep_rates(VGG19, "float32", [NetworkPass("block5", 224, 100, seconds)])
    assert seconds_an_image(VGG19, "float32", "block5", 224) == 0.5


def test_another_scale_goes_by_the_multiplications() -> None:
    keep_rates(VGG19, "float32", [NetworkPass("block5", 224, 100, 25.0)])

    def gflop(scale: int) -> float:
        return sum(row.gflop for row in summarise(VGG19, scale) if row.name.startswith("block"))

    expected = 0.25 * gflop(544) / gflop(224)
    assert seconds_an_image(VGG19, "float32", "block5", 544) == pytest.approx(expected)


def test_the_nearest_scale_goes_before_others() -> None:
    passes = [NetworkPass("block5", 224, 100, 25.0), NetworkPass("block5", 864, 100, 900.0)]
    keep_rates(VGG19, "float32", passes)
    a_little_less = seconds_an_image(VGG19, "float32", "block5", 832)
    assert a_little_less is not None and 8 < a_little_less < 9


def test_a_shallower_layer_takes_less() -> None:
    keep_rates(VGG19, "float32", [NetworkPass("block5", 224, 100, 25.0)])
    shallow = seconds_an_image(VGG19, "float32", "block2", 224)
    assert shallow is not None and 0 < shallow < 0.25


def test_a_few_images_are_no_measurement() -> None:
    keep_rates(VGG19, "float32", [NetworkPass("block5", 224, 3, 25.0)])
    assert seconds_an_image(VGG19, "float32", "block5", 224) is None


@pytest.mark.parametrize("content", ["", "[1]", '[{"device": "x"}]', "{}", "null"])
def test_a_damaged_file_is_measured_again(cache: CacheFolder, content: str) -> None:
    cache.rates.parent.mkdir(parents=True, exist_ok=True)
    cache.rates.write_text(content)
    assert seconds_an_image(VGG19, "float32", "block5", 224) is None
    keep_rates(VGG19, "float32", [NetworkPass("block5", 224, 100, 25.0)])
    assert seconds_an_image(VGG19, "float32", "block5", 224) == 0.25
