import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medrecog_core import atomic_file
from medrecog_core.datasets import (
    Dataset,
    DatasetWarning,
    Decisions,
    ImageRecord,
    apply_remedy,
    check_health,
    kept_report,
    library,
    read_dataset,
)
from medrecog_core.datasets.health.check import carry_out_health_check, start_health_check
from medrecog_core.errors import MedrecogError
from medrecog_core.images import Rendering
from medrecog_core.jobs import work
from medrecog_core.jobs.job import all_jobs, last_job, working_on
from medrecog_core.jobs.kinds import CHECK
from medrecog_core.jobs.process import identify
from medrecog_core.jobs.progress import Progress
from medrecog_core.locations import CacheFolder
from tests.textures import N_IMAGES, add_textures, wait_until, write_textures


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
    return library.save(read_dataset("skin", folder, Decisions(keeps_copies=True)))


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
    check_health(added(folder), lambda stage, done, total: seen.update({stage.id: (done, total)}))
    assert seen == {
        "measure-images": (48, 48),
        "compare-images": (48, 48),
        "find-shortcuts": (7, 7),
    }


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"version": 0}'])
def test_a_damaged_report_is_as_good_as_none(folder, cache, text):
    check_health(added(folder))
    (cache.datasets / "skin" / "health.json").write_text(text)
    assert kept_report("skin") is None


def test_original_chest_x_rays_give_the_class_away_by_size_and_quality(shared_data):
    dataset = read_dataset("chest", shared_data / "chest_xray_original")
    report = check_health(library.save(dataset))
    assert report.finding("shortcuts").severity == "severe"
    found = {shortcut.feature: shortcut.balanced_accuracy for shortcut in report.shortcuts}
    assert found["JPEG quality"] > 0.9
    assert found["width"] > 0.7


def test_views_of_one_lesion_are_expected_to_look_alike(shared_data):
    folder = shared_data / "ham10000"
    dataset = read_dataset("ham", folder)
    report = check_health(library.save(dataset))
    assert report.n_expected_pairs > 0
    assert not [f for f in report.findings if f.kind.startswith("near-duplicates")]


def pictures(n, side=24, seed=1):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (side, side), np.uint8) for _ in range(n)]


@pytest.fixture
def keep(tmp_path, cache):
    """Write images and keep a data set of them, whose class is the last folder but one."""

    def kept(files, **more):
        images = []
        for path, pixels in sorted(files.items()):
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(file)
            *above, label, _ = path.split("/")
            images.append(ImageRecord(path, label, above[0] if above else ""))
        return library.save(Dataset("small", tmp_path, tuple(images), "made", **more))

    return kept


def two_classes(n=6, prefix="", seed=1):
    names = [f"{prefix}{label}/{i}.png" for label in ("mel", "nv") for i in range(n)]
    return dict(zip(names, pictures(len(names), seed=seed), strict=True))


NEW = {
    *("class-missing-from-training", "small-class", "similar-class-names", "imported-companions"),
    *("mixed-grey-ranges", "one-group", "patients-in-names", "unlabelled"),
}


def test_class_folders_of_varied_noise_have_none_of_the_findings_of_an_import(keep):
    report = check_health(keep(two_classes()))
    assert not NEW & {finding.kind for finding in report.findings}


def companions():
    mask = np.zeros((24, 24), np.uint8)
    mask[4:9, 5:14] = 255
    return two_classes() | {"mel/0_mask.png": mask, "mel/1 shape.png": mask.T}


def grey_ranges():
    deep = {path: pixels.astype(np.uint16) * 257 for path, pixels in two_classes().items()}
    return deep | {f"nv/12bit-{i}.png": p.astype(np.uint16) * 16 for i, p in enumerate(pictures(2))}


def small_class():
    return two_classes() | {f"df/{i}.png": each for i, each in enumerate(pictures(2, seed=2))}


def untrained_class():
    parts = two_classes(prefix="train/") | two_classes(prefix="test/", seed=3)
    rare = {f"test/rare/{i}.png": each for i, each in enumerate(pictures(6, seed=4))}
    return parts | rare


def missing_label():
    return two_classes() | {f"nan/{i}.png": each for i, each in enumerate(pictures(6, seed=5))}


def repeated_classes():
    once = two_classes()
    return once | {f"outer/{path.replace('/', '-')}": each for path, each in once.items()}


@pytest.mark.parametrize(
    ("files", "kind", "n_excluded"),
    [
        (companions, "imported-companions", 2),
        (grey_ranges, "mixed-grey-ranges", 2),
        (small_class, "small-class", 2),
        (untrained_class, "class-missing-from-training", 6),
        (missing_label, "unlabelled", 6),
        (repeated_classes, "duplicates-across-classes", 12),
    ],
)
def test_a_remedy_ends_its_finding_until_it_is_undone(keep, files, kind, n_excluded):
    dataset = keep(files(), rendering=Rendering(window=(0, 65535)))
    found = check_health(dataset).finding(kind)
    assert len(found.remedy.images) == n_excluded
    assert kept_report("small").finding(kind) == found
    now = apply_remedy("small", found)
    assert len(now.excluded) == n_excluded
    assert {"mel", "nv"} == set(now.classes)
    assert check_health(now).finding(kind) is None
    again = library.include("small", [each.image.path for each in now.excluded])
    assert check_health(again).finding(kind) == found


