import pytest

from medrecog_core.datasets import check_health, library
from medrecog_core.images import Image
from medrecog_core.reports.data_description import describe_data
from tests.made_runs import rewrite_record
from tests.textures import CLASSES, NAME, PER_CLASS


def test_classes_are_counted_in_both_parts(finished):
    data = describe_data(finished)
    assert [row.label for row in data.counts] == list(CLASSES)
    assert [row.n_images for row in data.counts] == [PER_CLASS] * len(CLASSES)
    assert all(row.n_train + row.n_test == row.n_images for row in data.counts)
    assert data.total.n_test == len(finished.split().tested)


def test_groups_are_counted_in_each_part(finished):
    images = finished.images()
    finished.write_images(
        [Image(i.path, i.sha256, i.label, str(n // 2)) for n, i in enumerate(images)]
    )
    data = describe_data(finished)
    split = finished.split()
    assert data.n_train_groups == len({i // 2 for i in split.trained})
    assert data.n_test_groups == len({i // 2 for i in split.tested})


def test_what_the_health_check_found_is_told(finished):
    assert describe_data(finished).findings is None
    health = check_health(library.load(NAME))
    assert describe_data(finished).findings == tuple(f.title for f in health.findings)


def test_of_a_data_set_that_is_gone_the_record_tells(finished):
    rewrite_record(finished, dataset={"n_excluded": 3})
    library.remove(NAME)
    data = describe_data(finished)
    assert (data.n_excluded, data.excluded, data.findings) == (3, (("", 3),), None)


def test_reasons_of_exclusions_are_counted(finished):
    dataset = library.load(NAME)
    library.exclude(NAME, [i.path for i in dataset.images[:2]], reason="a marker")
    rewrite_record(finished, dataset={"fingerprint": library.load(NAME).fingerprint})
    assert describe_data(finished).excluded == (("a marker", 2),)


@pytest.fixture(autouse=True)
def no_picture_is_drawn(monkeypatch):
    monkeypatch.setattr("medrecog_core.datasets.demo.load", None)
