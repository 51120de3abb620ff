import numpy as np
import pytest

from medrecog_core.errors import MedrecogError, StoppedError, UsageError
from medrecog_core.features import Cell
from medrecog_core.features.cell import LOCAL
from medrecog_core.features.encodings import sample_local_descriptors
from medrecog_core.features.encodings.local_descriptors import check_room
from medrecog_core.networks import find_network

VGG19 = find_network("vgg19")


class Watched(list):
    """Local descriptors that know which images were read."""

    def __init__(self, images):
        super().__init__(images)
        self.read = []

    def __getitem__(self, i):
        self.read.append(i)
        return super().__getitem__(i)


@pytest.fixture
def numbered():
    """Local descriptors that name their image and position."""
    return Watched([np.array([[i, p] for p in range(9)]) for i in range(12)])


class TestSample:
    def test_every_image_gives_as_many_and_none_twice(self, numbered):
        drawn = sample_local_descriptors(numbered, 50, seed=0)
        assert len(drawn) == 48
        assert len({tuple(row) for row in drawn.tolist()}) == 48
        assert np.bincount(drawn[:, 0]).tolist() == [4] * 12
        assert sorted(numbered.read) == list(range(12))

    def test_all_are_drawn_where_there_are_fewer(self, numbered):
        drawn = sample_local_descriptors(numbered, 10_000, seed=0)
        assert len({tuple(row) for row in drawn.tolist()}) == 12 * 9

    def test_of_more_images_than_descriptors_some_are_not_even_read(self, numbered):
        drawn = sample_local_descriptors(numbered, 5, seed=0)
        assert len(set(drawn[:, 0].tolist())) == len(drawn) == len(numbered.read) == 5

    def test_one_seed_draws_the_same_and_another_others(self, numbered):
        first, again, other = (sample_local_descriptors(numbered, 24, seed=s) for s in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_it_can_be_stopped_and_tells_how_far_it_is(self, numbered):
        reports = []
        asked = iter([False, False, True])
        with pytest.raises(StoppedError):
            sample_local_descriptors(numbered, 24, 0, reports.append, lambda: next(asked))
        assert [(r.done, r.total) for r in reports] == [(0, 12), (1, 12), (2, 12)]


class TestRoom:
    def test_what_fits_passes(self):
        # 14 x 14 positions of 512 channels in two bytes each: 200,704 bytes an image.
        check_room(VGG19, [Cell("block4", 224, LOCAL)], 99_000)

    def test_what_does_not_fit_is_refused_with_its_size(self):
        cells = [Cell("block4", 224, LOCAL), Cell("block2", 224, LOCAL)]
        with pytest.raises(MedrecogError, match=r"100\.4 GB .* block2 at 224 px, but only 20 GB"):
            check_room(VGG19, cells, 100_000)

    def test_of_wide_images_the_widest_counts(self):
        cells = [Cell("block4", 224, LOCAL)]
        with pytest.raises(MedrecogError, match=r"up to 30\.1 GB"):
            check_room(VGG19, cells, 75_000, proportion=2)

    def test_pooled_cells_take_no_such_room(self):
        check_room(VGG19, [Cell("block1", 1184, "average")], 10**9)

    def test_the_setting_moves_the_bound(self, monkeypatch):
        cells = [Cell("block4", 224, LOCAL)]
        monkeypatch.setenv("MEDRECOG_LOCAL_DESCRIPTORS_GB", "0.1")
        with pytest.raises(MedrecogError, match=r"0\.1 GB are allowed"):
            check_room(VGG19, cells, 1000)
        monkeypatch.setenv("MEDRECOG_LOCAL_DESCRIPTORS_GB", "0.21")
        check_room(VGG19, cells, 1000)

    @pytest.mark.parametrize("value", ["much", "-1", "nan"])
    def test_a_setting_that_is_no_size_is_named(self, monkeypatch, value):
        monkeypatch.setenv("MEDRECOG_LOCAL_DESCRIPTORS_GB", value)
        with pytest.raises(UsageError, match=f"is “{value}”"):
            check_room(VGG19, [Cell("block4", 224, LOCAL)], 1)
