"""Two people and an admin: who may stop, resume, change and delete what."""

import json
from pathlib import Path

import pytest

from medrecog_core import models
from medrecog_core.access import OPERATOR, NotAllowedError, Person, Role, acting_as
from medrecog_core.bundles import open_bundle, write_bundle
from medrecog_core.datasets import library
from medrecog_core.jobs import work
from medrecog_core.jobs.job import create_job
from medrecog_core.jobs.process import this_process
from medrecog_core.jobs.worker import main
from medrecog_core.locations import CacheFolder
from medrecog_core.ownership import OWNER, owner_of, sign
from medrecog_core.runs import RUN_TRASH, Run, create_run, launch, list_runs
from medrecog_core.runs.labels import RunLabels
from tests.textures import NAME, specification

ADA = Person("idp 1", "Ada Lovelace", Role.RUNNER)
BOB = Person("idp 2", "Bob", Role.RUNNER)
EVE = Person("idp 3", "Eve", Role.VIEWER)
ROOT = Person("idp 4", "Grace", Role.ADMIN)
NAMESAKE = Person("idp 5", ADA.name, Role.RUNNER)


@pytest.fixture(autouse=True)
def no_process(monkeypatch):
    monkeypatch.setattr("medrecog_core.jobs.work.start_module", lambda *_: this_process())


def ended(run):
    """The run as it is after its process has ended."""
    run.write_state(run.state().__class__("stopped"))
    return run


CHANGES = {
    "stop": work.stop,
    "resume": lambda run: work.resume(ended(run)),
    "delete": lambda run: ended(run).delete(),
    "rename": lambda run: run.rename("Another title"),
    "discard": lambda run: run.discard_cells(),
    "execute": work.carry_out,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("person", [BOB, EVE, NAMESAKE], ids=lambda person: person.name)
def test_nobody_but_the_owner_and_admins_changes_a_run(known, change, person):
    with acting_as(ADA):
        run = launch(specification())
    before = {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()}
    with acting_as(person), pytest.raises(NotAllowedError):
        CHANGES[change](run)
    if change not in ("resume", "delete"):  # whose state the test itself has written
        assert {f: f.read_bytes() for f in run.path.rglob("*") if f.is_file()} == before
    assert run.path.exists()


@pytest.mark.parametrize("change", ["stop", "resume", "delete", "rename"])
@pytest.mark.parametrize("person", [ADA, ROOT, OPERATOR], ids=lambda person: person.name)
def test_the_owner_and_admins_change_a_run(known, change, person):
    with acting_as(ADA):
        run = launch(specification())
    with acting_as(person):
        CHANGES[change](run)


def test_two_people_start_stop_and_delete_each_their_own_run(known):
    runs = {}
    for person in (ADA, BOB):
        with acting_as(person):
            runs[person.id] = launch(specification(seed=int(person.id[-1])))
    for person, other in ((ADA, BOB), (BOB, ADA)):
        with acting_as(person):
            work.stop(runs[person.id])
            with pytest.raises(NotAllowedError):
                work.stop(runs[other.id])
    for run in runs.values():
        ended(run)
    with acting_as(ADA):
        runs[ADA.id].delete()
        with pytest.raises(NotAllowedError):
            runs[BOB.id].delete()
    with acting_as(BOB):
        for forbidden in (lambda: RUN_TRASH.restore(runs[ADA.id].id), RUN_TRASH.empty):
            with pytest.raises(NotAllowedError):
                forbidden()
    assert [each.name for each in RUN_TRASH.contents()] == [runs[ADA.id].id]
    with acting_as(ADA):
        RUN_TRASH.restore(runs[ADA.id].id)
    assert {row.started_by for row in list_runs()} == {ADA.name, BOB.name}


def test_a_run_of_the_operator_belongs_to_admins(known):
    run = create_run(specification())
    assert not (run.path / OWNER).exists()
    for person in (ADA, EVE):
        with acting_as(person), pytest.raises(NotAllowedError):
            run.delete()
    with acting_as(ROOT):
        ended(run).delete()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff", b'{"id": "", "name": "", "role": 2}', b'{"id": 1}']
)
def test_a_damaged_signature_gives_a_run_to_admins(known, content):
    with acting_as(ADA):
        run = create_run(specification())
        (run.path / OWNER).write_bytes(content)
        with pytest.raises(NotAllowedError):
            run.delete()


def test_runners_label_every_run_and_viewers_none(known):
    run = create_run(specification())
    with acting_as(ADA):
        run.write_labels(RunLabels(pinned=True))
    with acting_as(EVE), pytest.raises(NotAllowedError):
        run.write_labels(RunLabels())
    assert run.labels().pinned


def test_data_sets_and_models_are_changed_by_their_owner_only(finished):
    run = finished
    library.remove(NAME)
    with acting_as(ADA):
        library.save(library_dataset := run_dataset(run))
        models.train_model(run, run.cells()[0].cell, "of-ada")
    image = library_dataset.images[0].path
    with acting_as(BOB):
        for forbidden in (
            lambda: library.exclude(NAME, [image]),
            lambda: library.choose_classes(NAME, merge={"noise": "waves"}),
            lambda: library.refresh(NAME),
            lambda: library.remove(NAME),
            lambda: models.delete_model("of-ada"),
        ):
            with pytest.raises(NotAllowedError):
                forbidden()
        assert not library.is_changeable(NAME)
    with acting_as(ADA):
        assert library.is_changeable(NAME)
        library.exclude(NAME, [image])
        models.delete_model("of-ada")
        library.remove(NAME)


def run_dataset(run):
    from medrecog_core.datasets.importing import read_dataset

    return read_dataset(NAME, Path(run.images()[0].path).parents[1])


def test_what_the_operator_adds_under_a_name_of_before_is_not_signed_by_another(tmp_path):
    with acting_as(ADA):
        sign(tmp_path)
    assert owner_of(tmp_path) == ADA
    sign(tmp_path)
    assert owner_of(tmp_path) is None


def test_a_job_is_done_with_the_rights_of_its_starter(cache, monkeypatch):
    seen = []
    monkeypatch.setattr("medrecog_core.access._who", None)
    monkeypatch.setattr(
        "medrecog_core.jobs.kinds.JobKind.function",
        lambda _: lambda job, work: seen.append(asked()),
    )

    def asked():
        from medrecog_core.access import acting

        return acting()

    with acting_as(ADA):
        job = create_job("check", "demo", "Check demo")
    assert main([job.id]) == 0
    assert seen == [ADA]


def test_the_log_and_the_record_name_the_starter_and_bundles_do_not(finished, tmp_path):
    with acting_as(ADA):
        run = create_run(finished.specification())
        work.carry_out(run)
        assert run.record().started_by == ADA.name
        assert any(ADA.name in line for line in run.log.lines())
        repeated = create_run(finished.specification(), {"record": run.record().to_document()})
        work.carry_out(repeated)
    write_bundle([run, repeated], tmp_path / "b.zip")
    other = CacheFolder(tmp_path / "other")
    open_bundle(tmp_path / "b.zip", other)
    texts = [file.read_bytes() for file in other.root.rglob("*") if file.is_file()]
    assert texts
    assert not any(b"Lovelace" in text for text in texts)
    assert not list(other.root.rglob(OWNER))


def test_records_without_a_starter_open(finished):
    document = finished.record().to_document()
    assert "started_by" not in document
    assert json.loads(json.dumps(document))
    assert Run(finished.id).record().started_by == ""
