import pytest
from pydantic import ValidationError

from medrecog_core.runs import Run
from medrecog_core.runs.record import checked_record


def test_a_record_is_given_as_it_is_written(finished: Run) -> None:
    record = finished.record()
    assert checked_record(record) == record
    assert "versions" in record and "train" in record["seconds"]
    words = {**record, "seconds": {"learning 8 words": 1.0, "learning 9 words": 2, "training": 3}}
    assert checked_record(words)["seconds"] == {"learn-codebook": 3, "train": 3}
    assert checked_record({**record, "of a later version": 1})["of a later version"] == 1


@pytest.mark.parametrize(
    "key", ["dataset", "split", "weights", "network", "preprocessing", "precision", "skipped"]
)
def test_a_record_that_lacks_what_readers_rely_on_is_none(finished: Run, key: str) -> None:
    record = finished.record()
    for content in ({**record, key: 5}, {k: v for k, v in record.items() if k != key}):
        with pytest.raises(ValidationError):
            checked_record(content)
