import shutil

import numpy as np
import pytest
from PIL import Image

from medrecog_core.datasets import apply_remedy, check_health, kept_report, library


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for label in ("mel", "nv"):
            (tmp_path / "images" / split / label).mkdir(parents=True)
            for i in range(12):
                coarse = Image.fromarray(rng.integers(0, 256, (9, 9, 3), np.uint8))
                picture = coarse.resize((120, 120), Image.Resampling.BICUBIC)
                picture.save(tmp_path / "images" / split / label / f"{i:02d}.png")
    return tmp_path / "images"


def added(folder):
    return library.save(library.read_folder("skin", folder))


def test_a_sound_data_set_has_no_findings_and_the_report_is_kept(folder):
    dataset = added(folder)
    report = check_health(dataset)
    assert report.findings == ()
    assert (report.n_images, report.n_excluded) == (48, 0)
    assert report.fingerprint == dataset.fingerprint
    assert kept_report("skin") == report


def test_everything_that_was_put_in_is_found_the_severe_first(folder):
    shutil.copy(folder / "train/nv/00.png", folder / "test/nv/copy.png")
    shutil.copy(folder / "train/nv/01.png", folder / "train/mel/copy.png")
    shutil.copy(folder / "train/nv/02.png", folder / "train/nv/copy.png")
    Image.open(folder / "train/nv/03.png").save(folder / "test/nv/near.jpg", quality=60)
    Image.new("L", (120, 120)).save(folder / "train/nv/blank.png")
    Image.effect_noise((40, 40), 80).save(folder / "train/nv/tiny.png")
    (folder / "train/nv/cut.png").write_bytes((folder / "train/nv/04.png").read_bytes()[:300])
    dataset = added(folder)
    (folder / "test/mel/05.png").unlink()
    report = check_health(dataset)
    assert {finding.kind for finding in report.findings} == {
        *("duplicates-across-splits", "duplicates-across-classes", "duplicates"),
        *("near-duplicates-across-splits", "blank", "tiny", "unreadable", "changed"),
    }
    severities = [finding.severity for finding in report.findings]
    assert severities == sorted(severities, key=["severe", "warning", "note"].index)
    assert report.finding("near-duplicates-across-splits").to_exclude == ("train/nv/03.png",)
    assert report.finding("changed").images == ("test/mel/05.png",)
    assert report.finding("unreadable").images == ("test/mel/05.png", "train/nv/cut.png")
    assert ("test/nv/near.jpg", "train/nv/03.png") in report.near_pairs


def test_excluding_every_finding_leaves_none(folder):
    shutil.copy(folder / "train/nv/00.png", folder / "test/nv/copy.png")
    Image.new("L", (120, 120)).save(folder / "train/nv/blank.png")
    report = check_health(added(folder))
    for finding in report.findings:
        apply_remedy("skin", finding)
    again = check_health(library.load("skin"))
    assert again.findings == ()
    assert again.n_excluded == 2
    assert again.fingerprint != report.fingerprint


def test_progress_names_its_stages(folder):
    seen = {}
    check_health(added(folder), lambda stage, done, total: seen.update({stage: (done, total)}))
    assert seen == {
        "measuring images": (48, 48),
        "comparing images": (48, 48),
        "looking for shortcuts": (7, 7),
    }


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"version": 0}'])
def test_a_damaged_report_is_as_good_as_none(folder, cache, text):
    check_health(added(folder))
    (cache.datasets / "skin" / "health.json").write_text(text)
    assert kept_report("skin") is None


def test_original_chest_x_rays_give_the_class_away_by_size_and_quality(shared_data):
    dataset = library.read_folder("chest", shared_data / "chest_xray_original")
    report = check_health(library.save(dataset))
    assert report.finding("shortcuts").severity == "severe"
    found = {shortcut.feature: shortcut.balanced_accuracy for shortcut in report.shortcuts}
    assert found["JPEG quality"] > 0.9
    assert found["width"] > 0.7


def test_views_of_one_lesion_are_expected_to_look_alike(shared_data):
    folder = shared_data / "ham10000"
    dataset = library.read_table("ham", folder, folder / "HAM10000_metadata.csv")
    report = check_health(library.save(dataset))
    assert report.n_expected_pairs > 0
    assert not [f for f in report.findings if f.kind.startswith("near-duplicates")]
