"""A read-only view: what it refuses, and that refusing leaves every file as it is."""

import ast
from pathlib import Path

import pytest

from medrecog_core import atomic_file, models, networks, runs, storage
from medrecog_core.datasets import (
    Decisions,
    add_dataset,
    check_health,
    download_dataset,
    library,
    read_dataset,
)
from medrecog_core.datasets.downloading import carry_out_download
from medrecog_core.datasets.health.check import carry_out_health_check, start_health_check
from medrecog_core.datasets.importing import add_part, carry_out_import, propose_dataset
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.images import thumbnail
from medrecog_core.jobs import work
from medrecog_core.jobs.job import create_job
from medrecog_core.jobs.process import start_module
from medrecog_core.locations import create_folder
from medrecog_core.mode import ReadOnlyError, check_may_change, is_viewer
from medrecog_core.models.evaluation import carry_out_evaluation, start_evaluation
from medrecog_core.models.exchange import import_content
from medrecog_core.models.storage import keep_test
from medrecog_core.networks import DEFAULT_NETWORK, find_network, weight_import
from medrecog_core.runs import RUN_TRASH, Run, RunSpecification
from medrecog_core.runs.baselines import add_baselines
from medrecog_core.runs.labels import RunLabels
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from tests.textures import NAME

CORE = Path(__file__).parents[1] / "medrecog_core"


@pytest.fixture
def viewer(monkeypatch):
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)


def contents(folder):
    """Every file below a folder with its bytes, and every folder."""
    return {
        file.relative_to(folder): file.read_bytes() if file.is_file() else None
        for file in folder.rglob("*")
    }


@pytest.mark.parametrize(("value", "is_one"), [(None, False), ("", False), (" viewer ", True)])
def test_the_mode_is_that_of_the_environment(monkeypatch, value, is_one):
    monkeypatch.delenv(MODE_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(MODE_VARIABLE, value)
    assert is_viewer() == is_one


@pytest.mark.parametrize("value", ["Viewer", "view", "read-only", "1"])
def test_a_mode_that_there_is_not_opens_no_door(monkeypatch, value):
    monkeypatch.setenv(MODE_VARIABLE, value)
    for ask in (is_viewer, lambda: check_may_change("start a run")):
        with pytest.raises(UsageError, match=f"{MODE_VARIABLE} is “{value}”"):
            ask()


def test_what_is_refused_is_named_with_what_to_do(viewer):
    with pytest.raises(ReadOnlyError, match=r"read-only view cannot start a run"):
        check_may_change("start a run")


def test_nothing_is_refused_without_the_mode():
    check_may_change("start a run")


def test_nothing_is_written_below_the_cache_folder(viewer, cache, tmp_path):
    for write in (
        lambda: atomic_file.write_json(cache.runs / "a.json", {}),
        lambda: create_folder(cache.weights),
        lambda: create_folder(cache.root),
    ):
        with pytest.raises(StorageError, match="read-only view cannot write to"):
            write()
    assert not cache.root.exists()
    # Exports go where people say.
    atomic_file.write_bytes(tmp_path / "elsewhere" / "table.csv", b"1")


def test_the_demo_is_there_only_where_it_has_been_drawn(viewer, monkeypatch, cache):
    assert library.names() == []
    with pytest.raises(MedrecogError, match="Unknown data set “demo”"):
        library.load("demo")
    (cache.datasets / "demo" / "images").mkdir(parents=True)
    assert library.names() == ["demo"]


def test_thumbnails_are_drawn_and_not_kept(pictures, viewer, cache):
    assert thumbnail(next(pictures.rglob("*.png"))).startswith(b"\xff\xd8")
    assert not cache.thumbnails.exists()


@pytest.fixture
def doors(finished, pictures):
    """Every function of the core that changes what is kept, with a call that would do so."""
    network, specification = find_network(DEFAULT_NETWORK), RunSpecification(dataset=NAME)
    run, textures = finished, library.load(NAME)
    model = models.train_model(run, run.cells()[0].cell, "one")
    image = textures.images[0].path
    cell = run.cells()[0].cell
    return {
        library.save: (textures,),
        library.refresh: (NAME,),
        library.exclude: (NAME, [image]),
        library.include: (NAME, [image]),
        library.remove: (NAME,),
        library.choose_classes: (NAME, ["stripes"]),
        library.restore_classes: (NAME,),
        library.move: (NAME, pictures),
        add_dataset: ("more", [pictures]),
        propose_dataset: ("more", [next(pictures.rglob("*.png"))]),
        add_part: ("more", textures, Decisions(entry="mini-mit")),
        download_dataset: ("ham10000",),
        check_health: (textures,),
        start_health_check: (NAME,),
        carry_out_health_check: (NAME,),
        carry_out_import: ("more", [pictures]),
        carry_out_download: ("ham10000",),
        weight_import.carry_out_download: (network,),
        weight_import.start_download: (network,),
        create_job: ("check", NAME, "Check"),
        models.start_training: (run, cell, "another"),
        models.carry_out_training: (run, cell, "another"),
        runs.create_run: (specification,),
        runs.launch: (specification,),
        work.carry_out: (run,),
        work.resume: (run,),
        work.stop: (run,),
        runs.execute: (run,),
        runs.extract_dataset: (specification,),
        runs.measure_leakage: (specification,),
        Run.rename: (run, "Another title"),
        Run.write_labels: (run, RunLabels(pinned=True)),
        RUN_TRASH.restore: (run.id,),
        RUN_TRASH.empty: (),
        Run.ask_to_stop: (run,),
        Run.forget_stop: (run,),
        Run.discard_cells: (run,),
        Run.delete: (run,),
        start_module: ("medrecog_core", ["runs"], run.path / "log.txt"),
        models.train_model: (run, cell, "another"),
        models.save_model: (model,),
        models.delete_model: ("one",),
        models.import_model: (pictures,),
        import_content: (b"", "a model"),
        networks.import_weights: (network, pictures),
        networks.download_weights: (network,),
        library.review_labels: (NAME, [image], "right"),
        add_baselines: (run,),
        start_evaluation: ("one", NAME, {}),
        carry_out_evaluation: ("one", NAME, {}),
        keep_test: ("one", None),
        models.delete_test: ("one", NAME),
        storage.delete_features: (storage.Selection(unreachable=True),),
        networks.remove_weights: (network, "0" * 16),
    }


def test_every_door_is_shut_and_nothing_has_changed(doors, cache, monkeypatch):
    before = contents(cache.root)
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    for change, arguments in doors.items():
        with pytest.raises(ReadOnlyError, match="This read-only view cannot"):
            change(*arguments)
    assert contents(cache.root) == before


def test_a_folder_whose_description_can_be_read_still_can(viewer, pictures):
    assert read_dataset("more", pictures).images


def test_every_function_that_asks_the_mode_is_among_the_doors(doors):
    asking = {
        function.name
        for file in CORE.rglob("*.py")
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef) and "check_may_change" in ast.unparse(function)
    }
    asking -= {"check_may_change", "check_may_change_in", "check_may_write", "_change_weights"}
    asking -= {"_order"}  # of the functions that start and carry out an evaluation
    assert asking
    assert asking <= {change.__name__ for change in doors}
