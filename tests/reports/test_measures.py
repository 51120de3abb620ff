from medrecog_core.reports.measures import MEASURES, best_cell, measured, told_measures


def test_best_cell_has_the_greatest_value(finished):
    results = finished.cells()
    best = {result.cell: result for result in results}[best_cell(results, "macro_f1")]
    assert measured(best, "macro_f1") == max(result.metrics.macro_f1 for result in results)


def test_measures_of_two_classes_are_not_told_of_three(finished):
    told = told_measures(finished.cells())
    assert set(told) == set(MEASURES) - {"Sensitivity", "Specificity"}
