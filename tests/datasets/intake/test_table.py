import csv
import io
import tempfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from medrecog_core.datasets.intake import spreadsheet
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.table import SPACES, read_table
from medrecog_core.errors import MedrecogError, UsageError

SEPARATORS = [",", ";", "\t", "|", SPACES]
QUOTING = [csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]


@pytest.fixture
def write_table(tmp_path):
    def write(text, name="labels.csv", encoding="utf-8"):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return tmp_path / name

    return write


@pytest.fixture
def write_book(tmp_path):
    def write(**sheets):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        book.save(tmp_path / "labels.xlsx")
        return tmp_path / "labels.xlsx"

    return write


def is_image(cell):
    return cell.endswith(".png")


# --- Separators, quotes, encodings --------------------------------------------------------------


hostile = st.text(
    st.one_of(
        st.sampled_from(",;|\"'\n\t\\ =é漢😀1"),
        st.characters(exclude_categories=["Cs", "Cc"]),
    ),
    max_size=12,
)
plain = st.text(st.sampled_from("abcxyz'1éü;|,."), min_size=1, max_size=8)
letters = st.text(st.sampled_from("abcdefgh"), min_size=1, max_size=6)


@st.composite
def tables(draw, cells=hostile):
    header = draw(st.lists(letters, min_size=2, max_size=4, unique=True))
    row = st.lists(cells, min_size=len(header), max_size=len(header))
    rows = draw(st.lists(row, min_size=1, max_size=6))
    return header, rows


def read_bytes(content, name="labels.csv", **decided):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        return read_table(path, Decisions(**decided))


def stripped(rows):
    rows = [[cell.strip() for cell in row] for row in rows]
    return [row for row in rows if any(row)]


@given(
    tables(),
    st.sampled_from([sep for sep in SEPARATORS if sep != SPACES]),
    st.sampled_from(QUOTING),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.sampled_from(["labels.csv", "labels.tsv", "labels.txt"]),
)
def test_what_a_csv_writer_writes_is_read_cell_for_cell(table, sep, quoting, encoding, name):
    header, rows = table
    text = io.StringIO()
    csv.writer(text, delimiter=sep, quoting=quoting).writerows([header, *rows])
    if not stripped(rows):
        with pytest.raises(MedrecogError):
            read_bytes(text.getvalue().encode(encoding), name)
        return
    found = read_bytes(text.getvalue().encode(encoding), name)
    assert list(found.header) == header
    assert found.rows == stripped(rows)
    assert found.warnings == ()


@given(tables(plain), st.sampled_from(SEPARATORS), st.sampled_from(["\n", "\r\n"]))
def test_what_pandas_writes_is_read_cell_for_cell(table, sep, ends):
    header, rows = table
    text = pd.DataFrame(rows, columns=header).to_csv(sep=sep, index=False, lineterminator=ends)
    found = read_bytes(text.encode())
    if sep == SPACES and [warning.id for warning in found.warnings] == ["table-header"]:
        return  # cells that hold another separator can be read both ways, which is said
    assert list(found.header) == header
    assert found.rows == rows


@given(
    tables(st.text(st.sampled_from("abcäöüßéñ12 "), max_size=8)),
    st.sampled_from(SEPARATORS[:4]),
    st.sampled_from(["cp1252", "latin-1"]),
)
def test_western_encodings_are_read_and_said(table, sep, encoding):
    header, rows = table
    rows = [[*rows[0][:-1], "Nävus"], *rows]
    text = io.StringIO()
    csv.writer(text, delimiter=sep).writerows([header, *rows])
    found = read_bytes(text.getvalue().encode(encoding))
    assert found.rows == stripped(rows)
    assert [w.id for w in found.warnings] == ["table-encoding"]
    assert "--encoding" in found.warnings[0].message


