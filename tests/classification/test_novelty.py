import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from medrecog_core.classification import NoveltyDetector, fit_novelty_detector
from medrecog_core.errors import MedrecogError


def like_training(seed, n, channels=20):
    rng = np.random.default_rng(seed)
    return np.abs(1 + 0.3 * rng.normal(size=(n, channels)))


def test_nearest_images_are_scikit_learn_s():
    train, new = like_training(0, 90), like_training(1, 17)
    oracle = NearestNeighbors(n_neighbors=4, metric="cosine").fit(train)
    distances, positions = oracle.kneighbors(new)
    found = fit_novelty_detector(train).nearest(new, 4)
    np.testing.assert_array_equal(found.positions, positions)
    np.testing.assert_allclose(found.distances, distances, atol=1e-6)


def test_usual_distances_leave_out_the_image_s_own_group():
    train = np.repeat(like_training(0, 30), 3, axis=0)
    groups = [f"g{i // 3}" for i in range(90)]
    assert fit_novelty_detector(train, k=2).usual.max() < 1e-6
    found = fit_novelty_detector(train, groups, k=2)
    assert found.usual.min() > 1e-4
    slow = []
    rows = train / np.linalg.norm(train, axis=1, keepdims=True)
    for i in range(90):
        others = [j for j in range(90) if groups[j] != groups[i]]
        slow.append(np.sort(1 - rows[others] @ rows[i])[:2].mean())
    np.testing.assert_allclose(found.usual, np.sort(slow), atol=1e-6)


def test_images_like_the_training_ones_alarm_about_as_often_as_asked():
    detector = fit_novelty_detector(like_training(0, 800), alarm=0.1)
    found = detector.examine(like_training(1, 2000))
    assert 0.06 < found.is_novel.mean() < 0.14
    assert abs(np.median(found.p_values) - 0.5) < 0.08


def test_unlike_images_alarm():
    detector = fit_novelty_detector(like_training(0, 200))
    unlike = np.eye(20)[:5]
    found = detector.examine(unlike)
    assert found.is_novel.all()
    np.testing.assert_allclose(found.p_values, 1 / 201)
    assert found.distances.min() > detector.usual.max()


def test_a_training_image_itself_is_not_novel():
    train = like_training(0, 50)
    assert not fit_novelty_detector(train).examine(train).is_novel.any()


def test_length_does_not_matter():
    detector = fit_novelty_detector(like_training(0, 50))
    new = like_training(1, 5)
    np.testing.assert_allclose(
        detector.examine(new * 1000).distances, detector.examine(new).distances, atol=1e-6
    )


def test_chunks_change_nothing(monkeypatch):
    train, groups = like_training(0, 50), [f"g{i // 2}" for i in range(50)]
    whole = fit_novelty_detector(train, groups)
    monkeypatch.setattr("medrecog_core.classification.novelty._ROWS_AT_ONCE", 7)
    np.testing.assert_allclose(fit_novelty_detector(train, groups).usual, whole.usual, atol=1e-6)


def test_few_training_images_make_k_smaller():
    detector = fit_novelty_detector(like_training(0, 4), ["a", "a", "b", "c"], k=5)
    assert detector.k == 2
    assert detector.nearest(like_training(1, 1), 9).positions.shape == (1, 4)


@pytest.mark.parametrize("groups", [["a", "a", "a"], ["a"]])
def test_images_of_a_single_group_are_refused(groups):
    with pytest.raises(MedrecogError, match="another"):
        fit_novelty_detector(like_training(0, len(groups)), groups)


def test_detector_survives_as_arrays_and_damaged_ones_are_refused():
    detector = fit_novelty_detector(like_training(0, 40))
    arrays = detector.to_arrays()
    new = like_training(1, 5)
    again = NoveltyDetector.from_arrays(arrays)
    np.testing.assert_array_equal(again.examine(new).p_values, detector.examine(new).p_values)
    for broken in (
        {"usual": arrays["usual"][::-1]},
        {"usual": arrays["usual"][1:]},
        {"descriptors": arrays["descriptors"] * np.nan},
        {"k": np.array(0)},
        {"alarm": np.array(2.0)},
    ):
        with pytest.raises(ValueError, match=r"training descriptors|novelty"):
            NoveltyDetector.from_arrays(arrays | broken)
