import datetime
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets.intake import spreadsheet
from medrecog_core.datasets.intake.spreadsheet import cell_name, read_sheets
from medrecog_core.errors import MedrecogError, UsageError


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
    assert read_sheets(file)["Sheet"] == [
        ["image", "label"],
        ["a", "1"],
        ["2.5", "TRUE"],
        ["", "2024-05-01"],
        ["2024-05-01T12:30:00", "é"],
    ]


def test_empty_cells_and_rows_at_the_end_are_left_out_and_others_are_not(write_book):
    file = write_book(("image", None, ""), (None,), ("", "a"), (None,), ("",))
    assert read_sheets(file)["Sheet"] == [["image"], [], ["", "a"]]


def test_every_sheet_is_read_or_the_named_one(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["first"])
    book.create_sheet("Other").append(["second"])
    book.active = 1
    book.save(tmp_path / "a.xlsx")
    assert read_sheets(tmp_path / "a.xlsx") == {"Sheet": [["first"]], "Other": [["second"]]}
    assert read_sheets(tmp_path / "a.xlsx", "Other") == {"Other": [["second"]]}
    with pytest.raises(UsageError, match=r"no sheet “x”\. Available: Sheet, Other"):
        read_sheets(tmp_path / "a.xlsx", "x")


@pytest.mark.parametrize("content", [b"", b"image,label", b"PK\3\4"])
def test_what_is_no_excel_file_is_refused(tmp_path, content):
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(
        MedrecogError, match=r"cannot be read as an Excel file .* Save it as \.xlsx"
    ):
        read_sheets(tmp_path / "a.xlsx")


def test_a_zip_that_is_no_book_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as opened:
        opened.writestr("1.png", "")
    with pytest.raises(MedrecogError, match="cannot be read as an Excel file"):
        read_sheets(tmp_path / "a.xlsx")


@pytest.mark.parametrize("bound", ["_MOST_BYTES", "_MOST_BYTES_AT_ONCE"])
def test_a_book_that_unpacks_to_too_much_is_refused(write_book, monkeypatch, bound):
    monkeypatch.setattr(spreadsheet, bound, 1000)
    with pytest.raises(MedrecogError, match="when uncompressed, more than the 0 allowed"):
        read_sheets(write_book(("image",)))


def with_sheet(file, xml):
    """Put another sheet into a book."""
    with zipfile.ZipFile(file) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts["xl/worksheets/sheet1.xml"] = xml
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return file


_SHEET = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    b"%s</sheetData></worksheet>"
)


@pytest.mark.parametrize(
    "rows",
    [
        b'<row r="2000000000"><c r="A2000000000" t="inlineStr"><is><t>a</t></is></c></row>',
        b"<row/>" * 5000,
        b'<row r="1"><c r="A1"><v>1</v></c></row>' * 9000,
    ],
)
def test_a_sheet_of_too_many_rows_is_refused_in_one_sentence(write_book, monkeypatch, rows):
    monkeypatch.setattr(spreadsheet, "_MOST_ROWS", 4000)
    file = with_sheet(write_book(("image",)), _SHEET % rows)
    with pytest.raises(MedrecogError, match="larger than the 4,000 rows,"):
        read_sheets(file)


def test_a_sheet_of_too_many_cells_is_refused(write_book, monkeypatch):
    monkeypatch.setattr(spreadsheet, "MOST_CELLS", 9)
    with pytest.raises(MedrecogError, match="or 9 cells allowed"):
        read_sheets(write_book(*[("a", "b")] * 5))


FIRST = b'<row r="1"><c r="A1" t="inlineStr"><is><t>image</t></is></c></row>'


@pytest.mark.parametrize(
    "rows",
    [
        b'<row><c r="ZZZ1"/></row>' * 200,  # columns beyond the last, empty
        b'<row><c r="XFD1"/></row>' * 200,  # wide gaps in every row
        b"<x/>" * 20_000,  # elements of no meaning
        b'<row r="2">' + b"<t/>" * 20_000 + b"</row>",
        b"<row/>" * 40_000,
        b"<x:row></x:row>" * 2_000,
    ],
    ids=["columns", "gaps", "elements", "cells", "rows", "prefixed rows"],
)
def test_a_small_file_that_would_take_hours_is_refused(write_book, monkeypatch, rows):
    for bound, value in (("_MOST_ROWS", 900), ("_MOST_TAGS", 19_000), ("MOST_CELLS", 100_000)):
        monkeypatch.setattr(spreadsheet, bound, value)
    file = with_sheet(write_book(("image",)), _SHEET % (FIRST + rows))
    with pytest.raises(MedrecogError, match="larger than"):
        read_sheets(file)


def test_a_long_text_that_many_cells_share_is_refused(write_book, monkeypatch):
    monkeypatch.setattr(spreadsheet, "_MOST_CHARACTERS", 50_000)
    file = write_book(*[(f" {'a' * 30_000}", "b")] * 5)
    with pytest.raises(MedrecogError, match="larger than"):
        read_sheets(file)


def test_a_large_book_is_read_in_a_process_of_its_own(write_book, monkeypatch):
    file = write_book(("image", "label"), ("a", 1))
    expected = read_sheets(file)
    monkeypatch.setattr(spreadsheet, "_FEW_TAGS", 0)
    monkeypatch.setattr(spreadsheet, "_read", None)  # not in this one
    assert read_sheets(file) == expected
    with pytest.raises(UsageError, match="no sheet “x”"):
        read_sheets(file, "x")


@given(st.integers(0, 20_000), st.integers(1, 10**6))
def test_cells_are_named_as_openpyxl_names_them(column, row):
    from openpyxl.utils import get_column_letter

    if column < 18_278:
        assert cell_name(column, row) == f"{get_column_letter(column + 1)}{row}"