@pytest.mark.parametrize("encoding", ["gbk", "cp1251", "shift_jis", "cp850"])
def test_a_named_encoding_is_used(write_table, encoding):
    label = {"gbk": "恶性", "cp1251": "невус", "shift_jis": "母斑"}.get(encoding, "Nävus")
    table = write_table(f"image,dx\na.png,{label}\n", encoding=encoding)
    found = read_table(table, Decisions(encoding=encoding))
    assert found.rows == [["a.png", label]]
    assert found.warnings == ()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_recognised(write_table, encoding):
    table = write_table("image\tdx\na.png\tNävus\n", encoding=encoding)
    assert read_table(table).rows == [["a.png", "Nävus"]]


@pytest.mark.parametrize("encoding", ["no-such", "zlib", "base64"])
def test_an_unknown_encoding_is_refused(write_table, encoding):
    with pytest.raises(UsageError, match="Unknown encoding"):
        read_table(write_table("image,dx\na,b\n"), Decisions(encoding=encoding))


def test_a_wrong_encoding_is_refused(write_table):
    table = write_table("image,dx\na.png,Nävus\n", encoding="cp1252")
    with pytest.raises(MedrecogError, match="is not encoded as utf-8"):
        read_table(table, Decisions(encoding="utf-8"))


@given(st.binary(max_size=300), st.sampled_from([".csv", ".txt", ".tsv", ".xlsx", ".xls", ""]))
@example(b"\xff\xfe\x00", ".csv")
@example(b'"', ".csv")
@example(b"\0\0\0\0", ".csv")
@example(b"sep=\n", ".csv")
def test_junk_is_a_table_or_an_error_in_words(content, suffix):
    try:
        found = read_bytes(content, f"junk{suffix}")
    except MedrecogError as error:
        assert "\n" not in str(error)
    else:
        assert all(len(row) == len(found.header) for row in found.rows)


@pytest.mark.parametrize(
    ("text", "header", "row"),
    [
        ("sep=;\nimage;dx\na.png;1,5\n", ("image", "dx"), ["a.png", "1,5"]),
        ("Datei;Wert\n1.png;1,5\n2.png;2,5\n", ("Datei", "Wert"), ["1.png", "1,5"]),
        ("image,labels\n1.png,a|b\n2.png,c|d\n", ("image", "labels"), ["1.png", "a|b"]),
        ("image   dx\n1.png    nv\n", ("image", "dx"), ["1.png", "nv"]),
        ('image dx\n1.png  "basal cell"\n', ("image", "dx"), ["1.png", "basal cell"]),
        ("image,dx\n1.png,nv, benign,\n2.png,mel\n", ("image", "dx"), ["2.png", "mel"]),
        (" image ,dx\n a.png , nv \n", ("image", "dx"), ["a.png", "nv"]),
        ("image,dx,,\na.png,nv,,\n", ("image", "dx"), ["a.png", "nv"]),
        (",image,dx\n0,a.png,nv\n", ("column 1", "image", "dx"), ["0", "a.png", "nv"]),
        ("image,dx\ra.png,nv\r", ("image", "dx"), ["a.png", "nv"]),
        ('image,dx\na.png,5" lesion\n', ("image", "dx"), ["a.png", '5" lesion']),
    ],
)
def test_tables_as_people_have_them(write_table, text, header, row):
    found = read_table(write_table(text), names_image=is_image)
    assert found.header == header
    assert found.rows[0] == row


def test_a_name_with_a_comma_is_not_cut_in_two(write_table):
    found = read_table(
        write_table("a,1.png\nb,2.png\n", "list.txt"), names_image=lambda c: "," in c
    )
    assert found.header == ("column 1",)
    assert found.rows == [["a,1.png"], ["b,2.png"]]


def test_a_quote_that_is_never_closed_does_not_swallow_rows(write_table):
    with pytest.raises(MedrecogError, match="Check its quotation marks"):
        read_table(write_table('image,dx\na.png,"nv\nb.png,mel\n'))


def test_rows_with_more_cells_than_columns_are_left_out_and_listed(write_table):
    found = read_table(write_table("image,dx\n1.png,nv\n2.png,nv,P1\n3.png,mel\n"))
    assert found.rows == [["1.png", "nv"], ["3.png", "mel"]]
    assert found.numbers == [2, 4]
    assert [(w.id, w.paths) for w in found.warnings] == [("long-rows", ("labels.csv row 3",))]
    assert [entry.path for entry in found.left_out] == ["labels.csv row 3"]


