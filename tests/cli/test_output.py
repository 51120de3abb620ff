import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medrecog_core.cli.output import write_json, write_table

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON)
def test_what_is_printed_is_one_json_document(
    capsys: pytest.CaptureFixture[str], document: object
) -> None:
    capsys.readouterr()
    write_json(document)
    out, err = capsys.readouterr()
    assert json.loads(out) == document
    assert err == ""


def test_a_table_lays_numbers_to_the_right_and_keeps_brackets_and_colons(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_table(("name", "n", "accuracy"), [("a [bold] :smile:", 5, 0.5), ("b", 1234, 1.0)])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "name                 n  accuracy",
        "a [bold] :smile:     5     0.500",
        "b                 1234     1.000",
    ]


def test_a_table_takes_any_file_name(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(("name",), [("a[/b].png",)])
    assert "a[/b].png" in capsys.readouterr().out


def test_a_table_without_rows_has_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(("name", "n"), [])
    assert capsys.readouterr().out.split() == ["name", "n"]


def test_a_long_value_in_a_pipe_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 150
    write_table(("path", "reason"), [(long, "empty")])
    assert f"{long}  empty" in capsys.readouterr().out
