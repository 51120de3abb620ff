import re

from medrecog_core.classification import estimate
from medrecog_core.reports.html_report import html_report
from medrecog_core.reports.validity import by_column, by_group, outside_tests
from medrecog_core.runs.comparison import score_images
from medrecog_core.runs.grouped import score_groups
from tests.made_runs import keep_dataset, made_run


def test_groups_and_subgroups_are_in_the_report(cache):
    run = made_run(n_groups=10)
    keep_dataset(run, {"sex": ["f", "m", "m"] * 20, "<site>": ["a", "b"] * 30})
    result = run.cells()[1]
    (first, *_) = by_group(run, result)
    mean = estimate(score_groups(run, result, "mean"))
    assert (first.images, first.mean) == (
        estimate(score_images(run, result))["accuracy"],
        mean["accuracy"],
    )
    assert [found.column for found in by_column(run, result)] == ["sex", "<site>"]
    page = html_report(run)
    assert set(re.findall(r'<h2 id="(groups|subgroups|outside)">', page)) == {
        "groups",
        "subgroups",
    }
    assert "Accuracy by &lt;site&gt;" in page


def test_a_run_without_groups_columns_and_models_has_no_such_parts(cache):
    run = made_run()
    result = run.cells()[0]
    assert (by_group(run, result), by_column(run, result), outside_tests(run)) == ((), (), ())
    assert not re.search(r'id="(groups|subgroups|outside)"', html_report(run))
