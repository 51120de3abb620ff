import csv
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets import ImageRecord, LeftOut, guess_columns, library, read_rows
from medrecog_core.datasets.label_table import Columns, choose_columns, read_label_table
from medrecog_core.errors import MedrecogError, UsageError


@pytest.fixture
def write_table(tmp_path):
    def write(text, name="labels.csv", encoding="utf-8"):
        (tmp_path / name).write_bytes(text.encode(encoding))
        return tmp_path / name

    return write


@pytest.fixture
def match(write_table):
    """Match a table's text with a folder's images by the guessed columns."""

    def match(root, text):
        table = write_table(text)
        header, rows = read_rows(table)
        return read_label_table(root, table, rows, choose_columns(header, table))[:2]

    return match


def test_a_row_is_a_dictionary_without_spaces_around_values(write_table):
    header, rows = read_rows(write_table(" image ,dx\n a.png , nv \nb.png\n\nc.png,mel,more\n"))
    assert header == ["image", "dx"]
    assert rows == [
        {"image": "a.png", "dx": "nv"},
        {"image": "b.png", "dx": ""},
        {"image": "c.png", "dx": "mel"},
    ]


@pytest.mark.parametrize("name", ["labels.tsv", "labels.TAB"])
def test_tab_separated_values_are_told_by_the_ending(write_table, name):
    assert read_rows(write_table("image\tdx\na.png\tnv, benign\n", name)) == (
        ["image", "dx"],
        [{"image": "a.png", "dx": "nv, benign"}],
    )


def test_a_byte_order_mark_is_no_part_of_the_header(write_table):
    table = write_table("image,dx\na.png,nv\n", encoding="utf-8-sig")
    assert table.read_bytes().startswith(b"\xef\xbb\xbf")
    assert read_rows(table)[0] == ["image", "dx"]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_table_that_is_not_utf_8_is_refused(write_table, encoding):
    table = write_table("image,dx\na.png,naïve\n", encoding=encoding)
    with pytest.raises(MedrecogError, match=r"labels\.csv cannot be read as UTF-8 CSV .*: save it"):
        read_rows(table)


@pytest.mark.parametrize("text", ["", "\n", "image,dx\n", "\ufeff"])
def test_a_table_without_rows_is_refused(write_table, text):
    with pytest.raises(MedrecogError, match=r"labels\.csv is empty: it needs a header and a row"):
        read_rows(write_table(text))


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(MedrecogError, match=r"There is no table .*none\.csv: give the path"):
        read_rows(tmp_path / "none.csv")


def test_a_folder_in_place_of_the_table_is_refused(tmp_path):
    with pytest.raises(MedrecogError, match=r"cannot be read as UTF-8 CSV \(Is a directory\)"):
        read_rows(tmp_path)


def test_a_quote_that_is_never_closed_does_not_swallow_rows(write_table):
    with pytest.raises(MedrecogError, match="unexpected end of data"):
        read_rows(write_table('image,dx\na.png,"nv\nb.png,mel\n'))


def test_two_columns_of_one_name_are_refused(write_table):
    with pytest.raises(MedrecogError, match="has two columns “dx”: rename one"):
        read_rows(write_table("image,dx,dx\na.png,nv,mel\n"))


def test_nameless_columns_of_a_spreadsheet_are_no_obstacle(write_table):
    assert read_rows(write_table("image,dx,,\na.png,nv,,\n"))[1][0]["dx"] == "nv"


