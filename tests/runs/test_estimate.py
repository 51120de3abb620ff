import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medrecog_core.datasets import Dataset
from medrecog_core.errors import MedrecogError
from medrecog_core.features import DescriptorKey, DescriptorStore
from medrecog_core.features.cost import NetworkPass, keep_rates
from medrecog_core.jobs.progress import Progress, Stage
from medrecog_core.locations import CacheFolder
from medrecog_core.networks import find_network, resolve_precision
from medrecog_core.networks.summary import summarise
from medrecog_core.runs import (
    Cost,
    Run,
    RunSpecification,
    ScaleCost,
    create_run,
    estimate,
    estimate_cost,
    extract_dataset,
    plan_run,
)
from medrecog_core.runs.estimate import (
    TRAINING,
    Forecast,
    _bytes_of_entry,
    expect_small_test,
    forecast_run,
)
from medrecog_core.runs.extracted_dataset import load_sample
from medrecog_core.runs.training_time import keep_training_times
from tests.clock import Clock
from tests.textures import N_IMAGES, add_textures, specification, write_textures

VGG19 = find_network("vgg19")
PRECISION = resolve_precision("auto")


def planned(**changes):
    asked = {"dataset": "demo", "layers": ["block5"], "precision": "float32", **changes}
    return plan_run(RunSpecification.from_document(asked))


@pytest.fixture
def free(monkeypatch):
    """Say how much memory is free."""

    def say(n_bytes):
        class Memory:
            available = n_bytes

        monkeypatch.setattr(estimate.psutil, "virtual_memory", lambda: Memory)

    return say


def test_a_plan_has_every_scale_once_the_smallest_first():
    found = planned(scales=[544, 224, 544])
    assert [scale.scale for scale in found.scales] == [224, 544]
    assert found.n_cells == 4
    assert found.n_bytes == max(scale.memory.n_bytes for scale in found.scales)


def test_members_of_fusions_outside_the_grid_are_planned_too():
    found = planned(layers=["block2"], fuse=["block3-224-max+average", "block1+block5-544-max"])
    assert [scale.scale for scale in found.scales] == [224, 544]
    assert found.scales[0].gflop == planned(layers=["block3"]).scales[0].gflop
    assert found.scales[1] == planned(layers=["block5"], scales=[544]).scales[0]
    assert found.n_bytes == found.scales[1].memory.n_bytes


def test_multiplications_are_those_of_the_layers_that_are_needed():
    from medrecog_core.networks import find_network

    rows = summarise(find_network("vgg19"), 224)
    blocks = sum(row.gflop for row in rows if row.name.startswith("block"))
    assert planned().scales[0].gflop == pytest.approx(blocks)
    assert planned(layers=["block1"]).scales[0].gflop < blocks / 5


def test_what_fits_is_not_warned_of(free):
    free(2**40)
    assert planned(scales=[224, 1184]).warning == ""


def test_a_warning_says_what_is_free_and_which_scales_fit(free):
    free(1_500_000_000)
    sentence = planned(scales=[224, 544, 1184]).warning
    assert "1.5 GB are free" in sentence
    assert "use input sizes up to 544" in sentence
    assert sentence.endswith(".") and "\n" not in sentence
    free(10**8)
    assert "choose fewer layers" in planned().warning


def test_the_words_tell_images_at_once_and_memory():
    small, large = planned(scales=[224, 1184]).scales
    assert (
        small.words == f"224: 8 images at once, about {small.memory.n_bytes / 1e9:.1f} GB of memory"
    )
    assert large.words.startswith("1184: 1 image at once, about ")


def test_the_document_is_json():
    document = json.loads(json.dumps(planned(preprocessing="keep-aspect").to_document()))
    assert document["scales"][0]["images_at_once"] == 8
    assert document["scales"][0]["memory_bytes"] == document["memory_bytes"]
    assert document["preprocessing"].startswith("proportions kept")


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


def test_the_classes_that_will_be_tested_with_few_images_are_known_before(finished: Run) -> None:
    expected = finished.small_test()
    assert expected is not None
    assert estimate_cost(specification()).small_test == expected
    assert expect_small_test(specification()) == expected
    assert expect_small_test(specification(dataset="gone")) is None


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


def test_each_view_is_a_pass(known: Path) -> None:
    keep_rates(VGG19, PRECISION, [NetworkPass("block2", 224, 100, 25.0)])
    cost = estimate_cost(specification(views=10))
    assert cost.seconds == pytest.approx(10 * 0.25 * N_IMAGES)
    assert cost.n_bytes == estimate_cost(specification()).n_bytes
    assert planned(views=10).scales[0].gflop == pytest.approx(10 * planned().scales[0].gflop)


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


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(estimate, "time", clock)
    return clock


def extracting(
    scale: int, done: int, total: int = 100, rate: float = 0.0, found: int = 0
) -> Progress:
    stage = Stage(f"extract-{scale}", "Extracting")
    return Progress(stage, done, total, rate, scale, found=found)