def test_short_rows_have_empty_cells_and_empty_rows_are_counted(write_table):
    found = read_table(write_table("image,dx,age\n1.png,nv\n\n2.png,mel,4\n"))
    assert found.rows == [["1.png", "nv", ""], ["2.png", "mel", "4"]]
    assert found.numbers == [2, 4]


@pytest.mark.parametrize("text", ["", "\n", "\ufeff", " \n\n"])
def test_an_empty_table_is_refused(write_table, text):
    with pytest.raises(MedrecogError, match="is empty"):
        read_table(write_table(text))


def test_a_table_without_rows_is_refused(write_table):
    with pytest.raises(MedrecogError, match="has only one row"):
        read_table(write_table("image,dx\n"))


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(MedrecogError, match="does not exist"):
        read_table(tmp_path / "none.csv")


def test_a_folder_in_place_of_a_table_is_refused(tmp_path):
    with pytest.raises(MedrecogError, match="cannot be read"):
        read_table(tmp_path)


def test_many_columns_take_linear_time(write_table):
    n = 100_000
    text = ",".join(f"c{i}" for i in range(n)) + "\n" + ",".join("1" * n) + "\n"
    found = read_table(write_table(text))
    assert len(found.header) == n
    assert found.repeated == frozenset()
    assert found.find("c99999") == "c99999"


@pytest.mark.timeout(60)
def test_empty_columns_at_the_end_take_linear_time(write_table):
    found = read_table(write_table("image,label" + "," * 1_000_000 + "\n" + "a.png,x\n" * 50_000))
    assert found.header == ("image", "label")
    assert len(found.rows) == 50_000


@pytest.mark.timeout(60)
def test_a_wide_header_over_many_short_rows_is_refused_before_they_are_filled(write_table):
    header = ",".join(f"c{i}" for i in range(50_000))
    with pytest.raises(MedrecogError, match="cells allowed"):
        read_table(write_table(header + "\n" + "a.png,x\n" * 100_000))


def test_tables_with_too_many_cells_are_refused(write_table, monkeypatch):
    monkeypatch.setattr(spreadsheet, "MOST_CELLS", 5)
    with pytest.raises(MedrecogError, match="cells allowed"):
        read_table(write_table("image,dx\na,b\nc,d\n"))


# --- Headers ------------------------------------------------------------------------------------


def test_a_first_row_that_names_an_image_is_no_header(write_table):
    found = read_table(write_table("a.png,0\nb.png,1\n"), names_image=is_image)
    assert found.header == ("column 1", "column 2")
    assert found.rows == [["a.png", "0"], ["b.png", "1"]]
    assert found.numbers == [1, 2]
    assert (found.has_header, found.warnings) == (False, ())


@pytest.mark.parametrize("text", ["a.png,0\nb.png,1\n", "7,3\n8,4\n"])
def test_a_first_row_like_the_others_is_guessed_to_be_no_header(write_table, text):
    found = read_table(write_table(text))
    assert not found.has_header
    assert [w.id for w in found.warnings] == ["table-header"]
    assert "--header" in found.warnings[0].message


@pytest.mark.parametrize("text", ["foo,bar\n7,3\n", "foo,bar\nx,y\n", "image,1\n3,1\n"])
def test_a_first_row_unlike_the_others_is_the_header(write_table, text):
    found = read_table(write_table(text))
    assert found.has_header
    assert len(found.rows) == 1


def test_whether_there_is_a_header_can_be_said(write_table):
    table = write_table("a.png,0\nb.png,1\n")
    assert read_table(table, Decisions(header=True), is_image).header == ("a.png", "0")
    table = write_table("foo,bar\nx,y\n")
    assert len(read_table(table, Decisions(header=False)).rows) == 2


# --- Columns by name or number ------------------------------------------------------------------


