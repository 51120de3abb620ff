"""Data sets are added in a real browser: from this machine, by upload, from the catalogue."""

import io
import os
import re

import pytest
from PIL import Image

from medrecog_core.datasets import library, read_dataset
from medrecog_core.datasets.catalogue import find
from medrecog_core.errors import UsageError
from medrecog_core.ui.datasets.adding_dataset import _check_new_name
from tests.archives import pack
from tests.file_server import Answer, serving
from tests.ui.conftest import Server
from tests.ui.settling import upload

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

MINUTE = 60_000


def png(colour):
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """A mirror that has Kvasir, version 1, with two images a class."""
    labels = find("kvasir-v1").classes
    members = [(f"kvasir-dataset/{n}/{i}.png", png("red")) for n in labels for i in (1, 2)]
    archive = pack(tmp_path_factory.mktemp("mirror") / "kvasir-dataset.zip", members)
    with serving(archive.read_bytes()) as served:
        yield served


def write_shown(cache, root):
    """Add the set that the page shows; the demo would be generated, and its end shuts a dialog."""
    for label in ("green", "grey"):
        (root / label).mkdir()
        (root / label / "1.png").write_bytes(png(label))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDRECOG_CACHE", str(cache))
        library.save(read_dataset("shown", root))


@pytest.fixture(scope="module")
def server(tmp_path_factory, mirror):
    os.environ["MEDRECOG_DATASETS_MIRROR"] = mirror.address
    cache = tmp_path_factory.mktemp("served") / "cache"
    write_shown(cache, tmp_path_factory.mktemp("shown"))
    started = Server(cache)
    del os.environ["MEDRECOG_DATASETS_MIRROR"]
    yield started
    started.stop()


@pytest.fixture
def dialog(browser, server):
    """The page with the dialog open."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(MINUTE)
    page.goto(f"{server.address}/Datasets")
    page.get_by_role("button", name="Add a data set").click()
    page.get_by_role("dialog").wait_for()
    yield page
    page.close()


@pytest.mark.parametrize("name", ["", "My images", "../elsewhere", "a/b", "a\0"])
def test_a_name_that_cannot_be_is_refused_before_anything_is_started(name):
    with pytest.raises(UsageError, match="is not a valid name"):
        _check_new_name(name)


def fill(page, label, text):
    page.get_by_role("textbox", name=label).fill(text)
    page.get_by_role("textbox", name=label).press("Enter")


def test_an_archive_on_the_server_is_extracted_and_shown(dialog, server, tmp_path):
    archive = pack(tmp_path / "a.zip", [("red/1.png", png("red")), ("blue/1.png", png("blue"))])
    fill(dialog, "Image folder or archive", str(archive))
    dialog.get_by_text("A folder a class").wait_for()
    fill(dialog, "Name", "from-archive")
    dialog.get_by_role("button", name="Add this data set").click()
    dialog.wait_for_url(re.compile("dataset=from-archive"))
    assert (server.cache / "datasets/from-archive/images/red/1.png").is_file()


def test_an_archive_that_is_refused_gets_one_sentence(dialog, server, tmp_path):
    archive = pack(tmp_path / "bad.zip", [("../1.png", png("red"))])
    fill(dialog, "Image folder or archive", str(archive))
    dialog.get_by_text("bad.zip was not extracted because it contains “../1.png”").wait_for()
    assert dialog.get_by_role("button", name="Add this data set").count() == 0
    assert not (server.cache / "datasets/bad").exists()


def test_an_archive_and_a_table_are_uploaded_and_its_columns_matched(dialog, server, tmp_path):
    archive = pack(tmp_path / "a.zip", [("x/1.png", png("red")), ("x/2.png", png("blue"))])
    table = tmp_path / "labels.csv"
    table.write_text("what,dx,patient\n1,nv,a\n2,mel,b\n")
    dialog.get_by_role("radio", name="Upload").click()
    upload(dialog.get_by_test_id("stFileUploaderDropzoneInput"), [archive, table])
    dialog.get_by_text("First 2 of 2 rows in labels.csv. Match the columns:").wait_for()
    fill(dialog, "Name", "uploaded")
    dialog.get_by_role("button", name="Add this data set").click()
    dialog.wait_for_url(re.compile("dataset=uploaded"))
    dialog.get_by_text("Labels from labels.csv; groups from the column patient").wait_for()
    assert not list((server.cache / "datasets").glob(".upload-*"))


def test_a_published_set_is_downloaded_with_progress(dialog, server, mirror):
    mirror.answers += [Answer(cut_after=0)] * 3  # so that there is time to look
    dialog.get_by_role("radio", name="Public data sets").click()
    dialog.get_by_role("combobox", name="Published data set").fill("Kvasir, version 1")
    dialog.keyboard.press("Enter")
    dialog.get_by_text("KVASIR: A Multi-Class Image Dataset").wait_for()
    dialog.get_by_role("button", name="Download and add").click()
    dialog.get_by_text(re.compile("Downloading kvasir-dataset.zip")).first.wait_for()
    dialog.wait_for_url(re.compile("dataset=kvasir-v1"), timeout=2 * MINUTE)
    dialog.get_by_text("Kvasir, a folder a class").wait_for()
    assert mirror.paths[0] == "/kvasir-v1/kvasir-dataset.zip"