def test_spellings_are_merged_until_the_classes_are_restored(keep):
    files = two_classes() | {f"Mel/x{i}.png": each for i, each in enumerate(pictures(3, seed=7))}
    found = check_health(keep(files)).finding("similar-class-names")
    now = apply_remedy("small", found)
    assert now.classes == ("mel", "nv")
    assert len(now.images) == 15
    assert check_health(now).finding("similar-class-names") is None
    assert check_health(library.restore_classes("small")).finding("similar-class-names") == found


def test_a_remedy_that_would_empty_a_class_is_not_offered_and_not_applied(keep):
    files = two_classes()
    same = {f"other/{path.split('/')[1]}": files[path] for path in files if path.startswith("mel")}
    found = check_health(keep(files | same)).finding("duplicates-across-classes")
    assert found.remedy is None
    assert "classes “mel”, “other” would have no images left" in found.refusal
    with pytest.raises(MedrecogError, match="would have no images left"):
        apply_remedy("small", found)
    assert library.load("small").excluded == ()


def test_a_remedy_of_an_older_report_is_judged_by_the_data_set_as_it_is(keep):
    found = check_health(keep(small_class())).finding("small-class")
    library.exclude("small", [path for path in two_classes() if path.startswith("nv")])
    with pytest.raises(MedrecogError, match="fewer than two classes would be left"):
        apply_remedy("small", found)
    assert set(library.load("small").classes) == {"df", "mel"}


def test_what_the_import_warned_about_is_kept_with_the_report(keep):
    warning = DatasetWarning("companions", "1 mask left out.", ("mel/0_mask.png",))
    report = check_health(keep(two_classes(), warnings=(warning,)))
    assert report.finding("companions").files == ("mel/0_mask.png",)


def test_a_report_of_version_1_is_read(keep, cache):
    report = check_health(keep(companions()))
    document = report.to_document() | {"version": 1}
    for finding in document["findings"]:
        for field in ("remedy", "refusal", "advice", "files"):
            del finding[field]
        finding["rule"] = "all of them are excluded"
    atomic_file.write_json(cache.datasets / "small/health.json", document)
    read = kept_report("small").finding("imported-companions")
    assert read.to_exclude == report.finding("imported-companions").to_exclude
    assert read.remedy.words == "All of them are excluded."


@pytest.fixture
def known(tmp_path: Path, cache: CacheFolder) -> Path:
    folder = write_textures(tmp_path / "images")
    add_textures(folder)
    return folder


def test_a_check_in_this_process_is_seen_by_others(known: Path) -> None:
    seen: list[Progress] = []
    states = []

    def note(progress: Progress) -> None:
        seen.append(progress)
        check = working_on(CHECK, "textures")
        if check is not None:
            states.append(check.state())

    report = carry_out_health_check("textures", report=note)
    assert kept_report("textures") == report
    assert {"measure-images", "compare-images"} <= {progress.stage.id for progress in seen}
    assert states[-1].process.pid == os.getpid()
    ended = last_job(CHECK, "textures")
    assert ended is not None and ended.state().status == "finished"


def test_a_check_that_fails_says_why(tmp_path: Path) -> None:
    folder = write_textures(tmp_path / "images")
    add_textures(folder)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(MedrecogError, match=r"“textures” is missing\. Restore the folder"):
        carry_out_health_check("textures")
    check = last_job(CHECK, "textures")
    assert check is not None and check.state().status == "failed"
    assert "“textures” is missing. Restore the folder" in check.state().error


def test_an_unknown_data_set_leaves_nothing_behind(cache: CacheFolder) -> None:
    with pytest.raises(MedrecogError, match="Unknown data set “nothing”"):
        carry_out_health_check("nothing")
    assert all_jobs() == []
    assert not (cache.datasets / "nothing").exists()


def test_a_launched_check_goes_on_in_a_process_of_its_own(known: Path) -> None:
    start_health_check("textures")
    wait_until(lambda: kept_report("textures") is not None)
    job = last_job(CHECK, "textures")
    assert job is not None
    process = job.state().process
    assert process is not None and process.pid != os.getpid()
    report = kept_report("textures")
    assert report is not None and report.n_images == N_IMAGES


def test_a_launched_check_can_take_in_changed_files_first(tmp_path: Path) -> None:
    folder = write_textures(tmp_path / "images")
    add_textures(folder)
    (folder / "noise/noise-0.png").unlink()
    start_health_check("textures", refresh=True)
    wait_until(lambda: kept_report("textures") is not None)
    assert len(library.load("textures").images) == N_IMAGES - 1


def test_only_one_process_checks_a_data_set(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def start(module: str, arguments: list[str], log: Path) -> object:
        process = subprocess.Popen(["sleep", "60"])
        started.append(process)
        return identify(process.pid)

    monkeypatch.setattr(work, "start_module", start)
    try:
        one, other = start_health_check("textures"), start_health_check("textures")
        assert len(started) == 1
        assert one.id == other.id
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert one.state().status == "interrupted"