def test_columns_are_found_by_name_and_number(write_table):
    found = read_table(write_table("image,dx,2\na,b,c\n"))
    assert [found.find(name) for name in ("dx", "DX", "1", "2")] == ["dx", "dx", "image", "2"]
    for name in ("9", "kind", ""):
        with pytest.raises(UsageError, match="Available: “image”, “dx”"):
            found.find(name)


def test_a_name_that_two_columns_have_is_refused(write_table):
    found = read_table(write_table("image,dx,dx\na,b,c\n"))
    with pytest.raises(UsageError, match="two columns “dx”"):
        found.find("dx")
    assert found.find("image") == "image"


# --- Excel --------------------------------------------------------------------------------------


def test_the_sheet_whose_cells_name_images_is_read(write_book):
    book = write_book(Notes=[("Study of 2019",)], Data=[("image", "dx"), ("a.png", "nv")])
    found = read_table(book, names_image=is_image)
    assert found.rows == [["a.png", "nv"]]
    assert (found.is_sheet, found.warnings) == (True, ())
    assert any("Data" in remark for remark in found.remarks)


def test_of_several_sheets_with_images_the_first_is_read_and_it_is_said(write_book):
    rows = [("image", "dx"), ("a.png", "nv")]
    book = write_book(A=rows, B=rows, Empty=[])
    found = read_table(book, names_image=is_image)
    assert [w.id for w in found.warnings] == ["table-sheet"]
    assert "--sheet" in found.warnings[0].message
    assert read_table(book, Decisions(sheet="B"), is_image).warnings == ()


def test_an_unknown_sheet_is_refused(write_book):
    book = write_book(A=[("image", "dx"), ("a.png", "nv")])
    with pytest.raises(UsageError, match=r"no sheet “B”\. Available: A"):
        read_table(book, Decisions(sheet="B"))


@pytest.mark.parametrize("name", ["labels.xls", "labels.ods", "labels.numbers"])
def test_other_spreadsheets_are_refused(tmp_path, name):
    with pytest.raises(MedrecogError, match=r"Save it as \.xlsx or CSV"):
        read_table(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "n_skipped"),
    [
        ("# made by me\n# 2019, 2020\nimage,dx\n1.png,nv\n2.png,mel\n", 2),
        ("Table 1\n\nimage;dx\n1.png;nv\n2.png;mel\n", 2),
        ("Patients\nimage\tdx\n1.png\tnv\n", 1),
        ("#image,dx\n1.png,nv\n", 0),
    ],
)
def test_a_title_before_the_table_is_skipped_and_said(write_table, text, n_skipped):
    found = read_table(write_table(text), names_image=is_image)
    assert found.header[1] == "dx"
    assert found.rows[0] == ["1.png", "nv"]
    assert found.numbers[0] == n_skipped + 2
    assert [len(w.paths) for w in found.warnings if w.id == "table-header"] == (
        [n_skipped] if n_skipped else []
    )


def test_the_header_of_a_table_of_spaces_is_no_title():
    found = read_bytes(b"a b c aa\n1 1 1 ;y\n1 1 1 ;\n")
    assert found.header == ("a", "b", "c", "aa")
    assert found.rows == [["1", "1", "1", ";y"], ["1", "1", "1", ";"]]
    assert found.warnings == ()


@pytest.mark.parametrize("header", ["image, dx, site", "image; dx; site", "image,dx,site"])
def test_a_title_of_as_many_words_as_columns_is_skipped(header):
    found = read_bytes(f"Table of lesions\n{header}\n{header.replace('image', '1.png')}\n".encode())
    assert found.header == ("image", "dx", "site")
    assert [w.id for w in found.warnings] == ["table-header"]


def test_a_title_in_a_sheet_is_skipped_and_said(tmp_path):
    book = openpyxl.Workbook()
    for row in (["Table 1"], [], ["image", "dx"], ["1.png", "nv"]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    found = read_table(tmp_path / "t.xlsx", names_image=is_image)
    assert (found.header, found.rows, found.numbers) == (("image", "dx"), [["1.png", "nv"]], [4])
    assert [w.id for w in found.warnings] == ["table-header"]
