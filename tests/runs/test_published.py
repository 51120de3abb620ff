import pytest

from medrecog_core.classification import MEASURES
from medrecog_core.features import Cell, grid
from medrecog_core.images import REPORT_SCALES
from medrecog_core.networks import find_network
from medrecog_core.runs.published import (
    CHEST_XRAY,
    FIGURE_9,
    FIGURE_10,
    HAM10000,
    MIT67,
    PUBLISHED_STUDIES,
    PUBLISHED_TABLES,
    beside_report,
    beside_study,
    find_published_study,
    find_published_table,
)
from tests.made_runs import made_run, rewrite_record

VGG19 = find_network("vgg19")
LAYERS = ("block5", "fc1", "fc2")

# The rows of the report's tables, typed a second time: scales across, max then average under each,
# a number that stands for both written twice.
ROWS = {
    FIGURE_9.name: {
        "block5": [0.78, 0.78, 0.78, 0.82, 0.72, 0.71, 0.77, 0.73],
        "fc1": [0.83, 0.83, 0.78, 0.79, 0.72, 0.77, 0.77, 0.74],
        "fc2": [0.82, 0.82, 0.89, 0.88, 0.75, 0.82, 0.83, 0.73],
    },
    FIGURE_10.name: {
        "block5": [0.74, 0.75, 0.76, 0.77],
        "fc1": [0.75, 0.75, 0.77, 0.77],
        "fc2": [0.75, 0.75, 0.77, 0.77],
    },
}


@pytest.mark.parametrize("table", PUBLISHED_TABLES, ids=lambda table: table.name)
def test_every_number_is_the_report_s(table):
    for layer, row in ROWS[table.name].items():
        scales = REPORT_SCALES[: len(row) // 2]
        columns = [(scale, pooling) for scale in scales for pooling in ("max", "average")]
        found = [table.find(Cell(layer, *column)).accuracy for column in columns]
        assert found == row


@pytest.mark.parametrize("table", PUBLISHED_TABLES, ids=lambda table: table.name)
def test_a_table_has_each_cell_once_and_no_others(table):
    scales = REPORT_SCALES if table is FIGURE_9 else REPORT_SCALES[:2]
    cells = [
        Cell(published.layer, published.scale, pooling)
        for published in table.accuracies
        for pooling in published.poolings
    ]
    assert sorted(cells, key=str) == sorted(
        grid(VGG19, LAYERS, scales, ["max", "average"]), key=str
    )
    assert table.find(Cell("block4", 224, "max")) is None
    assert table.find(Cell("block5", 225, "max")) is None
    assert table.find(Cell("block5", 224, "vlad")) is None
    assert table.name in table.source


def test_numbers_for_both_poolings_say_so():
    assert FIGURE_9.find(Cell("fc1", 224, "max")).is_merged
    assert not FIGURE_9.find(Cell("fc1", 544, "max")).is_merged
    assert FIGURE_10.find(Cell("fc1", 544, "average")).is_merged
    assert not FIGURE_10.find(Cell("block5", 224, "average")).is_merged


def test_a_run_stands_beside_the_cells_that_the_report_has():
    accuracies = {
        Cell("block4", 224, "max"): 0.7,
        Cell("block5", 224, "max"): 0.79,
        Cell("block5", 224, "average"): 0.73,
    }
    found = beside_report(accuracies, FIGURE_10)
    assert [row.cell.pooling for row in found] == ["max", "average"]
    assert [row.difference for row in found] == pytest.approx([0.05, -0.02])
    assert [row.published.accuracy for row in found] == [0.74, 0.75]


@pytest.mark.parametrize(
    ("dataset", "classes", "table"),
    [
        ("chest", ["NORMAL", "PNEUMONIA"], FIGURE_10),
        ("x", ["Pneumonia", "normal"], FIGURE_10),
        ("mini-mit", ["bedroom", "kitchen"], FIGURE_9),
        ("my_mini_mit_2", ["bedroom", "kitchen"], FIGURE_9),
        ("chest", ["normal", "bacteria", "virus"], None),
        ("minimitten", ["a", "b"], None),
        ("demo", ["a", "b"], None),
    ],
)
def test_table_on_the_same_images_is_found(dataset, classes, table):
    assert find_published_table(dataset, classes) is table


# The rows of the sources, typed a second time, in percent: accuracy and AUC, or the mean accuracy
# of the classes.
STUDIES = {
    CHEST_XRAY.dataset: [
        *[(86.22, 96.75), (81.57,), (86.59, 97.34), (88.30, 97.63), (91.56, 98.92)],
        (87.39, 98.47),
    ],
    HAM10000.dataset: [(75.99, 92.03), (77.06, 93.18), (84.42, 96.83), (81.55,), (84.74,)],
    MIT67.dataset: [(58.4,), (69.0,), (68.9,), (60.8,)],
}
MIT_CLASSES = ("airport_inside", "artstudio", "auditorium", "bakery", "bar", "bathroom")
HAM_CLASSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


@pytest.mark.parametrize("study", PUBLISHED_STUDIES, ids=lambda study: study.dataset)
def test_every_figure_is_the_source_s(study):
    found = [[100 * value for value in figure.values.values()] for figure in study.figures]
    assert found == [pytest.approx(row) for row in STUDIES[study.dataset]]
    assert set(study.measures) <= set(MEASURES)
    assert study.source
    assert study.protocol


@pytest.mark.parametrize(
    ("classes", "study"),
    [
        (["NORMAL", "PNEUMONIA"], CHEST_XRAY),
        (["normal", "bacteria", "virus"], None),
        (HAM_CLASSES, HAM10000),
        (HAM_CLASSES[:6], None),
        ([*MIT_CLASSES, *(f"scene {i}" for i in range(61))], MIT67),
        ([*MIT_CLASSES, *(f"scene {i}" for i in range(4))], None),
    ],
)
def test_study_on_the_same_images_is_found(classes, study):
    assert find_published_study(classes) is study


def beside(run, **split):
    rewrite_record(run, split=split)
    return beside_study(run.specification(), run.needed_record(), run.cells())


def test_the_comparable_cell_is_named_with_what_differs(cache):
    found = beside(made_run())
    assert found.result is None
    assert found.value("accuracy") is None
    assert found.differences[0].startswith("fc2 at 224 pixels is the comparable cell")
    assert any("this run tests on 30 images" in sentence for sentence in found.differences)
    run = made_run(separations=(1.5,), layers=["fc2"])
    found = beside(run, n_test=624)
    assert found.result == run.cells()[0]
    assert found.value("auc") == run.cells()[0].metrics.auc
    assert not any("tests on" in sentence for sentence in found.differences)


def test_a_mixed_split_is_a_caveat_and_other_images_have_no_study(cache):
    found = beside(made_run(classes=HAM_CLASSES, n=70, separations=(1.5,)))
    assert found.study is HAM10000
    assert found.differences[-1] == HAM10000.caveat
    assert "lesion" in HAM10000.caveat
    assert beside(made_run(classes=("a", "b"))) is None
