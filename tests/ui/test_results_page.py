"""The Results page by itself: what its address and its boxes show."""

import pytest

from medrecog_core.reports.tables import cells_csv
from medrecog_core.runs import list_runs
from medrecog_core.runs.baselines import add_baselines
from medrecog_core.runs.labels import RunLabels
from medrecog_core.runs.run import cell_images
from tests.made_runs import made_run
from tests.runs.test_baselines import glimpses_of
from tests.ui.test_pages import opened, words

pytestmark = pytest.mark.slow

PAGE = "pages/3_Results.py"
SCORES = "Curves and calibration"
REST = ["By group", "Sub-groups", "Other data sets", "Published figures", "Settings", "Export"]


@pytest.fixture
def run(cache, tmp_path):
    return made_run(pictures=tmp_path / "pictures")


@pytest.fixture
def count(run):
    """Give a function that returns the count of a square of the best cell."""
    (best,) = [r for r in run.cells() if r.cell.layer == "block2"]

    def of(true, predicted):
        labels = [row.label for row in best.metrics.classes]
        return best.metrics.confusion[labels.index(true)][labels.index(predicted)]

    return of


def best_of(run):
    return max(run.cells(), key=lambda result: result.metrics.accuracy)


def test_baselines_are_shown_and_a_cell_that_does_not_beat_them_is_flagged(cache):
    run = made_run(n=120, separations=(0.0, 9.0))
    assert f"`baselines {run.id}`" in words(opened(PAGE, run=run.id))
    add_baselines(run, glimpses_of(run))
    test = opened(PAGE, run=run.id)
    assert "Baselines (95 % CI): largest class **0.500**" in words(test)
    assert "not significantly better than the best baseline" in words(test)
    assert not flagged(test)
    add_baselines(run, glimpses_of(run, "colour"))
    (sentence,) = flagged(opened(PAGE, run=run.id))
    assert "mean colour" in sentence


def flagged(test):
    """The warnings that no cell beats the baselines."""
    return [each.value for each in test.warning if each.icon == ":material/flag:"]


def test_decision_curve_has_its_numbers_at_a_threshold(run):
    test = opened(PAGE, run=run.id, tab=SCORES)
    of_cell = [{m.label: m.value for m in test.metric}["This cell"]]
    box(test, "Threshold probability").set_value(10)
    test.run()
    of_cell.append({m.label: m.value for m in test.metric}["This cell"])
    assert not test.exception
    assert of_cell[0] != of_cell[1]
    assert {m.label: m.value for m in test.metric}["Treat all"] == "+0.444"


def test_published_figures_are_beside_the_run_with_what_differs(run):
    test = opened(PAGE, run=run.id, tab="Published figures")
    assert not test.exception
    assert "fc2 at 224 pixels is the comparable cell" in words(test)
    assert "VGG16, linear layer" in list(test.dataframe[0].value["method"])


def box(test, label):
    return next(each for each in test.selectbox if each.label == label)


def test_best_cell_is_shown_with_every_measure_and_its_interval(run):
    test = opened(PAGE, run=run.id)
    assert not test.exception
    assert "block2, 224 pixels, average pooling" in [each.value for each in test.subheader]
    metrics = {each.label: each for each in test.metric}
    names = ["Accuracy", "Balanced accuracy", "Macro F1", "AUC", "Sensitivity", "Specificity"]
    assert list(metrics)[:6] == names
    assert all(" to " in metrics[name].delta for name in names)
    assert "n = 30 test images." in words(test)


def test_address_opens_a_cell_or_warns_that_it_is_not_finished(run):
    test = opened(PAGE, run=run.id, cell="block1-224-average")
    assert "block1, 224 pixels, average pooling" in [each.value for each in test.subheader]
    test = opened(PAGE, run=run.id, cell="block5-224-max")
    assert not test.exception
    assert "Cell “block5-224-max” does not exist in this run or is not finished." in words(test)


def test_a_link_to_a_missing_run_shows_no_other_run(run):
    test = opened(PAGE, run="gone")
    assert not test.exception
    assert "Run “gone” not found." in words(test)
    assert not test.metric
    assert not test.run().metric
    box(test, "Run").set_value(run.id).run()
    assert not test.exception
    assert test.metric


def test_address_opens_the_images_of_a_square(run, count):
    test = opened(PAGE, run=run.id, true="NORMAL", predicted="PNEUMONIA")
    assert not test.exception
    n = count("NORMAL", "PNEUMONIA")
    assert n > 0
    images = "1 test image" if n == 1 else f"{n} test images"
    assert f"{images} of NORMAL predicted as PNEUMONIA" in words(test)
    captions = [each.value for each in test.caption if "; score " in each.value]
    assert len(captions) == n
    assert all(each.startswith("NORMAL, predicted PNEUMONIA; score ") for each in captions)


