import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from medrecog_core.datasets import check_health, library
from medrecog_core.errors import MedrecogError
from medrecog_core.images import Image
from medrecog_core.reports.html_report import describe_data, html_report
from medrecog_core.reports.tables import cells_latex
from medrecog_core.runs import Run
from medrecog_core.runs.comparison import rank_cells
from medrecog_core.runs.embedding import embed_images
from medrecog_core.runs.label_errors import find_doubtful_labels
from medrecog_core.runs.learning_curve import compute_learning_curve, gain_words
from tests.made_runs import made_run, rewrite_record
from tests.runs.test_learning_curve import run as curved
from tests.textures import CLASSES, N_IMAGES, NAME, PER_CLASS, cache_at, finished_run, specification

__all__ = ["curved"]

pytestmark = pytest.mark.slow


class Parsed(HTMLParser):
    """A page's tags with their attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def page(finished_cache):
    folder, run_id = finished_cache
    with cache_at(folder):
        return Parsed(html_report(Run(run_id)))


def test_page_refers_to_nothing_and_runs_nothing(page):
    assert page.tags[0] == ("html", {"lang": "en"})
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object", "img", "base", "form")
        assert not {"src", "href", "xlink:href", "srcset", "action"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]


def test_every_figure_has_words(page):
    figures = [attributes for tag, attributes in page.tags if attributes.get("role") == "img"]
    assert len(figures) == len([tag for tag, _ in page.tags if tag == "svg"]) == 8
    assert all(len(attributes["aria-label"]) > 10 for attributes in figures)


def test_every_cell_stands_with_its_interval_and_test_size(finished, page):
    for each in rank_cells(finished):
        name, low, high = each.result.cell.name, each.estimate.low, each.estimate.high
        row = re.search(rf"{name}(?: [★≈])?{each.estimate.value:.3f}(.+)", page.text).group(1)
        assert row.startswith(f"{low:.3f} to {high:.3f}")
        tested = f"Each cell was trained on {each.result.n_train} images and tested on "
        assert tested + f"{each.estimate.n_images} images." in page.text


def test_page_names_weights_fingerprint_versions_and_its_limits(finished, page):
    record = finished.needed_record()
    for words in (
        record.weights.identity,
        "The weights are not the official Keras weights",
        record.dataset.fingerprint[:16],
        record.versions["keras"],
        record.device.name,
        "Every image could be read.",
        "No groups (patients, lesions) are known.",
        "the intervals are too narrow",
    ):
        assert words in page.text
    assert page.text.count("For research, not for diagnosis.") >= 3


def test_specification_in_the_page_is_the_run_s(finished, page):
    document = re.search(r"(\{\s+\"dataset\".+\})", page.text, re.DOTALL).group(1)
    assert json.loads(document) == finished.specification().to_document()


def test_what_spoils_the_result_is_said_first(finished):
    rewrite_record(
        finished,
        split={"n_leaking_groups": 2},
        sample="a sample of 12 of 99 images",
        skipped=[{"path": "a/b.png", "reason": "the file is empty"}],
    )
    (finished.path / "cells" / "block1-224-max.json").unlink()
    text = Parsed(html_report(finished)).text
    beginning = text[: text.index("Confusion matrix")]
    for words in (
        "This run is not finished (3 of 4 cells).",
        "Leakage: 2 groups have images in both",
        "These results are based on a sample of 12 of 99 images.",
        "Skipped because unreadable: 1 image.",
        finished.small_test().words,
    ):
        assert words in beginning
    assert "a/b.png: the file is empty" in text


def test_names_are_text_and_never_markup(finished):
    finished.rename('<script>alert("1")</script>')
    rewrite_record(finished, dataset={"layout": "</style><img src=x onerror=alert(1)>"})
    for file in (finished.path / "cells").glob("*.json"):
        file.write_text(file.read_text().replace('"waves"', '"<b>&waves"'))
    file = finished.path / "images.json"
    file.write_text(file.read_text().replace('"waves"', '"<b>&waves"'))
    page = Parsed(html_report(finished))
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img", "b"})
    assert '<script>alert("1")</script>' in page.text
    assert "<b>&waves" in page.text


def test_numbers_of_2018_stand_beside_the_run_s(finished):
    rewrite_record(finished, dataset={"classes": {"NORMAL": 6, "PNEUMONIA": 6}})
    text = Parsed(html_report(finished)).text
    assert "Comparison with the 2018 report" in text
    assert "The report's table contains no cell of this run." in text
    assert "fc2 at 224 pixels is the comparable cell" in text


def test_run_without_a_finished_cell_has_no_report(finished):
    finished.discard_cells()
    with pytest.raises(MedrecogError, match="has no finished cells yet"):
        html_report(finished)


@pytest.mark.browser
def test_page_opens_and_prints_without_a_network(finished, browser, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(html_report(finished), encoding="utf-8")
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 800})
    opened, asked, said = context.new_page(), [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: said.append(message.text))
    opened.goto(file.as_uri())
    opened.get_by_role("heading", name="Limits").wait_for()
    width = opened.evaluate("document.documentElement.scrollWidth")
    printed = opened.pdf(prefer_css_page_size=True, print_background=True)
    context.close()
    assert asked == [file.as_uri()]
    assert said == []
    assert width <= 390
    assert printed.startswith(b"%PDF")


def test_predictions_of_repeated_folds_are_not_called_images(known):
    run = finished_run(
        specification(
            layers=["block1"],
            poolings=["average"],
            protocol="k-fold",
            n_folds=2,
            n_repeats=2,
        )
    )
    text = Parsed(html_report(run)).text
    assert f"{2 * N_IMAGES} predictions of {N_IMAGES} images" in text
    assert f"{2 * N_IMAGES} images" not in text
    caption = next(line for line in cells_latex(run).splitlines() if "caption" in line)
    assert f"{N_IMAGES} test images;" in caption


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"classifier": "logistic-regression", "C": [0.1, 1]}, "logistic regression (multinomial"),
        ({"classifier": "knn", "k": 3}, "k-nearest neighbours (cosine distance"),
    ],
)
def test_the_report_names_the_classifier(known: Path, asked: dict[str, object], told: str) -> None:
    page = html_report(finished_run(specification(layers=["block1"], poolings=["max"], **asked)))
    assert told in page
    assert "SVM" not in page


def test_classes_are_counted_in_both_parts(finished):
    data = describe_data(finished)
    assert [row.label for row in data.counts] == list(CLASSES)
    assert [row.n_images for row in data.counts] == [PER_CLASS] * len(CLASSES)
    assert all(row.n_train + row.n_test == row.n_images for row in data.counts)
    assert data.total.n_test == len(finished.split().tested)


def test_groups_are_counted_in_each_part(finished):
    images = finished.images()
    finished.write_images(
        [Image(i.path, i.sha256, i.label, str(n // 2)) for n, i in enumerate(images)]
    )
    data = describe_data(finished)
    split = finished.split()
    assert data.n_train_groups == len({i // 2 for i in split.trained})
    assert data.n_test_groups == len({i // 2 for i in split.tested})


def test_what_the_health_check_found_is_told(finished):
    assert describe_data(finished).findings is None
    health = check_health(library.load(NAME))
    assert describe_data(finished).findings == tuple(f.title for f in health.findings)


def test_of_a_data_set_that_is_gone_the_record_tells(finished):
    rewrite_record(finished, dataset={"n_excluded": 3})
    library.remove(NAME)
    data = describe_data(finished)
    assert (data.n_excluded, data.excluded, data.findings) == (3, (("", 3),), None)


def test_reasons_of_exclusions_are_counted(finished):
    dataset = library.load(NAME)
    library.exclude(NAME, [i.path for i in dataset.images[:2]], reason="a marker")
    rewrite_record(finished, dataset={"fingerprint": library.load(NAME).fingerprint})
    assert describe_data(finished).excluded == (("a marker", 2),)


@pytest.fixture(autouse=True)
def no_picture_is_drawn(monkeypatch):
    monkeypatch.setattr("medrecog_core.datasets.demo.load", None)


def test_maps_curves_and_doubtful_labels_are_there_once_computed(curved, finished):
    best = max(finished.cells(), key=lambda result: result.metrics.accuracy).cell
    embed_images(finished, best)
    page = Parsed(html_report(finished))
    assert "PCA map of the images" in page.text
    assert "Learning curve" not in page.text
    curve = compute_learning_curve(curved, curved.cells()[0].cell)
    page = Parsed(html_report(curved))
    assert gain_words(curved, curve) in page.text
    noisy = made_run(n=240, n_folds=4, separations=(2.0,))
    doubtful = find_doubtful_labels(noisy, noisy.cells()[0])
    assert doubtful.images[0].file.name in Parsed(html_report(noisy)).text
