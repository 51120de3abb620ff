"""Which engine computes: asked for, able, measured or the one that starts fastest."""

from dataclasses import dataclass

import numpy as np
import pytest

from medrecog_core.atomic_file import read_json
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.networks import Device, find_network
from medrecog_core.networks.engines import AUTO, ENGINES, choice, choose_engine, possible_engines
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from tests.tiny_network import TINY, tiny, tiny_arrays, write_npz

__all__ = ["tiny"]
VGG19 = find_network("vgg19")
MANY = 10_000


@dataclass
class Fake:
    """An engine that takes a stated time for an image, on a clock of the test."""

    name: str
    clock: list[float]
    seconds: float
    version: str = "1"
    able: bool = True
    n_graphs: int = 0

    @property
    def title(self):
        return self.name

    def computes(self, network, layers, precision):
        return self.able

    def graph(self, network, readings, precision, read):
        self.n_graphs += 1
        return self

    def read(self, images, places):
        self.clock[0] += self.seconds * len(images)
        return [np.zeros((len(images), 1), np.float32) for _ in places]


@pytest.fixture
def engines(monkeypatch):
    clock = [0.0]
    fakes = {"light": Fake("light", clock, 2.0), "fast": Fake("fast", clock, 1.0)}
    monkeypatch.setattr(choice, "ENGINES", fakes)
    monkeypatch.setattr(choice.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(choice.tensorflow, "ENGINE", fakes["fast"])
    monkeypatch.setattr(choice, "find_device", lambda: Device("cpu", "one", 2, False))
    return fakes


def chosen(n_images=0, asked=AUTO, precision="float32"):
    return choose_engine(VGG19, ["block1"], precision, IDENTITY, asked, n_images).engine.name


IDENTITY = "vgg19-imagenet-8bit-5dd271873bdd"


def test_few_images_go_through_what_starts_fastest_without_a_measurement(engines, cache):
    assert chosen() == chosen(n_images=10) == "light"
    assert not cache.engines.exists()


def test_many_images_go_through_the_fastest_which_is_measured_once(engines, cache):
    assert chosen(MANY) == "fast"
    assert chosen(MANY) == "fast"
    assert [fake.n_graphs for fake in engines.values()] == [1, 1]
    (row,) = read_json(cache.engines)
    assert row["images_a_second"] == {"light": 0.5, "fast": 1.0}


def test_another_version_or_processor_is_measured_anew(engines, monkeypatch):
    chosen(MANY)
    engines["light"].version, engines["light"].seconds = "2", 0.5
    assert chosen(MANY) == "light"
    monkeypatch.setattr(choice, "find_device", lambda: Device("cpu", "other", 2, False))
    engines["light"].seconds = 3.0
    assert chosen(MANY) == "fast"


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"images_a_second": {"light": -1}}]'])
def test_a_damaged_measurement_is_made_again(engines, cache, content):
    cache.root.mkdir(parents=True)
    cache.engines.write_text(content)
    assert chosen(MANY) == "fast"


def test_an_engine_that_is_asked_for_is_taken_or_refused_with_the_reason(engines):
    assert chosen(MANY, "light") == "light"
    with pytest.raises(UsageError):
        chosen(asked="abacus")
    engines["light"].able = False
    with pytest.raises(MedrecogError, match="cannot compute"):
        chosen(asked="light")
    engines["light"].version = ""
    with pytest.raises(MedrecogError, match="not installed"):
        chosen(asked="light")


def test_what_is_not_installed_or_not_able_is_passed_over(engines):
    engines["light"].version = ""
    assert chosen() == "fast"
    engines["light"].version, engines["light"].able = "1", False
    assert chosen() == "fast"


def test_a_gpu_is_tensorflow_s(engines, monkeypatch):
    monkeypatch.setattr(choice, "find_device", lambda: Device("gpu", "one", 2, True))
    assert chosen() == chosen(MANY) == "fast"


def test_the_real_engines_are_measured_on_a_real_network(tiny, tmp_path, cache):
    from medrecog_core.networks import import_weights

    weights = import_weights(TINY, write_npz(tmp_path / "tiny.npz", tiny_arrays()))
    choice_made = choose_engine(TINY, ["fc2"], "float32", weights.identity, AUTO, MANY)
    (row,) = read_json(cache.engines)
    assert set(row["images_a_second"]) == set(ENGINES)
    rates = row["images_a_second"]
    assert choice_made.engine.name == max(rates, key=rates.get)
    assert all(ENGINES[name].title in choice_made.why for name in rates)


def possible(asked=AUTO):
    return [engine.name for engine in possible_engines(VGG19, ["block1"], "float32", asked)]


def test_before_a_measurement_every_able_engine_is_possible_and_afterwards_two(engines):
    engines["slow"] = Fake("slow", engines["light"].clock, 5.0)
    assert possible() == ["light", "fast", "slow"]
    chosen(MANY)
    assert possible() == ["light", "fast"]
    assert possible("slow") == ["slow"]


def test_a_read_only_view_takes_a_fixed_order(engines, monkeypatch, cache):
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    assert chosen(n_images=MANY) == "light"
    assert engines["fast"].n_graphs == 0
    assert not cache.engines.exists()