def test_boxes_choose_a_square_too(run, count):
    test = opened(PAGE, run=run.id)
    mistakes = count("NORMAL", "PNEUMONIA") + count("PNEUMONIA", "NORMAL")
    assert f"{mistakes} mistakes in 30 test images" in words(test)
    box(test, "True class").set_value("PNEUMONIA").run()
    box(test, "Predicted class").set_value("PNEUMONIA").run()
    assert not test.exception
    assert (
        f"{count('PNEUMONIA', 'PNEUMONIA')} test images of PNEUMONIA, correctly classified"
        in words(test)
    )


def test_a_page_that_another_choice_does_not_reach_is_none(cache):
    run = made_run(n=200)
    test = opened(PAGE, run=run.id, true="PNEUMONIA", predicted="PNEUMONIA", images="3")
    assert not test.exception
    assert test.number_input(key="images").value == 3
    box(test, "Cell").set_value("block1-224-average").run()
    assert not test.exception
    box(test, "Predicted class").set_value("NORMAL").run()
    assert not test.exception
    box(test, "Predicted class").set_value("any").run()
    assert test.number_input(key="images").value == 1


def test_unknown_class_in_the_address_gets_a_warning(run):
    test = opened(PAGE, run=run.id, true="MEASLES")
    assert not test.exception
    assert "Class “MEASLES” not found in this run." in words(test)
    assert box(test, "True class").value == "any"


def test_sensitivity_follows_the_positive_class(run):
    shown = {}
    for positive in ("NORMAL", "PNEUMONIA"):
        test = opened(PAGE, run=run.id, positive=positive, tab="Classes")
        assert not test.exception
        metrics = {each.label: each.value for each in test.metric}
        shown[positive] = metrics["Sensitivity"], metrics["Specificity"]
        assert f"Recall of {positive} is the sensitivity" in words(test)
    assert shown["NORMAL"] == shown["PNEUMONIA"][::-1]
    # By its name, pneumonia is what is looked for.
    usual = {each.label: each.value for each in opened(PAGE, run=run.id).metric}
    assert usual["Sensitivity"] == shown["PNEUMONIA"][0]


def test_three_classes_have_no_positive_one(cache):
    run = made_run(classes=("a", "b", "c"))
    test = opened(PAGE, run=run.id, positive="b", measure="Sensitivity")
    assert not test.exception
    assert "Positive class" not in [each.label for each in test.get("button_group")]
    assert "Sensitivity" not in [each.label for each in test.metric]


def test_images_that_are_gone_are_named_and_hide_nothing_else(cache):
    test = opened(PAGE, run=made_run().id)
    assert not test.exception
    assert "the file does not exist" in words(test)


def test_address_sets_runs_side_by_side_and_shows_only_what_differs(run):
    other, third = made_run(C=0.01, seed=2), made_run(n=40)
    other.rename("Weaker")
    test = opened(PAGE, run=run.id, compare=f"{other.id},{third.id}")
    assert not test.exception
    table = next(each.value for each in test.dataframe if "setting" in each.value)
    assert len(table.columns) == 4
    settings = set(table["setting"])
    assert {"best cell", "C", "images"} <= settings
    assert {"seed", "layers", "data set"}.isdisjoint(settings)
    assert not test.metric
    assert "not comparable" in words(test)
    assert "exact McNemar test" in words(test)


def test_missing_run_of_a_comparison_gets_a_warning(run):
    made_run()
    test = opened(PAGE, run=run.id, compare="gone")
    assert not test.exception
    assert "Run “gone” not found." in words(test)


def test_calibration_is_shown_with_the_number_of_images(run):
    test = opened(PAGE, run=run.id, tab=SCORES)
    assert "cross-fitted on the test images (5 parts, 30 predictions)" in words(test)
    metrics = {each.label: each for each in test.metric}
    assert all(metrics[name].delta.endswith(" before") for name in ("Brier score", "Log loss"))


def test_too_few_test_images_have_no_probabilities(cache):
    test = opened(PAGE, run=made_run(classes=("a", "b", "c"), n=10).id, tab=SCORES)
    assert not test.exception
    assert "too few to calibrate scores with" in words(test)


def test_another_run_is_shown_without_the_choices_made_for_the_first(run):
    other = made_run(classes=("a", "b", "c"), separations=(1.0,))
    test = opened(PAGE, run=run.id, cell="block2-224-average", true="NORMAL", measure="Sensitivity")
    box(test, "Run").set_value(other.id).run()
    assert not test.exception
    assert "not found" not in words(test)
    assert "is not finished" not in words(test)
    assert (box(test, "True class").value, box(test, "Cell").value) == ("any", "the best")


def test_a_single_cell_is_beside_no_other(cache):
    test = opened(PAGE, run=made_run(separations=[1.0]).id)
    assert not test.exception
    assert "the only finished cell" in words(test)
    assert "all other cells" not in words(test)


