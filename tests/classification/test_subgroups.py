import numpy as np
import pytest

from medrecog_core.classification import ScoredImages, estimate, holm
from medrecog_core.classification.differences import subtract
from medrecog_core.classification.subgroups import LEAST_UNITS, compare_subgroups


def images(n: int = 120) -> tuple[ScoredImages, list[str]]:
    rng = np.random.default_rng(4)
    labels = ["ab"[i % 2] for i in range(n)]
    names = [("old", "young", "middle")[i % 3] for i in range(n)]
    signs = np.array([1 if label == "b" else -1 for label in labels])
    score = signs * np.where([name == "old" for name in names], 0.2, 2.0) + rng.normal(size=n)
    groups = [f"p{i // 6}-{i % 6}" for i in range(n)]
    return ScoredImages.of(labels, np.column_stack([-score, score]), "ab", groups=groups), names


def part(found: ScoredImages, names: list[str], name: str) -> ScoredImages:
    chosen = [i for i, each in enumerate(names) if each == name]
    return ScoredImages.of(
        [found.classes[found.truth[i]] for i in chosen],
        found.scores[chosen],
        found.classes,
        groups=[str(found.units[i]) for i in chosen],
    )


@pytest.mark.parametrize("measure", ["accuracy", "auc", "sensitivity"])
def test_each_is_what_it_is_alone_and_the_gap_is_corrected_for_every_pair(measure: str) -> None:
    found, names = images()
    subgroups, gap = compare_subgroups(found, names, measure, order=["young", "middle"])
    assert [each.name for each in subgroups] == ["young", "middle", "old"]
    alone = {n: estimate(part(found, names, n), [measure])[measure] for n in set(names)}
    assert {each.name: each.estimate for each in subgroups} == alone
    pairs = [("young", "middle"), ("young", "old"), ("middle", "old")]
    p_values = [subtract(alone[one], alone[other]).p_value for one, other in pairs]
    widest = max(range(3), key=lambda i: abs(alone[pairs[i][0]].value - alone[pairs[i][1]].value))
    assert gap is not None
    assert {gap.higher, gap.lower} == set(pairs[widest])
    assert gap.difference.value >= 0
    assert gap.adjusted_p_value == pytest.approx(holm(p_values)[widest])
    assert gap.n_pairs == 3


def test_small_and_missing_subgroups_are_shown_and_not_compared() -> None:
    found, names = images()
    few = ["few" if i < LEAST_UNITS - 1 else name for i, name in enumerate(names)]
    subgroups, gap = compare_subgroups(found, few, "accuracy", uncompared=["old"])
    assert {each.name for each in subgroups} == {"few", "old", "young", "middle"}
    assert gap is not None
    assert {gap.higher, gap.lower} == {"young", "middle"}
    assert gap.n_pairs == 1
    assert compare_subgroups(found, few, "accuracy", uncompared=["old", "young"])[1] is None


def test_a_subgroup_of_one_class_has_no_auc() -> None:
    found, _ = images()
    names = [found.classes[i] for i in found.truth]
    subgroups, gap = compare_subgroups(found, names, "auc")
    assert [each.estimate for each in subgroups] == [None, None]
    assert gap is None


def test_without_a_difference_few_looks_find_one() -> None:
    rng = np.random.default_rng(9)
    n_found, n_trials = 0, 150
    for _ in range(n_trials):
        n = 200
        score = rng.normal(size=n) + np.where(np.arange(n) % 2, 0.5, -0.5)
        found = ScoredImages.of(
            ["ab"[i % 2] for i in range(n)], np.column_stack([-score, score]), "ab"
        )
        names = [str(i) for i in rng.integers(4, size=n)]
        _, gap = compare_subgroups(found, names)
        n_found += gap is not None and gap.adjusted_p_value <= 0.05
    # At most 5 % of the trials, within four standard errors.
    assert n_found / n_trials <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / n_trials)
