"""The health report on the Datasets page, without a browser."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from medrecog_core.datasets import (
    Dataset,
    DatasetWarning,
    ImageRecord,
    check_health,
    kept_report,
    library,
)
from medrecog_core.datasets.health import leaks
from medrecog_core.jobs.process import this_process

pytestmark = pytest.mark.slow

APP = Path(__file__).parents[3] / "app.py"
MASK = np.zeros((24, 24), np.uint8)
MASK[4:9, 5:14] = 255


@pytest.fixture(autouse=True)
def checked_in_this_process(monkeypatch):
    report = "medrecog_core.ui.datasets.health_report"
    monkeypatch.setattr(
        f"{report}.start_health_check",
        lambda name, refresh=False: check_health(library.load(name)),
    )
    monkeypatch.setattr("medrecog_core.jobs.work.start_module", lambda *_: this_process())


@pytest.fixture
def skin(tmp_path, cache):
    """A data set with a mask among its images, one group, and a warning of its import."""
    rng = np.random.default_rng(0)
    images = []
    for label in ("$mel$", "nv"):
        (tmp_path / label).mkdir()
        for i in range(6):
            Image.fromarray(rng.integers(0, 256, (24, 24), np.uint8)).save(
                tmp_path / label / f"{i}.png"
            )
            images.append(ImageRecord(f"{label}/{i}.png", label, group="ANONYMOUS"))
    Image.fromarray(MASK).save(tmp_path / "nv/1 area.png")
    images.append(ImageRecord("nv/1 area.png", "nv", group="ANONYMOUS"))
    warning = DatasetWarning("unsupported-files", "1 file (.svs) was not imported.", ("x.svs",))
    kept = library.save(Dataset("skin", tmp_path, tuple(images), "made", warnings=(warning,)))
    check_health(kept)
    return kept


def health():
    test = AppTest.from_file(str(APP), default_timeout=60).run()
    test.query_params["dataset"] = "skin"
    test.query_params["view"] = "Health"
    return test.switch_page("pages/1_Datasets.py").run()


def words(test):
    return "\n".join(each.value for kind in ("markdown", "caption") for each in test.get(kind))


def test_findings_come_with_their_remedies_commands_and_the_warnings_of_the_import(skin):
    test = health()
    assert not test.exception
    assert test.button(key="exclude-imported-companions").label == "Exclude 1 image"
    commands = [each.value for each in test.code]
    assert any("datasets add skin-2" in each and "--no-groups" in each for each in commands)
    assert "1 file (.svs) was not imported." in words(test)
    assert "You can restore it below." in words(test)


def test_a_remedy_is_applied_and_undone(skin):
    test = health()
    test.button(key="exclude-imported-companions").click().run()
    assert [each.image.path for each in library.load("skin").excluded] == ["nv/1 area.png"]
    assert kept_report("skin").finding("imported-companions") is None
    test = health()
    (restore,) = (each for each in test.button if each.label == "Restore")
    restore.click().run()
    assert library.load("skin").excluded == ()
    assert kept_report("skin").finding("imported-companions") is not None


def test_a_remedy_that_is_not_offered_says_why(skin):
    test = health()
    with pytest.raises(KeyError):
        test.button(key="exclude-tiny")
    assert "would have no images left" in words(test)


def test_merged_and_excluded_classes_are_restored(skin):
    library.choose_classes("skin", merge={"$mel$": "mel"})
    test = health()
    assert "→ mel" in words(test)
    test.button(key="restore-classes").click().run()
    assert library.load("skin").classes == ("$mel$", "nv")


@pytest.fixture
def copies(tmp_path, cache):
    """Two sets of copies among the training images of one class: of two images and of three."""
    rng = np.random.default_rng(0)
    images = []
    for label in ("mel", "nv"):
        (tmp_path / label).mkdir()
        for i in range(6):
            Image.fromarray(rng.integers(0, 256, (24, 24), np.uint8)).save(
                tmp_path / label / f"{i}.png"
            )
    for original, copy in ((0, "a"), (1, "b"), (1, "c")):
        shutil.copy(tmp_path / f"nv/{original}.png", tmp_path / f"nv/{copy}.png")
    for file in sorted(tmp_path.rglob("*.png")):
        images.append(ImageRecord(f"{file.parent.name}/{file.name}", file.parent.name))
    check_health(library.save(Dataset("skin", tmp_path, tuple(images), "made")))


def excluded():
    return {each.image.path for each in library.load("skin").excluded}


def test_of_each_set_of_copies_one_is_kept_or_none_and_the_rest_keeps_its_remedy(copies):
    test = health()
    labels = [button.label for button in test.button]
    assert labels.count("Keep this") == 5
    assert {"Exclude both", "Exclude all 3"} <= set(labels)
    keep = "keep-duplicates-0-nv/0.png-nv/a.png"
    # The remedy would exclude a.png; here the other image of the pair is kept.
    test.button(key=keep).click().run()
    assert not test.exception
    assert excluded() == {"nv/0.png"}
    assert [button.label for button in test.button].count("Keep this") == 3
    next(each for each in test.button if each.label == "Undo").click().run()
    assert excluded() == set()
    assert [button.label for button in test.button].count("Keep this") == 5
    test.button(key=keep).click().run()
    test.button(key="exclude-duplicates").click().run()
    assert excluded() == {"nv/0.png", "nv/b.png", "nv/c.png"}
    assert not any(button.label == "Keep this" for button in test.button)


def test_options_of_the_command_line_are_words_of_the_page(tmp_path, cache):
    for label in ("mel", "nv"):
        (tmp_path / label).mkdir()
        Image.fromarray(MASK).save(tmp_path / label / "1.png")
    images = tuple(ImageRecord(f"{label}/1.png", label) for label in ("mel", "nv"))
    warning = DatasetWarning("second-copies", "2 copies not imported. Use --keep-copies.")
    check_health(library.save(Dataset("skin", tmp_path, images, "made", warnings=(warning,))))
    test = health()
    assert "Use “Keep copies”." in words(test)
    assert "--keep-copies" not in words(test)


def test_near_duplicates_that_are_not_listed_are_counted(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(leaks, "_MOST_LISTED_OF_IMAGE", 1)
    small = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    picture = Image.fromarray(small).resize((96, 96), Image.Resampling.BICUBIC)
    names = [f"{quality}.jpg" for quality in (70, 75, 80, 85, 90, 95)]
    for name in names:
        picture.save(tmp_path / name, quality=int(name[:2]))
    Image.fromarray(MASK).save(tmp_path / "mel.png")
    images = (ImageRecord("mel.png", "mel"), *(ImageRecord(name, "nv") for name in names))
    dataset = library.save(Dataset("skin", tmp_path, images, "made"))
    report = check_health(dataset)
    listed = [sum(name in pair for pair in report.near_pairs) for name in names]
    left = max(report.n_unlisted.values())
    assert report.n_unlisted == {n: 5 - k for n, k in zip(names, listed, strict=True) if k < 5}
    assert f"{15 - len(report.near_pairs)} pairs of near-duplicates are not listed" in words(
        health()
    )
    name = max(report.n_unlisted, key=report.n_unlisted.get)
    test = AppTest.from_file(str(APP), default_timeout=60).run()
    test.query_params["dataset"], test.query_params["image"] = "skin", name
    shown = words(test.switch_page("pages/1_Datasets.py").run())
    assert f"Showing {5 - left} of 5. The health report does not list {left} of them." in shown
