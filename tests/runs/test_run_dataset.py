import pytest

from medrecog_core.datasets import draw_sample, library
from medrecog_core.runs.run_dataset import dataset_of_run
from tests.textures import NAME


@pytest.fixture(autouse=True)
def no_picture_is_drawn(monkeypatch):
    monkeypatch.setattr("medrecog_core.datasets.demo_folder.load", None)


def test_the_data_set_of_a_run_is_found_as_it_is_kept(finished):
    assert dataset_of_run(finished) == library.load(NAME)


def test_a_data_set_that_changed_since_is_not_what_the_run_saw(finished):
    library.exclude(NAME, [library.load(NAME).images[0].path], reason="a marker")
    assert dataset_of_run(finished) is None


def test_a_data_set_that_is_gone_is_not_found(finished):
    library.remove(NAME)
    assert dataset_of_run(finished) is None


def test_the_whole_set_of_a_sample_is_found(finished):
    from dataclasses import replace

    from medrecog_core import atomic_file

    dataset = library.load(NAME)
    asked = {**finished.specification().to_document(), "sample": 6, "seed": 3}
    atomic_file.write_json(finished.path / "specification.json", asked)
    record = finished.record()
    seen = replace(dataset, images=draw_sample(dataset.images, 6, 3).images)
    record["dataset"]["fingerprint"] = seen.fingerprint
    finished.write_record(record)
    assert dataset_of_run(finished) == dataset
