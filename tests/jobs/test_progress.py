import pytest

from medrecog_core.errors import StoppedError
from medrecog_core.jobs.progress import Meter, Progress, stop_if


def test_time_left_follows_from_the_rate():
    assert Progress("s", 25, 100, rate=5).seconds_left == 15
    assert Progress("s", 0, 100).seconds_left is None


def test_meter_reports_from_nought_to_all():
    reports = []
    meter = Meter("s", 5, reports.append, scale=224)
    meter.add(2)
    meter.add(3)
    assert [report.done for report in reports] == [0, 2, 5]
    assert {(report.stage, report.total, report.scale) for report in reports} == {("s", 5, 224)}


def test_first_step_builds_the_graph_and_is_not_counted_in_the_rate(monkeypatch):
    clock = iter([100.0, 101.0, 103.0])
    monkeypatch.setattr("medrecog_core.jobs.progress.time.monotonic", lambda: next(clock))
    reports = []
    meter = Meter("s", 30, reports.append)
    for n in (8, 8, 8):
        meter.add(n)
    assert [report.rate for report in reports] == pytest.approx([0, 0, 8, 16 / 3])


def test_meter_ends_at_what_came():
    reports = []
    meter = Meter("s", 5, reports.append)
    meter.add(3)
    meter.close()
    meter.close()
    assert [(report.done, report.total) for report in reports] == [(0, 5), (3, 5), (3, 3)]


def test_work_ends_where_it_was_asked_to():
    stop_if(False)
    with pytest.raises(StoppedError):
        stop_if(True)
