"""What each runner may store, and that what others store does not count."""

import shutil
from pathlib import Path

import pytest

from medrecog_core import models
from medrecog_core.access import OPERATOR, Person, Role, acting_as
from medrecog_core.datasets import add_dataset, library
from medrecog_core.datasets.downloading import start_download
from medrecog_core.errors import MedrecogError
from medrecog_core.jobs.process import this_process
from medrecog_core.quota import QuotaError, check_cache_quota, check_upload_quota, note_features
from medrecog_core.runs import create_run, launch
from tests.textures import specification, write_textures

ADA = Person("idp 1", "Ada", Role.RUNNER)
BOB = Person("idp 2", "Bob", Role.RUNNER)
ROOT = Person("idp 4", "Grace", Role.ADMIN)
GB = 10**9


@pytest.fixture
def archive(cache, tmp_path):
    folder = cache.datasets / ".upload-1"
    folder.mkdir(parents=True)
    pictures = write_textures(tmp_path / "images")
    return Path(shutil.make_archive(str(folder / "textures"), "zip", pictures))


def test_without_a_quota_nothing_is_counted(cache):
    with acting_as(ADA):
        assert check_upload_quota(100 * GB) is None
        assert check_cache_quota(100 * GB) is None


def test_a_runner_stores_data_sets_up_to_the_quota(cache, archive, monkeypatch):
    with acting_as(ADA):
        add_dataset("one", [archive])
        used = sum(f.stat().st_size for f in (cache.datasets / "one").rglob("*") if f.is_file())
        monkeypatch.setenv("MEDRECOG_UPLOAD_QUOTA_GB", str(2 * used / GB))
        assert check_upload_quota() == pytest.approx(used, abs=1)
        with pytest.raises(QuotaError, match=r"use 0\.\d\d of 0\.\d\d GB, and this needs"):
            start_download("ham10000")
        monkeypatch.setenv("MEDRECOG_UPLOAD_QUOTA_GB", str(1.2 * used / GB))
        with pytest.raises(MedrecogError, match="allowed"):  # more than is left, when extracted
            add_dataset("two", [archive])
        monkeypatch.setenv("MEDRECOG_UPLOAD_QUOTA_GB", str(used / GB))
        with pytest.raises(QuotaError):
            add_dataset("two", [archive])
    for person, name in ((BOB, "of-bob"), (ROOT, "of-root"), (OPERATOR, "of-operator")):
        with acting_as(person):
            add_dataset(name, [archive])
    with acting_as(ADA):
        library.remove("one")
        assert add_dataset("two", [archive]).images


def test_a_runner_starts_runs_up_to_the_quota(known, cache, monkeypatch):
    monkeypatch.setattr("medrecog_core.jobs.work.start_module", lambda *_: this_process())
    monkeypatch.setenv("MEDRECOG_CACHE_QUOTA_GB", "1")
    with acting_as(ADA):
        run = launch(specification())
        assert check_cache_quota() < GB
        before = check_cache_quota()
        note_features(run.path, 10**8)
        assert before - check_cache_quota() == pytest.approx(10**8, rel=0.01)
        note_features(run.path, GB)
        for refused in (lambda: launch(specification(seed=2)), check_cache_quota):
            with pytest.raises(QuotaError, match=r"use 1\.\d\d of 1\.00 GB"):
                refused()
        run.write_state(run.state().__class__("stopped"))
        run.delete()  # which keeps it, and its features, for now
        with pytest.raises(QuotaError):
            launch(specification(seed=2))
    for person in (BOB, ROOT, OPERATOR):
        with acting_as(person):
            launch(specification(seed=3))


@pytest.mark.parametrize("content", [b"", b"-1", b"1e400", b'"1"', b"[1]"])
def test_a_damaged_count_is_none(known, monkeypatch, content):
    monkeypatch.setenv("MEDRECOG_CACHE_QUOTA_GB", "1")
    with acting_as(ADA):
        run = create_run(specification())
        (run.path / "features.json").write_bytes(content)
        assert check_cache_quota() < GB


def test_a_model_needs_room_too(finished, monkeypatch):
    monkeypatch.setenv("MEDRECOG_CACHE_QUOTA_GB", "0")
    run = finished
    with acting_as(ADA), pytest.raises(QuotaError):
        models.start_training(run, run.cells()[0].cell, "one")
    with acting_as(ADA), pytest.raises(QuotaError):
        models.import_content(b"a model", "a model")