def test_the_class_of_the_curves_is_in_the_address_and_goes_with_the_run(cache):
    one, other = (made_run(classes=classes) for classes in (("a", "b", "c"), ("d", "e", "f")))
    test = opened(PAGE, run=one.id, curve="b", tab=SCORES)
    assert not test.exception
    assert box(test, "Class of the curves").value == "b"
    assert "10 test images of b, 20 of others" in words(test)
    box(test, "Class of the curves").set_value("c").run()
    assert "10 test images of c, 20 of others" in words(test)
    box(test, "Run").set_value(other.id).run()
    assert not test.exception
    assert box(test, "Class of the curves").value == "d"
    assert "not found" not in words(test)
    test = opened(PAGE, run=one.id, curve="z", tab=SCORES)
    assert "Class “z” not found" in words(test)
    assert box(test, "Class of the curves").value == "a"


@pytest.mark.parametrize(("content", "sentence"), [(None, "is missing"), ("{}", "is damaged")])
def test_a_run_without_a_whole_record_gets_one_sentence(run, content, sentence):
    if content is None:
        (run.path / "record.json").unlink()
    else:
        (run.path / "record.json").write_text(content)
    test = opened(PAGE, run=run.id)
    assert not test.exception
    assert [sentence in each.value for each in test.error] == [True]


def test_other_classifiers_are_shown_with_what_their_models_would_contain(cache):
    usual, other = made_run(), made_run(classifier="knn", k=[1, 5], n_folds=3)
    test = opened(PAGE, run=other.id)
    assert not test.exception
    assert "contains the features of all 60 training images" in words(test)
    assert "The model contains the features of all" not in words(opened(PAGE, run=usual.id))


def test_a_small_test_is_named_on_the_page_and_in_what_is_exported(run):
    sentence = run.small_test().words
    test = opened(PAGE, run=run.id)
    assert sentence in [each.value for each in test.warning]
    assert sentence in cells_csv(run).replace('"', "")
    large = made_run(n=120)
    assert large.small_test() is None
    assert "Small test" not in words(opened(PAGE, run=large.id))


def test_only_the_open_tab_is_computed(run):
    test = opened(PAGE, run=run.id)
    found = [tab.label for tab in test.tabs]
    kinds = ["Errors", "Classes", SCORES, "Label errors", "Learning curve", "Map"]
    assert found == [*kinds, *REST]
    assert "Recall of" not in words(test)
    assert "Recall of" in words(opened(PAGE, run=run.id, tab="Classes"))


def test_folds_are_called_cross_validation(cache):
    run = made_run(n=80, n_folds=5)
    test = opened(PAGE, run=run.id, tab="Settings")
    assert not test.exception
    assert "Folds" in [tab.label for tab in test.tabs]
    assert "5-fold cross-validation)" in words(test)  # in the headline
    assert "Cross-validation with 5 folds" in words(test)
    assert "Trained on 64 images" not in words(test)


def test_the_headline_gives_value_interval_and_n_and_the_2018_report(cache):
    run = made_run(separations=(0.3, 0.5, 0.8, 1.0, 2.0))
    first = opened(PAGE, run=run.id).markdown[0].value
    assert "n = 30)" in first
    assert "95 % CI" in first
    assert "2018 report" in first


def test_the_headline_says_what_fails(run, count):
    first = opened(PAGE, run=run.id).markdown[0].value
    wrong = count("NORMAL", "PNEUMONIA") + count("PNEUMONIA", "NORMAL")
    true, predicted = max(
        (("NORMAL", "PNEUMONIA"), ("PNEUMONIA", "NORMAL")), key=lambda square: count(*square)
    )
    most = count(true, predicted)
    assert (
        f"{wrong} of 30 wrong, most often {true} predicted as {predicted} ({most} of 15)" in first
    )


def test_images_that_changed_between_two_runs(run, tmp_path):
    other = made_run(C=0.01, seed=2, pictures=tmp_path / "pictures")
    test = opened(PAGE, run=run.id, compare=other.id)
    assert not test.exception
    right = [
        {image.path for image in cell_images(each, best_of(each)) if image.is_right}
        for each in (run, other)
    ]
    names = {row.run.id: row.name for row in list_runs()}
    one, another = names[run.id], names[other.id]
    assert f"Right in {one}, wrong in {another}: {len(right[0] - right[1])}" in words(test)
    assert f"Right in {another}, wrong in {one}: {len(right[1] - right[0])}" in words(test)


def test_runs_are_chosen_by_their_names_and_archived_ones_are_last(run):
    old, new = made_run(seed=1), made_run(seed=1)
    new.write_labels(RunLabels(archived=True))
    names = {row.run.id: row.name for row in list_runs()}
    test = opened(PAGE, run=run.id)
    assert box(test, "Run").options == [
        names[old.id],
        names[run.id],
        f"{names[new.id]} (archived)",
    ]
    assert test.multiselect(key="compare").options == [names[old.id], f"{names[new.id]} (archived)"]
    box(test, "Run").set_value(new.id).run()
    assert not test.exception
    assert test.query_params["run"] == new.id
