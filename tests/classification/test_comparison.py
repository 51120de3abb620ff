from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, ttest_rel
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from medrecog_core.classification import (
    ScoredImages,
    compare,
    compare_with_best,
    holm,
    mcnemar_p_value,
)
from medrecog_core.classification.comparison import BOOTSTRAP, DELONG, MCNEMAR
from medrecog_core.classification.delong import delong_covariances
from medrecog_core.errors import MedrecogError


def answers(right, groups=(), seed=0):
    """Two classes, half of the images of each, some of them right."""
    truth = np.arange(len(right)) % 2
    predicted = np.where(right, truth, 1 - truth)
    size = np.random.default_rng(seed).uniform(0.5, 2, len(right))
    scores = np.where(predicted == 1, size, -size)
    labels = [("a", "b")[i] for i in truth]
    return ScoredImages.of(labels, np.column_stack([-scores, scores]), ("a", "b"), groups)


def cells(n_right, n=400, seed=0, groups=()):
    """Results whose mistakes are independent of each other."""
    rng = np.random.default_rng(seed)
    found = []
    for i, right in enumerate(n_right):
        where = np.zeros(n, dtype=bool)
        where[rng.permutation(n)[:right]] = True
        found.append(answers(where, groups, seed=i))
    return found


@pytest.mark.parametrize("counts", [(7, 1), (150, 86), (0, 6), (5, 5), (121, 59)])
def test_mcnemar_equals_statsmodels(counts):
    n_one, n_other = counts
    table = [[10, n_one], [n_other, 3]]
    assert mcnemar_p_value(n_one, n_other) == pytest.approx(mcnemar(table, exact=True).pvalue)


def test_mcnemar_has_the_published_value():
    # Fagerland, Lydersen and Laake (2013), BMC Medical Research Methodology 13:91: the exact
    # conditional test on the airways of 21 children, 1 against 7, gives 0.070.
    assert mcnemar_p_value(1, 7) == pytest.approx(0.0703, abs=5e-5)
    assert mcnemar_p_value(0, 0) == 1


def test_holm_s_correction_has_the_published_values():
    # Holm (1979), worked by hand: the smallest of m p-values m times, the next m - 1 times.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    assert holm([]).shape == (0,)


@settings(max_examples=20)  # statsmodels takes half a second for each
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_s_correction_equals_statsmodels(p_values):
    expected = multipletests(p_values, method="holm")[1]
    np.testing.assert_allclose(holm(p_values), expected, atol=1e-12)


def test_independent_images_are_compared_by_mcnemar_s_test():
    one, other = cells([370, 340])
    found = compare(one, other)
    assert found.method == MCNEMAR
    assert found.p_value == mcnemar_p_value(found.n_only_one_right, found.n_only_other_right)
    assert found.difference == pytest.approx(30 / 400)
    assert found.n_only_one_right - found.n_only_other_right == 30
    assert found.low < found.difference < found.high


def test_interval_of_a_difference_is_as_wide_as_that_of_paired_proportions():
    one, other = cells([370, 340])
    found = compare(one, other)
    differences = one.right.astype(float) - other.right
    error = differences.std(ddof=1) / np.sqrt(400)
    assert found.high - found.low == pytest.approx(2 * 1.966 * error, rel=0.06)


def placements(scores, is_member):
    """DeLong's components by their definition: each member against each other image."""
    members, others = scores[is_member], scores[~is_member]
    wins = (members[:, None] > others).astype(float) + (members[:, None] == others) / 2
    return wins.mean(axis=1), wins.mean(axis=0)


