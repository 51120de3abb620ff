import pytest

from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.experiments import (
    RunFolder,
    RunSpecification,
    all_runs,
    create_run,
    find_run,
    search_runs,
)
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import CacheFolder
from tests.textures import cache_at

SPECIFICATION = RunSpecification(dataset="demo", layers=("block1", "block2"), poolings=("max",))


@pytest.fixture
def run(cache: CacheFolder) -> RunFolder:
    return create_run(SPECIFICATION)


def test_two_runs_of_one_moment_have_two_folders(cache: CacheFolder) -> None:
    assert len({create_run(SPECIFICATION).id for _ in range(20)}) == 20


class TestFinding:
    @pytest.mark.parametrize(
        "run_id", ["", "nothing", "..", "../runs", "a/b", "/etc", "A", ".hidden", "a\n", "a" * 200]
    )
    def test_what_is_no_run_gives_a_sentence(self, run: RunFolder, run_id: str) -> None:
        with pytest.raises(MedrecogError, match=r"(?s)There is no run “.*”: the command “runs”"):
            find_run(run_id)

    def test_a_path_to_a_real_run_is_no_identity(self, run: RunFolder) -> None:
        with pytest.raises(MedrecogError, match="There is no run"):
            find_run(f"../runs/{run.id}")
        with pytest.raises(MedrecogError, match="There is no run"):
            find_run(str(run.path))

    def test_runs_are_listed_the_newest_first(self, cache: CacheFolder) -> None:
        runs = [create_run(SPECIFICATION) for _ in range(3)]
        for created, run in zip((20.0, 30.0, 10.0), runs, strict=True):
            run.write_state(JobState("finished", created=created))
        assert [run.id for run in all_runs()] == [runs[1].id, runs[0].id, runs[2].id]

    def test_a_folder_that_can_be_no_run_is_not_listed(self, run: RunFolder) -> None:
        run.path.rename(run.path.with_name("Copy of a run"))
        assert all_runs() == []

    def test_there_are_no_runs_without_a_cache_folder(self, cache: CacheFolder) -> None:
        assert all_runs() == []
        assert not cache.root.exists()


class TestSearching:
    @pytest.fixture
    def runs(self, cache: CacheFolder) -> list[RunFolder]:
        other = RunSpecification(dataset="moles", scales=(544,), poolings=("average",))
        runs = [create_run(SPECIFICATION), create_run(other)]
        runs[1].rename("Deepest block")
        runs[1].write_state(JobState("failed", error="No."))
        return runs

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("", [0, 1]),
            ("  ", [0, 1]),
            ("demo", [0]),
            ("DEEPEST", [1]),
            ("deepest 544", [1]),
            ("deepest max", []),
            ("max block2", [0]),
            ("failed", [1]),
            ("vgg19", [0, 1]),
            ("nothing", []),
        ],
    )
    def test_every_word_describes_what_is_found(
        self, runs: list[RunFolder], text: str, found: list[int]
    ) -> None:
        assert search_runs(runs, text) == [runs[i] for i in found]

    def test_a_run_is_found_by_its_identity(self, runs: list[RunFolder]) -> None:
        assert search_runs(runs, runs[0].id) == [runs[0]]

    def test_a_damaged_run_is_found_by_what_is_left(self, runs: list[RunFolder]) -> None:
        (runs[0].path / "specification.json").write_text("{")
        assert search_runs(runs, runs[0].id) == [runs[0]]
        assert search_runs(runs, "block2") == [runs[1]]


def test_a_new_run_may_repeat_another(cache: CacheFolder) -> None:
    assert create_run(SPECIFICATION).repeated() is None
    assert create_run(SPECIFICATION, {"run": "x"}).repeated() == {"run": "x"}


def test_a_cache_folder_that_cannot_be_made_gives_a_sentence(cache: CacheFolder) -> None:
    cache.root.write_text("a file")
    with cache_at(cache.root / "below"), pytest.raises(StorageError, match="MEDRECOG_CACHE"):
        create_run(SPECIFICATION)
