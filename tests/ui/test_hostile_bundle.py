"""A bundle whose every text is Markdown, HTML or LaTeX for another server, in a real browser."""

import random
import re
from dataclasses import replace
from urllib.parse import quote

import pytest
from PIL import Image as Picture

from medrecog_core.atomic_file import write_json
from medrecog_core.bundles import write_bundle
from medrecog_core.datasets import Dataset, DatasetWarning, ImageRecord, LeftOut, library
from medrecog_core.datasets.dataset import SPLITS
from medrecog_core.datasets.health.check import HealthReport
from medrecog_core.datasets.health.finding import Advice, Finding
from medrecog_core.images import Image
from medrecog_core.models import load_model
from medrecog_core.models.storage import save_model
from medrecog_core.settings import MODE_VARIABLE, variable_of
from tests.made_runs import made_run
from tests.proxy import Proxy
from tests.textures import cache_at
from tests.ui.conftest import PROJECT, Server
from tests.ui.settling import settle

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

PLACE = "elsewhere.example"
ATTACKS = (
    f"![a](http://{PLACE}/a.png)",
    f"<img src=//{PLACE}/b.png>",
    f"[c](http://{PLACE}/c) http://{PLACE}/d",
    rf"$\includegraphics{{http://{PLACE}/e}}\href{{http://{PLACE}/f}}{{g}}$",
    f":material/home: :red[h] <script src=//{PLACE}/i></script>",
)
NAME = "hostile"
EVERYTHING = " ".join(ATTACKS)
BY = f"![by](http://{PLACE}/by)"


def write_dataset(root):
    """A data set of 20 images whose classes, groups, file names and warnings are attacks."""
    drawn, images = random.Random(0), []
    for i in range(20):
        path = f"{i % 5}/{i} ![x](http%3A{PLACE}) <img src=y> $z$.png"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        pixels = bytes(drawn.randrange(256) for _ in range(3 * 12 * 12))
        Picture.frombytes("RGB", (12, 12), pixels).resize((48, 48)).save(root / path)
        split = SPLITS[i >= 10]
        images.append(ImageRecord(path, ATTACKS[i % 5], split, f"{ATTACKS[i % 5]} {i}"))
    return Dataset(
        NAME,
        root,
        tuple(images),
        EVERYTHING,
        left_out=(LeftOut(ATTACKS[0], ATTACKS[1]),),
        warnings=(DatasetWarning("a-warning", EVERYTHING, (ATTACKS[0],)),),
        unlabelled=(ATTACKS[0],),
    )


def write_report(dataset):
    finding = Finding(
        "copies",
        "severe",
        ATTACKS[0],
        EVERYTHING,
        images=(dataset.images[0].path,),
        notes=(ATTACKS[1],),
        files=(ATTACKS[2],),
        refusal=ATTACKS[3],
        advice=(Advice(ATTACKS[4], ATTACKS[0]),),
    )
    report = HealthReport(dataset.fingerprint, 20, 0, (finding,), (), 0, (), 1.0, 1.0)
    write_json(library.folder_of(NAME) / "health.json", report.to_document())


def hostile_run(dataset, title, **settings):
    run = made_run(classes=ATTACKS, n=20, dataset=NAME, **settings)
    run.rename(title)
    run.write_images(
        [
            Image(str(dataset.root / each.path), each.file.sha256, each.label, each.group)
            for each in dataset.images
        ]
    )
    record = run.needed_record()
    weights = record.weights.model_copy(update={"title": ATTACKS[1]})
    split = record.split.model_copy(update={"kind": EVERYTHING})
    texts = dict.fromkeys(("network", "sample", "system", "engine_choice"), EVERYTHING)
    run.write_record(
        record.model_copy(
            update={**texts, "weights": weights, "split": split, "versions": {"a": ATTACKS[0]}}
        )
    )
    run.log.write(EVERYTHING)
    return run


@pytest.fixture(scope="module")
def served(models_cache, tmp_path_factory):
    """The server of a bundle, and the addresses of all its pages and tabs."""
    root = tmp_path_factory.mktemp("hostile")
    with cache_at(models_cache):
        model = load_model("my-model")
    with cache_at(root / "cache"):
        dataset = library.save(write_dataset(root / "images"))
        write_report(dataset)
        runs = [hostile_run(dataset, ATTACKS[0]), hostile_run(dataset, ATTACKS[1], C=2)]
        texts = {"dataset": EVERYTHING, "weights_title": EVERYTHING, "split": EVERYTHING}
        card = replace(model.card, name=NAME, run=runs[0].id, **texts, missing=(EVERYTHING,))
        save_model(replace(model, card=card))
        write_bundle(runs, root / "bundle.zip", with_models=True, by=BY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(variable_of("bundle"), str(root / "bundle.zip"))
        patch.setenv(MODE_VARIABLE, "")
        server = Server(root / "unused")
    first, second = (run.id for run in runs)
    image = quote(dataset.images[0].path)
    tabs = ("Errors", "Classes", "Curves and calibration", "Settings", "Export")
    yield (
        server,
        [
            "",
            "Datasets",
            *(f"Datasets?dataset={NAME}&view={tab}" for tab in ("Overview", "Images", "Health")),
            f"Datasets?dataset={NAME}&view=Splits",
            f"Datasets?dataset={NAME}&image={image}",
            "Experiments",
            f"Experiments?experiment={first}",
            *(f"Results?run={first}&tab={quote(tab)}" for tab in tabs),
            f"Results?run={first}&true={quote(ATTACKS[0])}&predicted={quote(ATTACKS[1])}",
            f"Results?run={first}&compare={second}",
            f"Predict?model={NAME}",
            f"Models?card={NAME}",
            *(f"Networks?about={tab}" for tab in ("Layers", "Weights", "First+filters")),
            f"Results?run={quote(EVERYTHING)}",
        ],
    )
    server.stop()


def visit(browser, start, addresses):
    """Return the addresses that a browser asks for on every page, and broken policies."""
    page = browser.new_page(viewport={"width": 1280, "height": 1200})
    page.set_default_timeout(60_000)
    asked, broken = [], []
    page.on("request", lambda request: asked.append(request.url))

    def note(words):  # a function of our own: Playwright marks it
        broken.append(words)

    page.expose_function("brokenPolicy", note)
    page.add_init_script(
        """addEventListener("securitypolicyviolation", event => brokenPolicy(
            `${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`));"""
    )
    for address in addresses:
        page.goto(f"{start}/{address}")
        page.get_by_role("heading", level=1).wait_for()
        settle(page)
        for summary in page.locator("summary").all():
            summary.click()
        settle(page)
    page.close()
    return asked, broken


def test_every_page_keeps_the_policy_of_the_recipes_and_asks_no_other_server(browser, served):
    server, addresses = served
    (policy,) = set(
        re.findall(r'Content-Security-Policy "([^"]+)"', (PROJECT / "docs/sharing.md").read_text())
    )
    # Reported, not enforced: what the policy would block is still asked for.
    with Proxy(server.port, f"Content-Security-Policy-Report-Only: {policy}") as proxy:
        asked, broken = visit(browser, proxy.address, addresses)
        proxy.shutdown()
    ours = (proxy.address, proxy.address.replace("http", "ws"), "data:", "blob:")
    assert len(asked) > len(addresses)
    assert [url for url in asked if not url.startswith(ours)] == []
    assert set(broken) == set()
