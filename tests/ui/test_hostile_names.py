"""Every page with names that Markdown, HTML and charts would read, and that a browser must not."""

import random
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from PIL import Image

from medrecog_core.datasets import ImageRecord, check_health, library
from medrecog_core.datasets.dataset import Dataset
from medrecog_core.models import train_model
from medrecog_core.models.storage import delete_model, save_model
from tests.textures import cache_at, finished_run, specification
from tests.ui.conftest import Server
from tests.ui.settling import upload

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

CLASSES = ("$a$", ":red[b]", "2. Melanoma", "<b>c</b>", "**d**")
FILES = (
    "$x$ **y**.png",
    ":material_home: _z_.png",
    "www.elsewhere.example.png",
    "a~~b~~ [c](d).png",
)
GROUP = "1. :smile: `patient`"
FOREIGN = "http://127.0.0.1:9/pixel.png"
TITLES = (f"![x]({FOREIGN})", "<img src=x> :blue[second] $t$")
LAYOUT = f"labels of ![x]({FOREIGN}) -- <i>**table**</i>"
REASON = f"a [marker]({FOREIGN})"
MODEL = "hostile"

MADE = """() => {
    const shown = '[data-testid=stMarkdownContainer], [data-testid=stCaptionContainer]';
    const made = 'img, em, del, b, i, ol, .katex, a[target=_blank], [role=img]:not([translate])';
    return [...document.querySelectorAll(shown)].flatMap(
        each => [...each.querySelectorAll(made)].map(found => found.outerHTML));
}"""
TEXT = """() => [
    document.body.innerText,
    ...[...document.querySelectorAll('svg text, canvas td, canvas th')].map(x => x.textContent),
    ...[...document.querySelectorAll('input')].map(each => each.value),
].join('\\n')"""

LINK = f"[x]({FOREIGN})"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A cache folder with a data set, two runs and a model, and the runs' identities."""
    root = tmp_path_factory.mktemp("hostile")
    runs = []
    with cache_at(root / "cache"):
        dataset = write_dataset(root / "images")
        library.save(dataset)
        library.exclude(dataset.name, [dataset.images[0].path], reason=REASON)
        check_health(library.load(dataset.name))
        for title, C in zip(TITLES, (1, 2), strict=True):
            run = finished_run(specification(dataset=dataset.name, layers=["block1"], C=[C]))
            run.rename(title)
            runs.append(run.id)
        model = train_model(run, run.cells()[0].cell, MODEL)
        # The card of a model from elsewhere can say anything.
        card = replace(model.card, dataset=TITLES[0], weights_title=REASON, split=LAYOUT)
        delete_model(MODEL)
        save_model(replace(model, card=card))
    return root / "cache", runs


@pytest.fixture(scope="module")
def server(kept):
    started = Server(kept[0])
    yield started
    started.stop()


def write_dataset(root):
    drawn = random.Random(0)
    images = []
    for i, label in enumerate(CLASSES):
        for j, name in enumerate(FILES):
            file = root / str(i) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            pixels = bytes(drawn.randrange(256) for _ in range(3 * 12 * 12))
            Image.frombytes("RGB", (12, 12), pixels).resize((48, 48)).save(file)
            split = "test" if j == 0 else "train"
            images.append(
                ImageRecord(f"{i}/{name}", label, split, f"{GROUP} {i}" if j == 0 else "")
            )
    # The same pictures in both parts are a finding, whose words hold names.
    (root / "1" / FILES[0]).write_bytes((root / "0" / FILES[1]).read_bytes())
    return Dataset("hostile", root, tuple(sorted(images, key=lambda each: each.path)), LAYOUT)


