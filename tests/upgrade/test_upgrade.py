"""A cache folder of an earlier version opens in this one: the same data, figures and models.

`make.py` made it with that version and wrote down what its commands said. Here, commands and files
alone are looked at, so that these tests outlive every name of the code.
"""

import csv
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medrecog_core.datasets import library
from tests.cli.conftest import Call, call

from .make import MODEL, PLACE

__all__ = ["call"]

ARCHIVE = Path(__file__).with_name("cache.tar.xz")
# Kernels of another processor add up in another order.
TOLERANCE = 1e-5


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The cache folder of the earlier version where it says that it was, and what goes with it."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    for file in (*tmp_path.rglob("*.json"), *tmp_path.rglob("*.txt")):
        text = file.read_text(encoding="utf-8")
        if PLACE in text:
            file.write_text(text.replace(PLACE, str(tmp_path / "cache")), encoding="utf-8")
    folder = tmp_path / "cache" / "datasets" / "shapes"
    for row in json.loads((folder / "dataset.json").read_text(encoding="utf-8"))["images"]:
        # tarfile gives files their times as floats, which lose the last nanoseconds.
        path, modified = row[0], row[6]
        os.utime(folder / "images" / path, ns=(modified, modified))
    return tmp_path


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """The cache folder of the earlier version, copied from another machine."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, instead of the one of the earlier version."""
    folder = tmp_path / "other"
    monkeypatch.setenv("MEDRECOG_CACHE", str(folder))
    return folder


