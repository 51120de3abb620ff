import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from medrecog_core.classification.dual_form import DualForm
from medrecog_core.classification.primal_form import PrimalForm
from medrecog_core.classification.squared_hinge import minimise
from medrecog_core.errors import MedrecogError

FORMS = (DualForm, PrimalForm)


def problems(seed, n=25, channels=6, m=3):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, channels)) * 10.0 ** rng.uniform(-1, 1)
    signs = np.where(rng.random((n, m)) < 0.4, 1.0, -1.0)
    weights = rng.choice([0.0, 1.0, 2.5], size=(n, m))
    return rows, signs, weights


def objective(vector, rows, signs, costs):
    slack = np.maximum(0, 1 - signs * (rows @ vector[:-1] + vector[-1]))
    gradient = vector - np.append(rows.T @ (costs * signs * slack), (costs * signs * slack).sum())
    return vector @ vector / 2 + (costs * slack**2).sum() / 2, gradient


def solution(form, coefficients):
    weights, biases = form.weights(coefficients)
    return np.column_stack([weights, biases])


@pytest.mark.parametrize("kind", FORMS)
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(-3, 3), st.integers(1, 40))
def test_no_general_optimiser_finds_a_lower_objective(kind, seed, log_c, channels):
    rows, signs, weights = problems(seed, channels=channels)
    costs, form = 2 * 10**log_c * weights, kind(rows)
    start = np.zeros((form.n_coefficients, signs.shape[1]))
    found = solution(form, minimise(form, signs, costs, start))
    for j, vector in enumerate(found):
        arguments = (rows, signs[:, j], costs[:, j])
        value, gradient = objective(vector, *arguments)
        # An error e in the scores moves the gradient by up to e x cost x length.
        length = max(1, np.linalg.norm(rows, axis=1).max())
        steepness = max(1, costs[:, j].max()) * length
        assert np.linalg.norm(gradient) <= max(1e-3 / length, 1e-8 * steepness)
        other = minimize(objective, np.zeros(len(vector)), arguments, "BFGS", jac=True)
        assert value <= other.fun * (1 + 1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(-3, 3))
def test_both_forms_have_one_minimum(seed, log_c):
    rows, signs, weights = problems(seed)
    found = []
    for kind in FORMS:
        form = kind(rows)
        start = np.zeros((form.n_coefficients, signs.shape[1]))
        found.append(solution(form, minimise(form, signs, 2 * 10**log_c * weights, start)))
    np.testing.assert_allclose(*found, atol=1e-4)


@pytest.mark.parametrize("kind", FORMS)
def test_start_does_not_matter(kind):
    rows, signs, weights = problems(0)
    form = kind(rows)
    starts = np.random.default_rng(1).normal(size=(2, form.n_coefficients, signs.shape[1]))
    found = [
        solution(form, minimise(form, signs, 2 * weights, s)) for s in (0 * starts[0], *starts)
    ]
    np.testing.assert_allclose(found[1], found[0], atol=1e-6)
    np.testing.assert_allclose(found[2], found[0], atol=1e-6)


@pytest.mark.parametrize("kind", FORMS)
def test_problem_without_rows_has_weights_of_zero(kind):
    rows, signs, weights = problems(0)
    weights[:, 1] = 0
    form = kind(rows)
    found = minimise(form, signs, weights, np.ones((form.n_coefficients, 3)))
    np.testing.assert_allclose(solution(form, found)[1], 0, atol=1e-7)


def test_solver_that_fails_for_rounding_says_so_in_a_sentence():
    class Singular(PrimalForm):
        def solve(self, *_):
            raise np.linalg.LinAlgError

    rows, signs, weights = problems(0)
    form = Singular(rows)
    with pytest.raises(MedrecogError, match="too far apart: choose a normalisation"):
        minimise(form, signs, weights, np.zeros((form.n_coefficients, 3)))
