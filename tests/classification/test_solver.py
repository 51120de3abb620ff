import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.utils.class_weight import compute_class_weight

from medrecog_core.classification import solver
from medrecog_core.classification.solver import DualForm, OneVsRest, PrimalForm, minimise
from medrecog_core.errors import MedrecogError, UsageError

LABELS = np.array(["a", "b", "b", "c", "c", "c", "a"])
PARTS = [np.array([0, 1, 2, 3, 4]), np.array([0, 3, 4, 6]), np.array([1, 2, 3, 6])]
FORMS = (DualForm, PrimalForm)


def test_each_class_of_a_part_has_a_boundary_and_two_share_one():
    problems = OneVsRest.of(LABELS, PARTS, "none")
    assert problems.classes == (("a", "b", "c"), ("a", "c"), ("a", "b", "c"))
    assert [problems.columns(i) for i in range(3)] == [slice(0, 3), slice(3, 4), slice(4, 7)]
    np.testing.assert_array_equal(problems.signs[:, 1], [-1, 1, 1, -1, -1, -1, -1])
    np.testing.assert_array_equal(problems.signs[:, 3], [-1, -1, -1, 1, 1, 1, -1])


def test_rows_outside_the_part_cost_nothing():
    problems = OneVsRest.of(LABELS, PARTS, "balanced")
    for i, part in enumerate(PARTS):
        costs = problems.weights[:, problems.columns(i)]
        assert (costs[part] > 0).all()
        assert (np.delete(costs, part, axis=0) == 0).all()


def test_balanced_weights_are_scikit_learn_s_on_the_positive_side():
    problems = OneVsRest.of(LABELS, PARTS[:1], "balanced")
    part = PARTS[0]
    expected = compute_class_weight("balanced", classes=np.array(["a", "b", "c"]), y=LABELS[part])
    for k, label in enumerate("abc"):
        costs = problems.weights[part, k]
        np.testing.assert_allclose(costs[LABELS[part] == label], expected[k])
        np.testing.assert_array_equal(costs[LABELS[part] != label], 1)


def test_balanced_weights_of_two_classes_are_on_both_sides():
    problems = OneVsRest.of(np.array(["a", "b", "b", "b"]), [np.arange(4)], "balanced")
    np.testing.assert_allclose(problems.weights[:, 0], [2, 2 / 3, 2 / 3, 2 / 3])


def test_part_of_one_class_is_refused():
    with pytest.raises(UsageError, match="has those of b"):
        OneVsRest.of(LABELS, [np.array([1, 2])], "none")
    with pytest.raises(UsageError, match="has those of none"):
        OneVsRest.of(LABELS, [np.array([], int)], "none")


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
    with pytest.raises(MedrecogError, match=r"too far apart\. Choose a normalisation"):
        minimise(form, signs, weights, np.zeros((form.n_coefficients, 3)))


