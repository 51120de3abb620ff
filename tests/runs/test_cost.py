import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medrecog_core.errors import MedrecogError
from medrecog_core.features import DescriptorKey, DescriptorStore
from medrecog_core.features.network_rates import NetworkPass, keep_rates
from medrecog_core.locations import CacheFolder
from medrecog_core.networks import find_network, resolve_precision
from medrecog_core.runs import (
    Cost,
    Run,
    ScaleCost,
    estimate_cost,
    extract_dataset,
    plan_run,
)
from medrecog_core.runs.cost import _bytes_of_entry
from tests.textures import N_IMAGES, add_textures, specification, write_textures

VGG19 = find_network("vgg19")
PRECISION = resolve_precision("auto")


def test_all_images_are_to_be_extracted_at_first_and_no_rate_is_known(known: Path) -> None:
    cost = estimate_cost(specification(scales=[544, 224]))
    assert [(s.scale, s.n_images, s.seconds) for s in cost.scales] == [
        (224, N_IMAGES, None),
        (544, N_IMAGES, None),
    ]
    for each in cost.scales:
        planned = plan_run(specification(scales=[each.scale])).scales[0]
        assert each.gflop == pytest.approx(N_IMAGES * planned.gflop)
    assert (cost.n_images, cost.n_unknown, cost.seconds) == (N_IMAGES, 0, None)
    assert cost.training_seconds is None
    assert cost.fits_on_disk


def test_asking_leaves_no_store_behind(known: Path, cache: CacheFolder) -> None:
    estimate_cost(specification())
    assert not cache.features.exists()


def test_nothing_is_to_be_extracted_of_what_is_in_the_store(finished: Run) -> None:
    cost = estimate_cost(specification())
    assert (cost.scales, cost.seconds, cost.n_bytes) == ((ScaleCost(224, 0, 0.0, 0.0),), 0, 0)
    assert cost.training_seconds is not None
    deeper = estimate_cost(specification(layers=["block1", "block3"]))
    assert deeper.scales[0].n_images == N_IMAGES


def test_the_cost_is_what_the_extraction_then_does(known: Path, cache: CacheFolder) -> None:
    extract_dataset(specification(layers=["block1"], sample=6))
    asked = specification(layers=["block1"])
    cost = estimate_cost(asked)
    assert 0 < cost.scales[0].n_images < N_IMAGES
    done = extract_dataset(asked).network_images
    assert done == {each.scale: each.n_images for each in cost.scales}


def test_images_of_one_content_count_once(tmp_path: Path) -> None:
    folder = write_textures(tmp_path / "images")
    shutil.copy(folder / "waves/waves-0.png", folder / "waves/again.png")
    add_textures(folder)
    assert estimate_cost(specification()).n_images == N_IMAGES


def test_time_is_images_times_the_measured_rate(known: Path) -> None:
    keep_rates(VGG19, PRECISION, [NetworkPass("block2", 224, 100, 25.0)])
    cost = estimate_cost(specification())
    assert cost.seconds == pytest.approx(0.25 * N_IMAGES)
    both = estimate_cost(specification(scales=[224, 448]))
    assert both.seconds == pytest.approx(0.25 * N_IMAGES * (1 + 4))


def test_encodings_count_the_local_descriptors_once(known: Path) -> None:
    asked = {"layers": ["block4"], "poolings": ["bow", "vlad"]}
    n_bytes = estimate_cost(specification(**asked)).n_bytes
    content = N_IMAGES * 14 * 14 * 512 * 2
    assert content < n_bytes < 1.01 * content


def test_wide_images_whose_proportions_are_kept_have_more_positions(tmp_path: Path) -> None:
    folder = write_textures(tmp_path / "images")
    Image.new("RGB", (144, 96), "red").save(folder / "waves/waves-0.png")
    add_textures(folder)
    asked = {"layers": ["block4"], "poolings": ["vlad"]}
    square = estimate_cost(specification(**asked)).n_bytes
    kept = estimate_cost(specification(**asked, preprocessing="keep-aspect")).n_bytes
    assert square < kept < 1.1 * square


@pytest.mark.parametrize("channels", [64, 256, 512, 1024, 4096, 100_000])
def test_the_bytes_are_about_what_entries_take_in_a_store(tmp_path: Path, channels: int) -> None:
    n = 500
    with DescriptorStore(tmp_path / "store") as store:
        empty = store.n_bytes
        key = DescriptorKey("a" * 64, "w" * 32, "squeeze-1", "float32", "block5", 224, "average")
        vector = np.zeros(channels, np.float32)
        store.put((replace(key, sha256=f"{i:064x}"), vector) for i in range(n))
        taken = (store.n_bytes - empty) / n
    assert 0.9 * taken < _bytes_of_entry(4 * channels) < 1.5 * taken


def test_a_disk_without_room_is_told() -> None:
    assert not Cost(1, 0, (), None, n_bytes=2, n_bytes_free=1).fits_on_disk


def test_an_unknown_data_set_gives_one_sentence(cache: CacheFolder) -> None:
    with pytest.raises(MedrecogError, match="Unknown data set “textures”"):
        estimate_cost(specification())