def expected(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return document


def differences(old: Any, new: Any, where: str = "") -> Iterator[str]:
    """Yield what is lost or other in a document; it may say more than it did."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name, value in old.items():
            if name not in new:
                yield f"{where}.{name} is lost"
            else:
                yield from differences(value, new[name], f"{where}.{name}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (one, another) in enumerate(zip(old, new, strict=True)):
            yield from differences(one, another, f"{where}[{i}]")
    elif isinstance(old, float) and isinstance(new, float | int):
        if new != pytest.approx(old, abs=TOLERANCE, rel=TOLERANCE):
            yield f"{where}: {old} became {new}"
    elif old != new:
        yield f"{where}: {old!r} became {new!r}"


def with_stage_ids(shown: Any) -> Any:
    """Return the document of a run as it is now: records named stages in words and use ids now."""
    record = dict(shown["record"])
    for figures, combine in (("seconds", sum), ("peak_memory_bytes", max)):
        by_id: dict[str, list[float]] = {}
        for words, figure in record.get(figures, {}).items():
            by_id.setdefault(stage_id(words), []).append(figure)
        if figures in record:
            record[figures] = {id_: combine(each) for id_, each in by_id.items()}
    return {**shown, "record": record}


def stage_id(words: str) -> str:
    first, _, scale = words.rpartition(" at ")
    return {
        "reading files": "read-files",
        "training": "train",
        "encoding images": "encode",
        "drawing local descriptors": "sample-local-descriptors",
        "extracting": f"extract-{scale}",
        "looking into the store": f"look-up-{scale}",
    }.get(first if scale.isdigit() else words, "learn-codebook")


def untimed(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in c.items() if name != "seconds"} for c in cells]


def is_kept(old: Any, new: Any) -> bool:
    found = list(differences(old, new))
    assert found == []
    return not found


class TestDataset:
    def test_images_labels_exclusions_and_fingerprint_are_the_same(self, unpacked: Path) -> None:
        old = expected(unpacked)["dataset"]
        dataset = library.load(old["name"])
        rows = [
            [i.path, i.label, i.split, i.group, i.file and i.file.sha256] for i in dataset.images
        ]
        excluded = [
            {"path": e.image.path, "finding": e.finding, "reason": e.reason}
            for e in dataset.excluded
        ]
        assert rows == old["images"]
        assert excluded == old["excluded"]
        assert dataset.fingerprint == old["fingerprint"]
        assert all(dataset.absolute_path(image).is_file() for image in dataset.images)

    def test_health_report_is_read(self, unpacked: Path, call: Call) -> None:
        """Images of a finding are excluded by the report that is there: none is made anew."""
        old = expected(unpacked)["dataset"]
        file = unpacked / "cache" / "datasets" / old["name"] / "health.json"
        before = file.read_bytes()
        (finding,) = (f for f in old["checked"]["health"]["findings"] if f["kind"] == "blank")
        answer = call("datasets", "exclude", old["name"], "--finding", "blank", "--json")
        assert answer.status == 0, answer.err
        newly = {e["path"] for e in answer.json["excluded"]} - {e["path"] for e in old["excluded"]}
        assert sorted(newly) == finding["to_exclude"]
        assert file.read_bytes() == before

    def test_check_finds_what_it_found(self, unpacked: Path, call: Call) -> None:
        old = expected(unpacked)["dataset"]["checked"]
        new = call("datasets", "check", old["name"], "--json").json
        health, before = new.pop("health"), old.pop("health")
        assert is_kept(old, new)
        found = {f["kind"]: f["images"] for f in health["findings"]}
        assert is_kept({f["kind"]: f["images"] for f in before["findings"]}, found)
        assert is_kept(before["shortcuts"], health["shortcuts"])


class TestRuns:
    def test_all_are_listed(self, unpacked: Path, call: Call) -> None:
        old = expected(unpacked)
        new = {document["run"]: document for document in call("runs", "--json").json}
        assert new.keys() == set(old["runs"].values())
        for kind, run in old["runs"].items():
            shown = old["shown"][kind]
            assert is_kept({n: shown[n] for n in ("run", "title", "status", "dataset")}, new[run])

    @pytest.mark.parametrize("kind", ["finished", "encoded", "in_cells", "in_images"])
    def test_show_says_the_same(self, unpacked: Path, call: Call, kind: str) -> None:
        old = expected(unpacked)
        run = old["runs"][kind]
        assert is_kept(with_stage_ids(old["shown"][kind]), call("show", run, "--json").json)
        if kind in old["measured"]:
            new = call("show", run, "--measure", "all", "--json").json["measures"]
            assert is_kept(old["measured"][kind], new)

    def test_compare_says_the_same(self, unpacked: Path, call: Call) -> None:
        old = expected(unpacked)
        runs = [old["runs"][kind] for kind in ("finished", "in_cells")]
        assert is_kept(old["compared"], call("compare", *runs, "--json").json)

    def test_exports_say_the_same(self, unpacked: Path, call: Call) -> None:
        old = expected(unpacked)
        run = old["runs"]["finished"]
        for name in ("cells.csv", "all.json", "table.tex", "report.html", "heat-map.svg"):
            answer = call("export", run, "--to", unpacked / name)
            assert answer.status == 0, answer.err
        with (unpacked / "cells.csv").open(newline="", encoding="utf-8") as file:
            assert is_kept(old["exported"], list(csv.DictReader(file)))
        document = json.loads((unpacked / "all.json").read_text(encoding="utf-8"))
        assert is_kept(with_stage_ids(old["shown"]["finished"]), document)
        assert "Two blocks" in (unpacked / "report.html").read_text(encoding="utf-8")

    def test_log_is_read(self, unpacked: Path, call: Call) -> None:
        lines = call("log", expected(unpacked)["runs"]["in_cells"], "--json").json["lines"]
        assert "attempt 1: medrecog 0.1.0" in lines[0]
        assert lines[-1].endswith("stopped")

    def test_same_specification_is_done_already(self, unpacked: Path, call: Call) -> None:
        old = expected(unpacked)
        answer = call("run", *old["options"]["finished"], "--json").json
        assert answer["already_done"]
        assert answer["run"] == old["runs"]["finished"]

    @pytest.mark.parametrize("place", ["unpacked", "moved"])
    def test_descriptors_are_found(
        self, request: pytest.FixtureRequest, call: Call, place: str
    ) -> None:
        """Run anew, no image goes through the network, and the figures are the same."""
        old = expected(request.getfixturevalue(place))
        for kind, options in old["options"].items():
            answer = call("run", *options, "--again", "--json")
            assert answer.status == 0, answer.err
            new = answer.json
            assert new["run"] != old["runs"][kind]
            assert new["network_images"] == {"224": 0}
            before = old["shown"][kind]
            assert is_kept(untimed(before["cells"]), untimed(new["cells"]))
            assert is_kept(before["specification"], new["specification"])
            for name in ("weights", "preprocessing", "precision", "split", "dataset"):
                assert is_kept(before["record"][name], new["record"][name])

    def test_repeated_from_its_record_nothing_differs(self, unpacked: Path, call: Call) -> None:
        run = expected(unpacked)["runs"]["finished"]
        repeats = call("run", "--repeat", run, "--json").json["repeats"]
        assert repeats["run"] == run
        assert repeats["changed_cells"] == []

    @pytest.mark.parametrize("place", ["unpacked", "moved"])
    @pytest.mark.parametrize("kind", ["in_cells", "in_images"])
    def test_stopped_run_is_resumed(
        self, request: pytest.FixtureRequest, call: Call, kind: str, place: str
    ) -> None:
        """It ends with the cells that the earlier version would have ended with."""
        folder: Path = request.getfixturevalue(place)
        old = expected(folder)
        run, before = old["runs"][kind], old["resumed"][kind]
        first = {file.name: file.read_bytes() for file in cells_of(folder, run)}
        answer = call("resume", run, "--json")
        assert answer.status == 0, answer.err
        new = answer.json
        assert new["status"] == "finished"
        assert new["network_images"] == before["network_images"]
        assert is_kept(untimed(before["cells"]), untimed(new["cells"]))
        assert new["record"]["dataset"]["fingerprint"] == old["dataset"]["fingerprint"]
        if place == "unpacked":
            # What was done is not done again.
            now = {file.name: file.read_bytes() for file in cells_of(folder, run)}
            assert now.items() >= first.items()
            assert len(now) > len(first)

    def test_run_that_was_at_work_is_resumed(self, unpacked: Path, call: Call) -> None:
        """The earlier version was ended in the middle, and could not say so."""
        old = expected(unpacked)
        run = old["runs"]["in_cells"]
        file = unpacked / "cache" / "runs" / run / "state.json"
        state = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps({**state, "status": "running"}), encoding="utf-8")
        assert call("show", run, "--json").json["status"] == "interrupted"
        new = call("resume", run, "--json").json
        assert new["status"] == "finished"
        assert is_kept(untimed(old["resumed"]["in_cells"]["cells"]), untimed(new["cells"]))


def cells_of(folder: Path, run: str) -> list[Path]:
    return sorted((folder / "cache" / "runs" / run / "cells").glob("*.json"))


class TestModels:
    def test_model_predicts_the_same(self, unpacked: Path, call: Call) -> None:
        old = expected(unpacked)
        assert is_kept(old["models"], call("models", "--json").json)
        assert is_kept(old["predicted"], predicted(unpacked, call, MODEL))

    def test_exported_model_is_imported(self, unpacked: Path, other: Path, call: Call) -> None:
        old = expected(unpacked)
        file = unpacked / "model.medrecog-model"
        assert call("import-model", file, "--name", "theirs", "--json").status == 0
        new = call("models", "--json").json
        assert [model["name"] for model in new] == ["theirs"]
        scores = [{n: p[n] for n in ("label", "scores")} for p in old["predicted"]]
        assert is_kept(scores, predicted(unpacked, call, "theirs"))

    def test_model_is_trained_from_a_cell(self, unpacked: Path, call: Call) -> None:
        """Trained anew from the run of the earlier version, it is the model of that version."""
        old = expected(unpacked)
        cell = ["--layer", "block1+block2", "--scale", "224", "--pooling", "average"]
        call("train", "--run", old["runs"]["finished"], *cell, "--name", "anew", "--json")
        scores = [{n: p[n] for n in ("label", "scores", "probabilities")} for p in old["predicted"]]
        assert is_kept(scores, predicted(unpacked, call, "anew"))


def predicted(folder: Path, call: Call, model: str) -> Any:
    pictures = folder / "cache" / "datasets" / "shapes" / "images" / "pictures"
    files = [folder / "unseen.png", pictures / "00.png", pictures / "22.png"]
    answers = call("predict", model, *files, "--json").json
    for answer in answers:
        if Path(answer["file"]).parent == folder:
            answer["file"] = "/elsewhere/unseen.png"
    return answers


class TestBundle:
    def test_runs_models_and_data_set_are_opened(
        self, unpacked: Path, other: Path, call: Call
    ) -> None:
        old = expected(unpacked)
        answer = call("open-bundle", unpacked / "bundle.zip", "--json")
        assert answer.status == 0, answer.err
        assert sorted(answer.json["runs"]) == sorted(
            old["runs"][kind] for kind in ("finished", "encoded")
        )
        assert answer.json["models"] == [MODEL]
        for kind in ("finished", "encoded"):
            new = call("show", old["runs"][kind], "--json").json
            before = old["shown"][kind]
            assert is_kept(before["cells"], new["cells"])
            assert is_kept(before["specification"], new["specification"])
            measures = call("show", old["runs"][kind], "--measure", "all", "--json").json
            assert is_kept(old["measured"][kind], measures["measures"])
        assert library.load("shapes").fingerprint == old["dataset"]["fingerprint"]
        scores = [{n: p[n] for n in ("label", "scores")} for p in old["predicted"]]
        assert is_kept(scores, predicted(unpacked, call, MODEL))