HASHING = Progress(Stage("hash-files", "Reading files"), 1, 100)
ENCODING = Stage("encode", "Encoding images")


def test_what_was_measured_before_counts_until_the_run_shows_more(clock: Clock) -> None:
    expected = Forecast({224: 100.0, 448: 400.0}, [10.0, 10.0])
    assert expected.seconds_left(HASHING) == 520
    assert expected.seconds_left(extracting(224, 50)) == 50 + 400 + 20


def test_all_scales_go_at_the_pace_of_the_one_at_work(clock: Clock) -> None:
    expected = Forecast({224: 100.0, 448: 400.0}, [10.0, 10.0])
    # Half as fast as was measured: 0.5 images a second, not 1.
    assert expected.seconds_left(extracting(224, 50, rate=0.5)) == 100 + 800 + 20
    assert expected.seconds_left(extracting(448, 0)) == 800 + 20
    assert expected.seconds_left(extracting(448, 100, rate=0.125)) == 20


def test_without_any_measurement_the_first_scale_tells_what_the_others_take(clock: Clock) -> None:
    expected = Forecast({224: 1_000.0, 448: 4_000.0}, [10.0], scales_pace=None)
    assert expected.seconds_left(HASHING) is None
    assert expected.seconds_left(extracting(224, 8)) is None
    assert expected.seconds_left(extracting(224, 50, rate=1.0)) == 50 + 400 + 10


def test_without_a_measurement_of_cells_the_first_cell_tells_what_the_others_take(
    clock: Clock,
) -> None:
    expected = Forecast({224: 100.0}, [1e6, 3e6], cells_pace=None)
    assert expected.seconds_left(extracting(224, 50, rate=1.0)) is None
    assert expected.seconds_left(Progress(TRAINING, 0, 2)) is None
    clock.now += 2
    assert expected.seconds_left(Progress(TRAINING, 1, 2)) == 6
    clock.now += 4
    assert expected.seconds_left(Progress(ENCODING, 3, 9)) == 2
    clock.now += 4
    assert expected.seconds_left(Progress(ENCODING, 5, 9)) == 0
    assert expected.seconds_left(Progress(TRAINING, 2, 2)) == 0


def test_a_small_cell_says_little_of_large_ones(clock: Clock) -> None:
    expected = Forecast({}, [1.0, 10.0, 19.0])
    expected.seconds_left(Progress(TRAINING, 0, 3))
    clock.now += 12  # twelve times as long as was expected
    left = expected.seconds_left(Progress(TRAINING, 1, 3))
    assert left == pytest.approx(29 * (12 + 10) / (1 + 10))
    clock.now += 20
    left = expected.seconds_left(Progress(TRAINING, 2, 3))
    assert left == pytest.approx(19 * (32 + 10) / (11 + 10))


def test_what_another_process_extracted_meanwhile_is_not_waited_for(clock: Clock) -> None:
    expected = Forecast({224: 100.0, 448: 400.0}, [])
    assert expected.seconds_left(extracting(224, 100, found=100)) == 400


def test_what_an_earlier_attempt_did_is_not_expected_again(clock: Clock) -> None:
    expected = Forecast({224: 100.0}, [10.0, 30.0])
    # 100 seconds for the 50 images that are missing of 150.
    assert expected.seconds_left(extracting(224, 125, total=150, found=100)) == 50 + 40
    assert expected.seconds_left(extracting(224, 125, 150, rate=0.25, found=100)) == 100 + 40
    assert expected.seconds_left(Progress(TRAINING, 3, 5, found=3)) == 40
    clock.now += 10
    assert expected.seconds_left(Progress(TRAINING, 4, 5, found=3)) == 30


def loaded(run: Run) -> Dataset:
    dataset, _ = load_sample(run.specification())
    return dataset


def test_a_run_from_the_store_takes_its_cells_only(finished: Run) -> None:
    again = create_run(finished.specification())
    left = forecast_run(again, loaded(again)).seconds_left(HASHING)
    assert left is not None
    assert left == pytest.approx(sum(cell.seconds for cell in finished.cells()), rel=5)
    assert forecast_run(finished, loaded(finished)).seconds_left(HASHING) == 0


def test_a_new_run_takes_all_scales_at_the_measured_rate_and_all_cells(known: object) -> None:
    run = create_run(specification(layers=["block2"], scales=[224, 448], poolings=["max"]))
    assert forecast_run(run, loaded(run)).seconds_left(HASHING) is None
    precision = resolve_precision("auto")
    keep_rates(find_network("vgg19"), precision, [NetworkPass("block2", 224, 100, 25.0)])
    left = forecast_run(run, loaded(run)).seconds_left(HASHING)
    assert left is not None and 0.25 * N_IMAGES * (1 + 4) < left < 0.25 * N_IMAGES * (1 + 4) + 2
    keep_training_times([(3e8, 1.0)])
    left = forecast_run(run, loaded(run)).seconds_left(HASHING)
    assert left == pytest.approx(0.25 * N_IMAGES * (1 + 4) + 2, rel=0.01)
