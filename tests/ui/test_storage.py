"""The storage section of Home."""

from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from medrecog_core.features import DescriptorKey, DescriptorStore
from medrecog_core.settings import MODE_VARIABLE, VIEWER

pytestmark = pytest.mark.slow

APP = str(Path(__file__).parents[2] / "app.py")
FREE, DELETE = "Free unused features", "Delete unused features"


@pytest.fixture(autouse=True)
def unused(cache):
    st.cache_data.clear()
    key = DescriptorKey("a" * 64, "gone", "squeeze-1", "float32", "block1", 224, "max")
    with DescriptorStore(cache.features) as store:
        store.put([(key, np.ones(64, dtype=np.float32))])


def home(is_open=True):
    test = AppTest.from_file(APP, default_timeout=60)
    if is_open:
        test.session_state["storage-open"] = True
    return test.run()


def button(test, label):
    return next(each for each in test.button if each.label == label)


def n_entries(cache):
    with DescriptorStore(cache.features) as store:
        return len(store)


def test_sizes_are_not_read_before_the_section_is_opened(monkeypatch):
    monkeypatch.setattr("medrecog_core.ui.storage.parts", lambda: pytest.fail("read"))
    test = home(is_open=False)
    assert not test.exception
    assert "Storage details" in [each.label for each in test.expander]
    assert FREE not in [each.label for each in test.button]


def test_the_open_section_lists_what_there_is(cache):
    test = home()
    assert not test.exception
    kinds, groups = (each.value for each in test.dataframe)
    assert dict(zip(kinds["Kind"], kinds["Count"], strict=True))["Features"] == 1
    assert list(groups["Weights"]) == ["gone"]


def confirmation():
    """The dialog, which a test without a browser cannot keep open."""
    from medrecog_core.ui import storage

    storage._confirm()


def test_unused_features_are_deleted_after_a_confirmation(cache):
    assert DELETE in [each.label for each in button(home(), FREE).click().run().button]
    dialog = AppTest.from_function(confirmation, default_timeout=60).run()
    assert n_entries(cache) == 1
    button(dialog, DELETE).click().run()
    assert not dialog.exception
    assert n_entries(cache) == 0
    assert "1 unused feature vector " in dialog.session_state["storage-freed"]


def test_where_nothing_is_unused_nothing_is_offered(cache):
    with DescriptorStore(cache.features) as store:
        store.delete([entry.key for entries in store.entries() for entry in entries])
    test = home()
    button(test, FREE).click().run()
    assert DELETE not in [each.label for each in test.button]


def test_a_read_only_view_has_no_such_section(monkeypatch):
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    test = home(is_open=False)
    assert not test.exception
    assert not test.expander
