import datetime
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets import spreadsheet
from medrecog_core.datasets.spreadsheet import cell_name, read_sheets
from medrecog_core.errors import MedrecogError


def read_first_sheet(file):
    return next(iter(read_sheets(file).values()))


@pytest.fixture
def write_book(tmp_path):
    def write(*rows, name="labels.xlsx"):
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(tmp_path / name)
        return tmp_path / name

    return write


def test_cells_are_text_whatever_they_hold(write_book):
    date, time = datetime.datetime(2024, 5, 1), datetime.datetime(2024, 5, 1, 12, 30)
    file = write_book((" image ", "label"), ("a", 1), (2.5, True), (None, date), (time, "é"))
    assert read_first_sheet(file) == [
        ["image", "label"],
        ["a", "1"],
        ["2.5", "TRUE"],
        ["", "2024-05-01"],
        ["2024-05-01T12:30:00", "é"],
    ]


def test_empty_rows_at_the_end_are_left_out_and_others_are_not(write_book):
    file = write_book(("image",), (None,), ("a",), (None,), ("",))
    assert read_first_sheet(file) == [["image"], [], ["a"]]


def test_the_first_sheet_is_read(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["first"])
    book.create_sheet().append(["second"])
    book.active = 1
    book.save(tmp_path / "a.xlsx")
    assert read_first_sheet(tmp_path / "a.xlsx") == [["first"]]


@pytest.mark.parametrize("content", [b"", b"image,label", b"PK\3\4"])
def test_what_is_no_excel_file_is_refused(tmp_path, content):
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(MedrecogError, match="cannot be read as Excel file"):
        read_first_sheet(tmp_path / "a.xlsx")


def test_a_zip_that_is_no_book_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as opened:
        opened.writestr("1.png", "")
    with pytest.raises(MedrecogError, match="cannot be read as Excel file"):
        read_first_sheet(tmp_path / "a.xlsx")


def test_a_book_that_unpacks_to_too_much_is_refused(write_book, monkeypatch):
    monkeypatch.setattr(spreadsheet, "_MOST_BYTES", 1000)
    with pytest.raises(MedrecogError, match="when unpacked, more than the 0 allowed"):
        read_first_sheet(write_book(("image",)))


@given(st.integers(0, 20_000), st.integers(1, 10**6))
def test_cells_are_named_as_openpyxl_names_them(column, row):
    from openpyxl.utils import get_column_letter

    if column < 18_278:
        assert cell_name(column, row) == f"{get_column_letter(column + 1)}{row}"