hostile = st.text(
    st.one_of(
        st.sampled_from(",\"'\n\r\t;\\ =é漢😀"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=12,
)


@given(
    st.lists(hostile.map(str.strip).filter(bool), min_size=1, max_size=4, unique=True),
    st.data(),
    st.sampled_from([("labels.csv", ","), ("labels.tsv", "\t")]),
)
def test_any_values_are_read_as_they_were_written(header, data, kind):
    name, delimiter = kind
    rows = data.draw(
        st.lists(
            st.lists(hostile, min_size=len(header), max_size=len(header)), min_size=1, max_size=5
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder, name)
        with table.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([header, *rows])
        assert read_rows(table) == (
            header,
            [dict(zip(header, map(str.strip, row), strict=True)) for row in rows],
        )


@pytest.mark.parametrize(
    ("header", "guess"),
    [
        (
            ["lesion_id", "image_id", "dx", "dx_type", "age"],
            {"image": "image_id", "label": "dx", "group": "lesion_id", "split": ""},
        ),
        (
            ["Filename", "Label", "Patient_ID", "Split"],
            {"image": "Filename", "label": "Label", "group": "Patient_ID", "split": "Split"},
        ),
        (["a", "b"], {"image": "", "label": "", "group": "", "split": ""}),
    ],
)
def test_columns_are_guessed_from_usual_names(header, guess):
    assert guess_columns(header) == guess


TABLE = Path("labels.csv")


def test_named_columns_go_before_guesses_and_an_empty_name_leaves_one_out():
    header = ["image", "label", "patient", "split", "finding", "lesion"]
    assert choose_columns(header, TABLE, label="finding", group="lesion", split="") == Columns(
        "image", "finding", "lesion", ""
    )


def test_a_column_named_for_one_part_is_not_guessed_for_another():
    header = ["image", "set", "lesion_id"]
    assert choose_columns(header, TABLE, label="set") == Columns("image", "set", "lesion_id", "")


@pytest.mark.parametrize("part", ["image", "label", "group", "split"])
def test_a_missing_column_is_named(part):
    with pytest.raises(UsageError, match=r"labels\.csv has no column “kind”: it has image, dx"):
        choose_columns(["image", "dx"], TABLE, **{part: "kind"})


@pytest.mark.parametrize(("header", "part"), [(["dx", "a"], "image"), (["image", "a"], "label")])
def test_where_no_guess_is_possible_the_column_is_asked_for(header, part):
    with pytest.raises(
        UsageError, match=rf"Which column of labels\.csv is the {part}\? Name it with --{part}-col"
    ):
        choose_columns(header, TABLE)


def test_images_are_named_by_path(write_files, match):
    root = write_files("a/1.png", "b/1.png", "b/2.png")
    images, left_out = match(root, "image,label\na/1.png,nv\n./b/1.png,mel\nb\\2.png,bcc\n")
    assert images == [
        ImageRecord("a/1.png", "nv"),
        ImageRecord("b/1.png", "mel"),
        ImageRecord("b/2.png", "bcc"),
    ]
    assert left_out == []


def test_images_are_named_by_file_name(write_files, match):
    root = write_files("a/1.png", "b/2.PNG")
    images, _ = match(root, "image,label\n2.PNG,mel\n1.png,nv\n")
    assert images == [ImageRecord("a/1.png", "nv"), ImageRecord("b/2.PNG", "mel")]


def test_images_in_two_folders_are_named_without_ending_as_ham10000_has_it(write_files, match):
    root = write_files("part_1/ISIC_1.jpg", "part_2/ISIC_2.jpg", "part_2/ISIC_3.v2.jpg")
    images, left_out = match(
        root,
        "lesion_id,image_id,dx\nHAM_1,ISIC_1,nv\nHAM_1,ISIC_2,nv\nHAM_2,part_2/ISIC_3.v2,mel\n",
    )
    assert images == [
        ImageRecord("part_1/ISIC_1.jpg", "nv", group="HAM_1"),
        ImageRecord("part_2/ISIC_2.jpg", "nv", group="HAM_1"),
        ImageRecord("part_2/ISIC_3.v2.jpg", "mel", group="HAM_2"),
    ]
    assert left_out == []


def test_a_path_goes_before_a_file_name(write_files, match):
    root = write_files("1.png", "a/1.png")
    images, left_out = match(root, "image,label\n1.png,nv\n")
    assert images == [ImageRecord("1.png", "nv")]
    assert left_out == [LeftOut("a/1.png", "no row of the table")]


def test_splits_have_synonyms_in_any_case(write_files, match):
    root = write_files("1.png", "2.png", "3.png", "4.png")
    images, _ = match(root, "image,label,split\n1,nv,Training\n2,nv,TEST\n3,nv,valid\n4,nv,\n")
    assert [image.split for image in images] == ["train", "test", "val", ""]


def test_an_unknown_split_is_refused_with_its_row(write_files, match):
    root = write_files("1.png", "2.png")
    with pytest.raises(MedrecogError, match=r"Row 3 of .*labels\.csv has the split “dev”: use tra"):
        match(root, "image,label,split\n1,nv,train\n2,nv,dev\n")


def test_rows_without_an_image_and_images_without_a_row_are_left_out(write_files, match):
    root = write_files("1.png", "a/2.png", "notes.txt", ".hidden/3.png")
    images, left_out = match(root, "image,label\n1.png,nv\n9.png,nv\n,mel\n")
    assert images == [ImageRecord("1.png", "nv")]
    assert left_out == [
        LeftOut("row 3: 9.png", "its image is not in the folder"),
        LeftOut("row 4: (no image)", "its image is not in the folder"),
        LeftOut("a/2.png", "no row of the table"),
    ]


def test_a_row_without_a_label_is_left_out_and_a_later_one_counts(write_files, match):
    root = write_files("1.png", "2.png")
    images, left_out = match(root, "image,label\n1.png,\n2.png,\n1.png,nv\n")
    assert images == [ImageRecord("1.png", "nv")]
    assert left_out == [
        LeftOut("row 2: 1.png", "its label is empty"),
        LeftOut("row 3: 2.png", "its label is empty"),
    ]


def test_ambiguous_names_are_left_out_and_paths_still_count(write_files, match):
    root = write_files("a/1.png", "b/1.png")
    images, left_out = match(root, "image,label\n1.png,nv\na/1.png,mel\n")
    assert images == [ImageRecord("a/1.png", "mel")]
    assert left_out == [LeftOut("row 2: 1.png", "2 files bear that name; give the path")]


def test_of_two_rows_for_one_image_the_first_counts(write_files, match):
    root = write_files("a/1.png")
    images, left_out = match(root, "image,label\na/1.png,nv\n1,mel\n")
    assert images == [ImageRecord("a/1.png", "nv")]
    assert left_out == [LeftOut("row 3: 1", "an earlier row has the same image")]


def test_names_that_are_not_utf_8_are_left_out_and_listed(write_files, match):
    root = write_files("1.png", os.fsdecode(b"\xe9/2.png"), os.fsdecode(b"\xe9.png"))
    images, left_out = match(root, "image,label\n1.png,nv\n2.png,mel\n")
    assert images == [ImageRecord("1.png", "nv")]
    assert left_out == [
        LeftOut("row 3: 2.png", "the name of its file or folder is not UTF-8; rename it"),
        LeftOut("?.png", "no row of the table"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("image,label\n8,nv\n9,mel\n", "row 2: 8: its image is not in the folder"),
        ("image,label\n1,\n2,\n", "row 2: 1: its label is empty"),
    ],
)
def test_a_table_that_gives_no_image_is_refused_with_an_example(write_files, match, text, reason):
    with pytest.raises(MedrecogError, match=rf"No row of .*labels\.csv has both .*\({reason}\)\."):
        match(write_files("1.png", "2.png"), text)


def test_a_missing_folder_of_images_is_refused(tmp_path, match):
    with pytest.raises(MedrecogError, match=r"There is no folder .*nowhere: give the folder"):
        match(tmp_path / "nowhere", "image,label\n1,nv\n")


def test_ham10000_is_read_with_its_lesions_though_most_images_are_absent(shared_data):
    root = shared_data / "ham10000"
    dataset = library.read_table("ham10000", root, root / "HAM10000_metadata.csv")
    assert len(dataset.images) == 704
    assert dataset.classes == ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
    assert len(dataset.left_out) == 9311
    assert {entry.reason for entry in dataset.left_out} == {"its image is not in the folder"}
    assert all(image.group for image in dataset.images)
    assert 1 < len(dataset.groups) < 704
    assert dataset.splits == ()


def write_book(path, rows):
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_an_excel_table_is_read_as_its_csv(tmp_path, write_files, write_table):
    rows = [("image", "dx", "patient"), ("a.png", "nv", 1), ("b.png", "mel", 2)]
    book = write_book(tmp_path / "labels.xlsx", rows)
    text = write_table("\n".join(",".join(map(str, row)) for row in rows))
    assert read_rows(book) == read_rows(text)
    dataset = library.read_table("excel", write_files("a.png", "b.png"), book)
    assert [(i.path, i.label, i.group) for i in dataset.images] == [
        ("a.png", "nv", "1"),
        ("b.png", "mel", "2"),
    ]


@pytest.mark.parametrize("name", ["labels.xls", "labels.ods"])
def test_other_spreadsheets_are_refused(tmp_path, name):
    with pytest.raises(MedrecogError, match=r"cannot be read: save it as \.xlsx or CSV"):
        read_rows(tmp_path / name)


def test_two_columns_of_one_name_in_an_excel_table_are_refused(tmp_path):
    book = write_book(tmp_path / "labels.xlsx", [("image", "dx", "dx"), ("a", "b", "c")])
    with pytest.raises(MedrecogError, match="has two columns “dx”: rename one"):
        read_rows(book)


@pytest.mark.parametrize("error", ["#REF!", "#N/A", "#DIV/0!"])
def test_the_error_of_a_formula_is_named_with_its_cell(tmp_path, write_files, error):
    rows = [("image", "note", "dx"), ("a.png", "#N/A", "nv"), ("b.png", "", error)]
    book = write_book(tmp_path / "labels.xlsx", rows)
    with pytest.raises(MedrecogError) as refused:
        library.read_table("excel", write_files("a.png", "b.png"), book)
    assert str(refused.value) == (
        f"The cell C3 of {book} (column “dx”) holds {error}, the error of a formula: "
        "mend it, or put the value in its place."
    )


def test_labels_that_are_numbers_are_text_and_it_says_so(write_files, write_table):
    root = write_files("a.png", "b.png", "c.png")
    table = write_table("image,dx\na,1.0\nb,0.0\nc,nv\n")
    dataset = library.read_table("numbers", root, table)
    assert dataset.classes == ("0.0", "1.0", "nv")
    assert dataset.layout == (
        "labels from labels.csv; labels that are numbers are taken as text (“0.0”, “1.0”)"
    )


def test_one_number_in_two_ways_is_refused(write_files, write_table):
    table = write_table("image,dx\na,1.0\nb,0\nc,1\n")
    with pytest.raises(MedrecogError, match=r"writes one label in two ways, “1” and “1\.0”"):
        library.read_table("numbers", write_files("a.png", "b.png", "c.png"), table)