@given(
    n_members=st.integers(2, 12),
    n_others=st.integers(2, 12),
    n_values=st.integers(1, 30),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_covariances_of_areas_are_those_of_the_definition(n_members, n_others, n_values, seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(n_values, size=(3, n_members + n_others)) / 7
    is_member = rng.permutation(np.arange(n_members + n_others) < n_members)
    parts = [placements(row, is_member) for row in scores]
    expected = np.cov([of_members for of_members, _ in parts]) / n_members
    expected += np.cov([of_others for _, of_others in parts]) / n_others
    np.testing.assert_allclose(delong_covariances(scores, is_member), expected, atol=1e-12)


def of_scores(truth, scores, groups=()):
    labels = [("a", "b")[int(i)] for i in truth]
    return ScoredImages.of(labels, np.column_stack([-scores, scores]), ("a", "b"), groups)


def test_areas_of_independent_images_are_compared_by_delong_s_test():
    rng = np.random.default_rng(3)
    truth = np.arange(90) % 3 == 0
    common = rng.normal(size=90)
    first, other = (truth * d + common + rng.normal(size=90) for d in (1.6, 0.9))
    found = compare(of_scores(truth, first), of_scores(truth, other), "auc")
    (v10, v01), (w10, w01) = (placements(scores, truth) for scores in (first, other))
    error = np.sqrt(np.var(v10 - w10, ddof=1) / 30 + np.var(v01 - w01, ddof=1) / 60)
    assert found.method == DELONG
    assert found.difference == pytest.approx(v10.mean() - w10.mean())
    assert found.p_value == pytest.approx(2 * norm.sf(abs(found.difference) / error))
    ends = norm.interval(0.95, found.difference, error)
    assert (found.low, found.high) == pytest.approx(ends)
    # Resampling images says about the same, and whole groups are always resampled.
    groups = [f"g{i // 2}" for i in range(90)]
    grouped = compare(of_scores(truth, first, groups), of_scores(truth, other, groups), "auc")
    assert grouped.method == BOOTSTRAP


def test_equal_areas_differ_in_about_5_of_100_cases():
    n_found = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        truth = np.arange(120) % 4 == 0
        common = rng.normal(size=120) + truth
        one, other = (of_scores(truth, common + rng.normal(size=120)) for _ in range(2))
        n_found += compare(one, other, "auc").p_value <= 0.05
    assert 10 <= n_found <= 32


def test_groups_are_compared_by_bootstrap_and_make_it_less_sure():
    one, other = cells([370, 340])
    alone = compare(one, other)
    order = np.argsort(one.right.astype(int) - other.right, kind="stable")
    groups = np.empty(400, dtype=object)
    groups[order] = [f"group {i // 20}" for i in range(400)]
    grouped = compare(*(replace_groups(images, groups) for images in (one, other)))
    assert grouped.method == BOOTSTRAP
    assert grouped.n_units == 20
    assert grouped.p_value > alone.p_value
    assert grouped.high - grouped.low > alone.high - alone.low


def replace_groups(images, groups):
    labels = [images.classes[i] for i in images.truth]
    return ScoredImages.of(labels, images.scores, images.classes, groups.tolist())


@pytest.mark.parametrize("measure", ["accuracy", "balanced_accuracy", "macro_f1", "auc"])
def test_the_other_way_round_the_difference_changes_sign_and_no_more(measure):
    one, other = cells([370, 340], groups=[f"g{i // 3}" for i in range(400)])
    there, back = compare(one, other, measure), compare(other, one, measure)
    assert back.difference == pytest.approx(-there.difference)
    assert back.p_value == pytest.approx(there.p_value)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))


