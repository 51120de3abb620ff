import pytest

from medrecog_core.features.network_rates import NetworkPass, keep_rates
from medrecog_core.jobs.progress import Progress, Stage
from medrecog_core.networks import find_network, resolve_precision
from medrecog_core.runs import Run, create_run, forecast
from medrecog_core.runs.forecast import TRAINING, Forecast, forecast_run
from medrecog_core.runs.training_time import keep_training_times
from tests.clock import Clock
from tests.textures import N_IMAGES, specification


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(forecast, "time", clock)
    return clock


def extracting(scale: int, done: int, total: int = 100, rate: float = 0.0) -> Progress:
    return Progress(Stage(f"extract-{scale}", "Extracting"), done, total, rate, scale)


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
    assert expected.seconds_left(extracting(224, 0, total=0)) == 400


def test_a_run_from_the_store_takes_its_cells_only(finished: Run) -> None:
    again = create_run(finished.specification())
    left = forecast_run(again).seconds_left(HASHING)
    assert left is not None
    assert left == pytest.approx(sum(cell.seconds for cell in finished.cells()), rel=5)
    assert forecast_run(finished).seconds_left(HASHING) == 0


def test_a_new_run_takes_all_scales_at_the_measured_rate_and_all_cells(known: object) -> None:
    run = create_run(specification(layers=["block2"], scales=[224, 448], poolings=["max"]))
    assert forecast_run(run).seconds_left(HASHING) is None
    precision = resolve_precision("auto")
    keep_rates(find_network("vgg19"), precision, [NetworkPass("block2", 224, 100, 25.0)])
    left = forecast_run(run).seconds_left(HASHING)
    assert left is not None and 0.25 * N_IMAGES * (1 + 4) < left < 0.25 * N_IMAGES * (1 + 4) + 2
    keep_training_times([(3e8, 1.0)])
    left = forecast_run(run).seconds_left(HASHING)
    assert left == pytest.approx(0.25 * N_IMAGES * (1 + 4) + 2, rel=0.01)
