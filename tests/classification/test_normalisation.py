import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.decomposition import PCA
from sklearn.preprocessing import Normalizer, StandardScaler

from medrecog_core.classification import (
    NORMALISATIONS,
    FittedNormalisation,
    Normalisation,
    l2_normalise,
)
from medrecog_core.classification.normalisation import signed_square_root
from medrecog_core.errors import UsageError

ROWS = arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(1, 8)),
    # scikit-learn takes rows as short as float32's rounding for zeros.
    elements=st.just(0.0) | st.floats(0.125, 1e6, width=32),
)


def descriptors(n=40, channels=12, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.gamma(1, 3, size=(n, channels)) * rng.uniform(0.1, 9, channels)).astype(np.float32)


TRAIN, NEW = descriptors(), descriptors(7, seed=1)


@given(ROWS)
def test_normalised_rows_have_length_one_or_stay_zero(rows):
    lengths = np.linalg.norm(l2_normalise(rows), axis=1)
    np.testing.assert_allclose(lengths, (rows != 0).any(axis=1).astype(float), atol=1e-9)


@given(ROWS)
def test_l2_equals_scikit_learn_s_normalizer(rows):
    found = Normalisation("l2").fit(rows).apply(rows)
    np.testing.assert_allclose(found, Normalizer().transform(rows.astype(float)), atol=1e-12)


def test_none_leaves_descriptors_as_they_are():
    np.testing.assert_array_equal(Normalisation("none").fit(TRAIN).apply(NEW), NEW)


def test_standardise_equals_scikit_learn_s_scaler_of_the_training_part():
    train = TRAIN.copy()
    train[:, 3] = 5
    oracle = StandardScaler().fit(train.astype(float))
    found = Normalisation("standardise").fit(train).apply(NEW)
    np.testing.assert_allclose(found, oracle.transform(NEW.astype(float)))


def test_signed_square_root_keeps_signs_and_comes_before_l2():
    rows = np.array([[4.0, -9.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(signed_square_root(rows), [[2, -3, 0], [0, 0, 0]])
    found = Normalisation("signed-sqrt-l2").fit(rows).apply(rows)
    np.testing.assert_allclose(found, Normalizer().transform([[2.0, -3, 0], [0, 0, 0]]))


@pytest.mark.parametrize("kind", ["pca", "pca-whitened"])
@pytest.mark.parametrize(("n", "channels", "kept"), [(80, 12, 5), (80, 12, 12), (20, 90, 8)])
def test_pca_equals_scikit_learn_s(kind, n, channels, kept):
    train, new = descriptors(n, channels), descriptors(9, channels, seed=1)
    oracle = PCA(kept, whiten=kind == "pca-whitened", svd_solver="full").fit(train.astype(float))
    expected = oracle.transform(new.astype(float))
    found = Normalisation(kind, kept).fit(train).apply(new)
    # A component has no direction of its own.
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found * signs, expected, atol=1e-6)


def test_few_of_many_components_are_exact_too():
    train, new = descriptors(120, 200), descriptors(9, 200, seed=1)
    oracle = PCA(10, whiten=True, svd_solver="full").fit(train.astype(float))
    found = Normalisation("pca-whitened", 10).fit(train).apply(new)
    np.testing.assert_allclose(np.abs(found), np.abs(oracle.transform(new)), atol=1e-6)


@pytest.mark.parametrize("n_components", [7, 1000])
def test_pca_keeps_no_more_components_than_the_training_part_spans(n_components):
    train = np.repeat(descriptors(6, 30), 2, axis=0)
    fitted = Normalisation("pca-whitened", n_components).fit(train)
    assert fitted.apply(NEW[:, [0] * 30]).shape == (7, 5)
    np.testing.assert_allclose(fitted.apply(train).var(axis=0, ddof=1), 1)


def test_pca_of_images_that_are_all_alike_has_no_component():
    fitted = Normalisation("pca").fit(np.ones((5, 3)))
    assert fitted.apply(NEW[:, :3]).shape == (7, 0)


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_descriptor_of_zeros_has_finite_numbers(kind):
    fitted = Normalisation(kind, 4).fit(TRAIN)
    zeros = np.zeros((1, 12))
    assert np.isfinite(fitted.apply(zeros)).all()


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_arrays_bring_back_the_normalisation(kind):
    fitted = Normalisation(kind, 4).fit(TRAIN)
    again = FittedNormalisation.from_arrays(kind, fitted.to_arrays())
    np.testing.assert_array_equal(again.apply(NEW), fitted.apply(NEW))


@pytest.mark.parametrize("kind", ["standardise", "pca"])
@pytest.mark.parametrize("spoil", ["missing", "shape", "length", "not finite"])
def test_arrays_that_do_not_fit_are_refused(kind, spoil):
    saved = Normalisation(kind, 4).fit(TRAIN).to_arrays()
    if spoil == "missing":
        del saved["mean"]
    elif spoil == "shape":
        saved["projection"] = saved["projection"][None]
    elif spoil == "length":
        saved["mean"] = saved["mean"][1:]
    else:
        saved["mean"] = saved["mean"] * np.nan
    with pytest.raises(ValueError, match="normalisation"):
        FittedNormalisation.from_arrays(kind, saved)


def test_arrays_of_a_kind_that_learns_nothing_are_refused():
    with pytest.raises(ValueError, match="not those of the normalisation l2"):
        FittedNormalisation.from_arrays("l2", {"mean": np.ones(3)})


def test_unknown_kind_and_no_components_are_refused():
    with pytest.raises(UsageError, match=r"Unknown normalisation “zca”\. Available: none, l2"):
        Normalisation("zca")
    with pytest.raises(UsageError, match="cannot keep 0 components"):
        Normalisation("pca", 0)
