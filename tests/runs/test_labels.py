from dataclasses import replace

import pytest

from medrecog_core.errors import UsageError
from medrecog_core.mode import ReadOnlyError
from medrecog_core.runs import RunSpecification, create_run
from medrecog_core.runs.labels import RunLabels
from medrecog_core.settings import MODE_VARIABLE, VIEWER


def test_labels_are_kept_with_the_run() -> None:
    run = create_run(RunSpecification(dataset="demo"))
    assert run.labels() == RunLabels()
    labels = RunLabels(pinned=True, tags=("paper", " a  b ", "paper", ""), note=" seen \n")
    assert (labels.tags, labels.note) == (("a b", "paper"), "seen")
    run.write_labels(labels)
    assert run.labels() == labels
    run.write_labels(replace(labels, archived=True))
    assert run.labels().archived
    (run.path / "labels.json").write_text('{"pinned": 3}')
    assert run.labels() == RunLabels()


@pytest.mark.parametrize(
    "labels", [{"tags": ("a,b",)}, {"tags": ("x" * 41,)}, {"note": "x" * 2001}]
)
def test_labels_that_no_list_could_show_are_refused(labels: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        RunLabels(**labels)  # type: ignore[arg-type]


def test_a_view_changes_no_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    run = create_run(RunSpecification(dataset="demo"))
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    with pytest.raises(ReadOnlyError):
        run.write_labels(RunLabels(pinned=True))
