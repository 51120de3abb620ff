import dataclasses

from medrecog_core.datasets import demo, library
from medrecog_core.runs.columns import known_columns, records_of
from tests.made_runs import keep_dataset, made_run


def test_columns_have_a_value_for_each_image_and_are_those_of_the_data_set(finished):
    records = records_of(finished)
    images = finished.images()
    assert list(records) == list(range(len(images)))
    assert all(images[i].path.endswith(record.path) for i, record in records.items())
    sizes = known_columns(finished)["file size in bytes"]
    assert sizes == [float(record.file.n_bytes) for record in records.values()]


def test_columns_that_say_nothing_are_left_out_and_empty_groups_are_unknown(cache):
    run = made_run(n_groups=4)
    first, *rest = run.images()
    run.write_images([dataclasses.replace(first, group=""), *rest])
    columns = known_columns(run)
    assert list(columns) == ["group"]
    assert columns["group"][:2] == ["unknown", "patient 1"]


def test_splits_come_from_the_files_of_the_run(finished):
    rows = [
        [*row[:2], "test" if i % 2 else "train", *row[3:]] for i, row in enumerate(finished.files())
    ]
    finished.write_files(rows)
    split_of = {row[0]: row[2] for row in rows}
    expected = [split_of[record.path] for record in records_of(finished).values()]
    assert known_columns(finished)["split"] == expected


def test_changed_files_and_lost_data_sets_are_not_matched(finished):
    first, *rest = finished.images()
    finished.write_images([dataclasses.replace(first, sha256="f" * 64), *rest])
    assert 0 not in records_of(finished)
    library.remove(finished.specification().dataset)
    assert records_of(finished) == {}
    assert len(known_columns(finished).get("group", finished.images())) == len(rest) + 1


def test_columns_of_the_table_are_words_or_numbers(cache):
    run = made_run()
    n = len(run.images())
    sexes = ["", *("f" if i % 2 else "m" for i in range(1, n))]
    keep_dataset(run, {"sex": sexes, "age": [str(i) for i in range(n)], "site": ["a"] * n})
    columns = known_columns(run)
    assert columns["age"] == [float(i) for i in range(n)]
    assert columns["sex"] == ["unknown", *sexes[1:]]
    assert "site" not in columns


def test_no_picture_of_the_demo_is_drawn_for_columns(cache):
    run = made_run(dataset="demo")
    assert records_of(run) == {}
    assert not demo.is_drawn()