@pytest.mark.parametrize("measure", ["accuracy", "auc", "specificity"])
def test_a_result_does_not_differ_from_itself(measure):
    (one,) = cells([370])
    found = compare(one, one, measure)
    assert (found.difference, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_few_groups_that_differ_prove_nothing():
    right = np.ones(300, dtype=bool)
    wrong = right.copy()
    wrong[:12] = False
    groups = [f"g{i // 3}" for i in range(300)]
    found = compare(answers(right, groups), answers(wrong, groups))
    assert found.p_value >= 2 * 0.5**4


def test_right_everywhere_against_wrong_everywhere_differs():
    one, other = answers(np.ones(40, bool)), answers(np.zeros(40, bool))
    for measure in ("accuracy", "balanced_accuracy", "auc"):
        assert compare(one, other, measure).p_value < 1e-9


def test_best_and_those_like_it_are_found():
    found = compare_with_best(cells([360, 366, 300, 250]))
    assert [ranked.is_best for ranked in found] == [False, True, False, False]
    assert [ranked.is_indistinguishable for ranked in found] == [True, True, False, False]
    assert found[1].comparison is None


def test_correction_is_for_all_pairs_as_the_best_is_one_of_them():
    results = cells([360, 366, 300, 250])
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    adjusted = dict(
        zip(pairs, holm([compare(results[i], results[j]).p_value for i, j in pairs]), strict=True)
    )
    found = compare_with_best(results)
    for i in (0, 2, 3):
        expected = adjusted[min(i, 1), max(i, 1)]
        assert found[i].adjusted_p_value == pytest.approx(expected, rel=1e-9)
        assert found[i].comparison == compare(results[1], results[i])


def test_many_cells_need_more_evidence_than_two():
    pair = cells([370, 345])
    many = cells([370, 345, *[344] * 30])
    assert not compare_with_best(pair)[1].is_indistinguishable
    assert compare_with_best(many)[1].is_indistinguishable


def test_one_cell_is_the_best_and_none_gives_none():
    (only,) = compare_with_best(cells([100]))
    assert only.is_best
    assert only.is_indistinguishable
    assert compare_with_best([]) == []


def test_comparing_cells_as_a_whole_equals_comparing_pairs():
    results = cells([370, 350, 320], groups=[f"g{i // 4}" for i in range(400)])
    for i, ranked in enumerate(compare_with_best(results, "macro_f1")):
        if i:
            assert ranked.comparison == compare(results[0], results[i], "macro_f1")


def test_other_images_or_an_untold_measure_are_refused():
    one, other = cells([30, 20], n=40)
    with pytest.raises(MedrecogError, match="different test images"):
        compare(one, replace(other, truth=1 - other.truth))
    several = ScoredImages.of(["a", "b"], np.eye(3)[:2], ("a", "b", "c"))
    with pytest.raises(MedrecogError, match="is not available"):
        compare(several, several, "sensitivity")


def test_two_equal_cells_differ_in_about_5_of_100_grouped_cases():
    n_found = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        unit = np.sort(rng.integers(100, size=300))
        common = rng.normal(size=100)[unit]
        rights = [
            common + rng.normal(size=100)[unit] + rng.normal(size=300) > -1.5 for _ in range(2)
        ]
        groups = [f"g{i}" for i in unit]
        one, other = (answers(right, groups) for right in rights)
        n_found += compare(one, other, n_resamples=500).p_value <= 0.05
    assert 2 <= n_found <= 20


def test_p_value_of_one_class_is_no_less_than_the_signs_of_its_own_images_give():
    one = answers(np.ones(200, dtype=bool))
    right = np.ones(200, dtype=bool)
    right[np.flatnonzero(one.truth == one.positive_position)[:5]] = False
    right[np.flatnonzero(one.truth != one.positive_position)[:30]] = False
    other = answers(right)
    assert compare(one, other, "sensitivity").p_value == 2.0**-4
    assert compare(one, other, "specificity").p_value < 1e-6


def test_images_that_both_miss_in_two_ways_decide_no_share_of_right_images():
    labels, groups = list("abc") * 40, [f"{i // 2}" for i in range(120)]
    truth = np.array(["abc".index(label) for label in labels])
    missed, missed_otherwise = np.eye(3)[(truth + 1) % 3], np.eye(3)[(truth + 2) % 3]
    right = np.eye(3)[truth]
    is_missed = np.arange(120) < 60
    one = np.where(is_missed[:, None], missed, right)
    other = np.where(is_missed[:, None], missed_otherwise, right)
    other[[60, 64, 68]] = missed[[60, 64, 68]]
    scored = [ScoredImages.of(labels, scores, "abc", groups) for scores in (one, other)]
    assert compare(*scored, "accuracy").p_value >= 2.0**-2


@pytest.mark.parametrize("measure", ["sensitivity", "balanced_accuracy"])
def test_a_rare_class_decides_by_its_own_number_as_in_a_paired_t_test(measure):
    labels = ["a"] * 300 + ["b"] * 10
    truth = np.array(labels) == "b"
    is_right = np.ones((2, 310), dtype=bool)
    is_right[0, 300] = is_right[1, 301:308] = False
    scored = []
    for right in is_right:
        side = np.where(right == truth, 1.0, -1.0)
        scored.append(ScoredImages.of(labels, np.column_stack([-side, side]), ("a", "b")))
    assert scored[0].positive == "b"
    expected = ttest_rel(*is_right[:, 300:].astype(float)).pvalue
    # A little more, since resamples differ in how many of the class they hold.
    assert expected < compare(*scored, measure).p_value < 1.6 * expected
