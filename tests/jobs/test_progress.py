import pytest

from medrecog_core.errors import StoppedError
from medrecog_core.jobs import progress
from medrecog_core.jobs.progress import (
    Meter,
    Progress,
    Stage,
    counting,
    counting_bytes,
    stop_if,
)
from tests.clock import Clock

STAGE = Stage("s", "S")


@pytest.mark.parametrize("name", ["", "Reading files", "a_b", "-a", "a--b"])
def test_the_id_of_a_stage_is_in_kebab_case(name):
    with pytest.raises(ValueError):
        Stage(name, "A label")


def test_a_count_becomes_progress_with_its_rate(monkeypatch):
    clock, seen = Clock(), []
    monkeypatch.setattr(progress, "time", clock)
    show = counting(seen.append, STAGE)
    show(4, 10)
    clock.now += 4
    show(6, 10)
    assert seen == [Progress(STAGE, 4, 10), Progress(STAGE, 6, 10, 0.5)]


def test_bytes_become_megabytes_stage_by_stage(monkeypatch):
    clock, seen = Clock(), []
    monkeypatch.setattr(progress, "time", clock)
    show = counting_bytes(seen.append)
    show(STAGE, 0, 8_000_000)
    clock.now += 2
    show(STAGE, 4_000_000, 8_000_000)
    show(Stage("t", "T"), 0, 1_000_000)
    assert [(p.stage.id, p.stage.unit, p.done, p.total, p.rate) for p in seen] == [
        ("s", "MB", 0, 8, 0),
        ("s", "MB", 4, 8, 2),
        ("t", "MB", 0, 1, 0),
    ]


def test_time_left_follows_from_the_rate():
    assert Progress(STAGE, 25, 100, rate=5).seconds_left == 15
    assert Progress(STAGE, 0, 100).seconds_left is None


def test_meter_reports_from_nought_to_all():
    reports = []
    meter = Meter(STAGE, 5, reports.append, scale=224)
    meter.add(2)
    meter.add(3)
    assert [report.done for report in reports] == [0, 2, 5]
    assert {(report.stage, report.total, report.scale) for report in reports} == {(STAGE, 5, 224)}


def test_first_step_builds_the_graph_and_is_not_counted_in_the_rate(monkeypatch):
    clock = iter([100.0, 101.0, 103.0])
    monkeypatch.setattr("medrecog_core.jobs.progress.time.monotonic", lambda: next(clock))
    reports = []
    meter = Meter(STAGE, 30, reports.append)
    for n in (8, 8, 8):
        meter.add(n)
    assert [report.rate for report in reports] == pytest.approx([0, 0, 8, 16 / 3])


def test_meter_counts_on_from_what_was_found(monkeypatch):
    clock = iter([100.0, 102.0])
    monkeypatch.setattr("medrecog_core.jobs.progress.time.monotonic", lambda: next(clock))
    reports = []
    meter = Meter(STAGE, 30, reports.append, found=20)
    meter.add(4)
    meter.add(4)
    assert [(each.done, each.total, each.found) for each in reports] == [
        (20, 30, 20),
        (24, 30, 20),
        (28, 30, 20),
    ]
    assert [each.rate for each in reports] == [0, 0, 2]


def test_meter_ends_at_what_came():
    reports = []
    meter = Meter(STAGE, 5, reports.append)
    meter.add(3)
    meter.close()
    meter.close()
    assert [(report.done, report.total) for report in reports] == [(0, 5), (3, 5), (3, 3)]


def test_work_ends_where_it_was_asked_to():
    stop_if(False)
    with pytest.raises(StoppedError):
        stop_if(True)