def case(n=50, channels=80, m=4, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.abs(rng.normal(size=(n, channels)))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    active = rng.random((n, m)) < 0.7
    signs = np.where(rng.random((n, m)) < 0.4, 1.0, -1.0)
    return rows, active, signs, np.where(active, rng.uniform(0.1, 50, (n, m)), 0)


def slowly(rows, active, signs, costs):
    solved = np.zeros(active.shape)
    for j, part in enumerate(active.T):
        matrix = rows[part] @ rows[part].T + 1 + np.diag(1 / costs[part, j])
        solved[part, j] = np.linalg.solve(matrix, signs[part, j])
    return solved


@pytest.mark.parametrize("fewest_iterations", [0, 10**9])
def test_iterating_and_factors_solve_the_equations_of_the_active_rows(
    monkeypatch, fewest_iterations
):
    monkeypatch.setattr(solver, "_FEWEST_ITERATIONS", fewest_iterations)
    monkeypatch.setattr(solver, "_PRODUCTS_OVER_FACTORS", 100)
    rows, active, signs, costs = case()
    form = DualForm(rows)
    start = np.random.default_rng(1).normal(size=active.shape)
    found, exact = form.solve(active, signs, costs, start, np.full(4, 1e-7))
    assert exact.all() == bool(fewest_iterations)
    np.testing.assert_allclose(found, slowly(rows, active, signs, costs), atol=1e-6)


def test_iterating_that_takes_too_long_gives_way_to_factors(monkeypatch):
    monkeypatch.setattr(solver, "_FEWEST_ITERATIONS", 0)
    monkeypatch.setattr(solver, "_PRODUCTS_OVER_FACTORS", 0.3)
    rows, active, signs, costs = case()
    found, exact = DualForm(rows).solve(active, signs, costs, 0 * costs, np.full(4, 1e-12))
    assert exact.all()
    np.testing.assert_allclose(found, slowly(rows, active, signs, costs), atol=1e-10)


def test_weights_and_scores_are_those_of_the_sum_of_rows():
    rows, *_ = case()
    coefficients = np.random.default_rng(2).normal(size=(50, 3))
    form = DualForm(rows)
    weights, biases = form.weights(coefficients)
    np.testing.assert_allclose(weights, coefficients.T @ rows)
    np.testing.assert_allclose(form.scores(coefficients), rows @ weights.T + biases)
    np.testing.assert_allclose(
        form.products(coefficients, coefficients, form.scores(coefficients)),
        (weights**2).sum(axis=1) + biases**2,
    )


def test_error_bound_holds():
    rows, *_ = case()
    one, other = np.random.default_rng(3).normal(size=(2, 50, 3))
    form = DualForm(rows)
    vectors = [np.column_stack(form.weights(c)) for c in (one, other)]
    lengths = np.linalg.norm(vectors[0] - vectors[1], axis=1)
    longest = np.sqrt((rows**2).sum(axis=1).max() + 1)
    assert (form.error_bounds(one, other) >= longest * lengths).all()


def few_channels():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 7))
    active = rng.random((50, 4)) < 0.7
    signs = np.where(rng.random((50, 4)) < 0.4, 1.0, -1.0)
    return rows, active, signs, np.where(active, rng.uniform(0.1, 50, (50, 4)), 0)


def test_solution_is_weighted_ridge_regression_on_the_active_rows():
    rows, active, signs, costs = few_channels()
    found, exact = PrimalForm(rows).solve(active, signs, costs, np.zeros((8, 4)), np.zeros(4))
    assert exact.all()
    extended = np.column_stack([rows, np.ones(50)])
    for j in range(4):
        matrix = np.eye(8) + (extended.T * costs[:, j]) @ extended
        expected = np.linalg.solve(matrix, extended.T @ (costs[:, j] * signs[:, j]))
        np.testing.assert_allclose(found[:, j], expected)


def test_weights_and_scores_are_the_coefficients_own():
    rows, *_ = few_channels()
    coefficients = np.random.default_rng(1).normal(size=(8, 3))
    form = PrimalForm(rows)
    weights, biases = form.weights(coefficients)
    np.testing.assert_allclose(form.scores(coefficients), rows @ weights.T + biases)
    np.testing.assert_allclose(
        form.products(coefficients, coefficients, form.scores(coefficients)),
        (weights**2).sum(axis=1) + biases**2,
    )


def test_error_bound_is_the_gradient_times_the_longest_row():
    rows, *_ = few_channels()
    rng = np.random.default_rng(2)
    coefficients, duals = rng.normal(size=(8, 3)), rng.normal(size=(50, 3))
    extended = np.column_stack([rows, np.ones(50)])
    expected = np.linalg.norm(coefficients - extended.T @ duals, axis=0)
    expected = expected * np.linalg.norm(extended, axis=1).max()
    np.testing.assert_allclose(PrimalForm(rows).error_bounds(coefficients, duals), expected)
