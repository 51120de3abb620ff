"""What the dialog shows before a data set is added, without a browser."""

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from medrecog_core.datasets import Decisions
from medrecog_core.ui.datasets import import_preview

pytestmark = pytest.mark.slow


def app(source, base):
    import streamlit as st

    from medrecog_core.ui.datasets.import_preview import show_preview

    st.session_state["decisions"] = show_preview([source], base)


@pytest.fixture
def preview(tmp_path):
    """Return a function that shows the preview of a folder."""
    import_preview._remembered.clear()

    def show(folder=tmp_path / "images", **base) -> AppTest:
        test = AppTest.from_function(app, args=(folder, Decisions(**base)), default_timeout=30)
        test.run()
        assert not test.exception
        return test

    return show


@pytest.fixture
def write_images(tmp_path):
    """Return a function that writes images of noise, no two alike."""
    random = np.random.default_rng(0)

    def write(*paths, folder="images"):
        for path in paths:
            file = tmp_path / folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(file)
        return tmp_path / folder

    return write


def decided(test):
    return test.session_state["decisions"]


def figures(test):
    return {metric.label: metric.value for metric in test.metric}


def widget(test, label):
    kinds = ("selectbox", "multiselect", "text_input", "text_area", "toggle", "number_input")
    found = [each for kind in kinds for each in getattr(test, kind) if each.label == label]
    assert len(found) == 1, label
    return found[0]


def words(test):
    return " ".join(each.value for each in (*test.markdown, *test.warning, *test.error))


def test_folders_are_read_with_reasons_and_pictures(preview, write_images):
    write_images("mel/1.png", "mel/2.png", "nv/1.png")
    test = preview()
    assert figures(test) == {"Images": "3", "Classes": "2"}
    assert {"No groups.", "No predefined split."} <= {each.value for each in test.caption}
    assert decided(test) == Decisions()
    assert test.markdown[0].value == "**A folder a class**"
    assert test.markdown[1].value.startswith("- ")
    assert [each.value for each in test.caption].count("mel") == 2


def test_every_decision_has_one_widget(preview, write_images):
    write_images("mel/1.png", "nv/1.png")
    test = preview()
    for label in ("Class level", "Group pattern", "Merge classes", "Window", "Frames", "Bins"):
        assert widget(test, label)


def test_what_is_decided_changes_the_preview_and_the_command(preview, write_images):
    write_images("mel/1.png", "nv/1.png", "df/1.png", "df/2.png")
    test = preview()
    widget(test, "Exclude classes").set_value(["df"]).run()
    assert not test.exception
    assert figures(test)["Images"] == "2"
    assert decided(test) == Decisions(excluded_classes=("df",))
    assert "df" in widget(test, "Exclude classes").options
    widget(test, "Exclude classes").set_value([]).run()
    assert figures(test)["Images"] == "4"


def test_a_warning_has_its_remedy_below_it(preview, write_images):
    write_images("Benign/1.png", "benign/2.png", "nv/1.png", "nv/2.png", "benign/3.png")
    test = preview()
    assert len([each for each in test.warning if "“Merge spellings”" in each.value]) == 1
    widget(test, "Merge spellings").set_value(True).run()
    assert figures(test)["Classes"] == "2"
    assert not [each for each in test.warning if "Merge spellings" in each.value]
    assert decided(test) == Decisions(merges_spellings=True)


def test_an_empty_folder_gets_one_sentence_and_nothing_to_add(preview, tmp_path):
    (tmp_path / "images").mkdir()
    test = preview()
    assert len(test.error) == 1
    assert decided(test) is None


def test_what_cannot_be_is_said_and_can_be_corrected(preview, write_images):
    write_images("mel/1.png", "nv/1.png")
    test = preview()
    widget(test, "Window").set_value("9:1").run()
    assert not test.exception
    assert "is not a grey window" in test.error[0].value
    assert decided(test) is None
    widget(test, "Window").set_value("").run()
    assert decided(test) == Decisions()


@pytest.mark.parametrize("n", [2, 31, 200])
def test_any_number_of_classes_has_a_chart(preview, write_images, n):
    write_images(*(f"class-{i:03}/{j}.png" for i in range(n) for j in range(1 + (i < 3))))
    test = preview()
    assert figures(test)["Classes"] == str(n)
    toggles = [each for each in test.toggle if "classes" in each.label and "Show all" in each.label]
    assert len(toggles) == (n > 30)
    if toggles:
        assert not toggles[0].set_value(True).run().exception


def test_names_are_shown_as_they_are(preview, write_images):
    write_images("2. Melanoma/1.png", "$x$ :red[b]/1.png")
    test = preview()
    assert ":red[b]" not in words(test)


def test_skipped_files_are_listed_by_reason(preview, write_images):
    root = write_images("mel/1.png", "nv/1.png")
    (root / "notes.doc").write_text("a note")
    test = preview()
    assert "1 file or row skipped" in [each.label for each in test.expander]