@pytest.fixture(scope="module")
def look(browser, server):
    """Open a page of the dashboard, wait for a text in it and return the page."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(30_000)
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    def open_page(path, query, until):
        page.goto(f"{server.address}/{path}?{urlencode(query)}")
        page.get_by_text(until).first.wait_for()
        return page

    yield open_page
    page.close()
    ours = (server.address, server.address.replace("http", "ws"), "data:", "blob:")
    assert [url for url in asked if not url.startswith(ours)] == []


def check(page, texts):
    """The texts are in the page, now or soon, and no name was made anything else."""
    for text in texts:
        page.wait_for_function(f"text => ({TEXT})().includes(text)", arg=text)
    assert page.evaluate(MADE) == []


@pytest.mark.parametrize(
    ("path", "query", "until", "texts"),
    [
        ("", {}, "System", TITLES[1:]),  # Home shows the last run
        ("Datasets", {"dataset": "hostile"}, LAYOUT[1:], ()),
        (
            "Datasets",
            {"dataset": "hostile", "view": "Images"},
            "Click an image",
            (GROUP, "excluded", *CLASSES),
        ),
        (
            "Datasets",
            {"dataset": "hostile", "view": "Health"},
            "Excluded images",
            (REASON, "“$a$”"),
        ),
        ("Datasets", {"dataset": "hostile", "image": f"0/{FILES[0]}"}, "SHA-256", (GROUP, REASON)),
        ("Datasets", {"dataset": "hostile", "image": LINK}, "not found in", (LINK,)),
        ("Datasets", {"dataset": LINK}, "not found", (LINK,)),
        ("Experiments", {"run-search": "**z**"}, "No runs match", ("“**z**”",)),
        ("Results", {"run": LINK}, "not found", (LINK,)),
        ("Results", {"true": LINK}, "Test images", (LINK, *CLASSES)),
        (
            "Results",
            {"cell": LINK, "curve": ":red[b]", "tab": "Curves and calibration"},
            "Class of the curves",
            (LINK, "images of :red[b]"),
        ),
        (
            "Results",
            {"true": "**d**", "predicted": "$a$"},
            "Test images",
            ("of **d** predicted as $a$",),
        ),
        ("Results", {"compare": LINK}, "not found", (LINK,)),
        ("Predict", {"model": MODEL}, "Classes:", (", ".join(sorted(CLASSES)), TITLES[0], REASON)),
        (
            "Models",
            {"card": MODEL},
            "data set:",
            (f"data set: {TITLES[0]}", f"weights: {REASON}", f"split: {LAYOUT}"),
        ),
    ],
)
def test_names_and_addresses_are_shown_as_they_are(look, kept, path, query, until, texts):
    if path == "Results":
        query = {"run": kept[1][1], **query}
    check(look(path, query, until), texts)


def test_selected_runs_and_a_deleted_one_show_their_titles(look):
    page = look("Experiments", {"on": "hostile"}, "Select rows")
    table = page.get_by_test_id("stDataFrame").last
    for y in (52, 87):  # the boxes that select the first two rows
        table.click(position={"x": 16, "y": y})
        page.get_by_text("Selected:").wait_for()
    page.get_by_role("link", name="Compare").wait_for()
    check(page, TITLES)
    page.get_by_role("button", name="Delete").click()
    page.get_by_text("Moved 2 runs to the trash").wait_for()
    check(page, TITLES)
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Select rows").wait_for()


def test_runs_side_by_side_show_their_titles(look, kept):
    _, runs = kept
    page = look("Results", {"run": runs[0], "compare": runs[1]}, "Cells in common")
    page.get_by_text("Cells in common").click()
    check(page, [f"{TITLES[0]} − {TITLES[1]}:", f"{TITLES[0]} − {TITLES[1]}, accuracy"])


def test_an_image_and_its_label_are_shown_as_they_are_called(look, server):
    page = look("Predict", {"model": MODEL}, "Classes:")
    folder = server.cache.parent / "images"
    files = [folder / "4" / FILES[1], folder / "0" / FILES[2]]
    upload(page.get_by_test_id("stFileUploaderDropzoneInput").first, files)
    page.get_by_text("Teal: supports").wait_for()
    label = page.get_by_test_id("stMetricValue").first.inner_text()
    assert label in CLASSES
    check(page, [FILES[1], f"Teal: supports {label}", "This exact image is in the training data"])
