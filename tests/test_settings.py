"""Settings come from the environment, once, checked."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.errors import UsageError
from medrecog_core.settings import Settings, read_settings, set_in_environment, variable_of

PROJECT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for setting in Settings.model_fields:
        monkeypatch.delenv(variable_of(setting), raising=False)


def test_without_variables_every_setting_has_its_default():
    settings = read_settings()
    assert settings.cache is None
    assert (settings.mode, settings.bundle, settings.runs_at_once) == ("", None, 1)
    assert settings.keras_home.expanduser() == Path.home() / ".keras"
    assert settings.visible_gpus is None


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_an_empty_variable_counts_as_not_set(monkeypatch, setting):
    expected = getattr(read_settings(), setting)
    monkeypatch.setenv(variable_of(setting), "")
    if setting != "visible_gpus":
        assert getattr(read_settings(), setting) == expected


def test_an_empty_list_of_gpus_hides_them(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert read_settings().visible_gpus == ""


def test_a_change_of_the_environment_is_seen_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("MEDRECOG_RUNS_AT_ONCE", "3")
    assert read_settings().runs_at_once == 3
    set_in_environment(runs_at_once="4", cache=str(tmp_path))
    assert (read_settings().runs_at_once, read_settings().cache) == (4, tmp_path)
    monkeypatch.delenv("MEDRECOG_CACHE")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MEDRECOG_RUNS_AT_ONCE", "0"),
        ("MEDRECOG_RUNS_AT_ONCE", "two"),
        ("MEDRECOG_MODE", "veiwer"),
        ("MEDRECOG_LOCAL_DESCRIPTORS_GB", "-1"),
        ("MEDRECOG_LOCAL_DESCRIPTORS_GB", "nan"),
        ("MEDRECOG_WEIGHTS_MIRROR", "ftp://example.org"),
        ("MEDRECOG_DATASETS_MIRROR", "/data"),
        ("KERAS_BACKEND", "theano"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_variable_and_value(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError) as raised:
        read_settings()
    assert variable in str(raised.value)
    assert f"“{value}”" in str(raised.value)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20))
def test_any_number_of_runs_is_one_or_refused(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDRECOG_RUNS_AT_ONCE", text)
        try:
            n = read_settings().runs_at_once
        except UsageError:
            return
        assert n >= 1
        assert not text.strip() or int(text) == n


def test_the_command_line_says_a_wrong_setting_in_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "medrecog_core", "runs"],
        cwd=PROJECT,
        env={"MEDRECOG_CACHE": str(tmp_path), "MEDRECOG_MODE": "veiwer", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
