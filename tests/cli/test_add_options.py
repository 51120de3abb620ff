"""Every option of `datasets add` and `datasets propose` does what its help says."""

from dataclasses import fields

import numpy as np
import openpyxl
import pytest
from PIL import Image

from medrecog_core.datasets import Decisions
from tests.dicom_files import dicom_bytes, dicom_dataset

ROWS = "image,dx,patient,part\n" + "".join(
    f"{i}.png,{'ab'[i % 2]},{i // 2},{'train' if i < 4 else 'test'}\n" for i in range(8)
)


def picture(path, number=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (number % 256, 9, number // 256)).save(path)


def pictures(root, *paths):
    for number, path in enumerate(paths):
        picture(root / path, number)


def table(root, text=ROWS, encoding="utf-8"):
    pictures(root, *(f"all/{i}.png" for i in range(8)))
    (root / "t.csv").write_bytes(text.encode(encoding))


def sheets(root):
    table(root)
    book = openpyxl.Workbook()
    for title, classes in (("first", "ab"), ("second", "xy")):
        sheet = book.create_sheet(title)
        for row in (["image", "dx"], *([f"{i}.png", classes[i % 2]] for i in range(8))):
            sheet.append(row)
    book.save(root / "t.xlsx")
    (root / "t.csv").unlink()


def levels(root):
    pictures(root, *(f"{t}/{c}{t}/{i}.png" for t in "pq" for c in "ab" for i in range(3)))


def people(root):
    pictures(root, *(f"{c}/x{p}/{i}.png" for c in "ab" for p in "klm" for i in range(2)))


def findings(root):
    rows = ["1,0", "0,1", "0,1", "1,0", "1,1", "0,0", "-1,1", "-1,0"]
    text = "".join(f"{i}.png,{row}\n" for i, row in enumerate(rows))
    table(root, "image,Cardiomegaly,Edema\n" + text)


def raters(root):
    text = "".join(f"{i}.png,{'ab'[i % 2]},{r}\n" for i in range(6) for r in "xyz")
    table(root, "image,dx,rater\n" + text.replace("0.png,a,z", "0.png,b,z"))


def scans(root):
    for i in range(8):
        tags = {"PatientID": f"p{i // 2}", "StudyID": f"s{i // 4}", "BodyPartExamined": "AB"[i % 2]}
        values = np.full((8, 8), 10 * i, np.uint16)
        values[0, 0] = 4000
        file = root / f"{'ab'[i % 2]}/{i}.dcm"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(dicom_bytes(dicom_dataset(values, **tags)))


def films(root):
    for i in range(4):
        pages = [Image.new("L", (8, 8), 20 * i + j) for j in range(3)]
        file = root / f"{'ab'[i % 2]}/{i}.tif"
        file.parent.mkdir(parents=True, exist_ok=True)
        pages[0].save(file, save_all=True, append_images=pages[1:])


def volumes(root):
    import nibabel

    for i in range(4):
        (root / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(i).integers(0, 900, (4, 5, 6)).astype(np.int16)
        path = root / f"{'ab'[i % 2]}/{i}.nii.gz"
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)


def channels(root):
    import tifffile

    for i in range(4):
        (root / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        values = np.random.default_rng(i).integers(0, 255, (8, 8, 5)).astype(np.uint8)
        path = root / f"{'ab'[i % 2]}/{i}.tif"
        tifffile.imwrite(path, values, photometric="minisblack", planarconfig="contig")


def flat(*paths):
    return lambda root: pictures(root, *paths)


def copies(root):
    pictures(root, "a/1.png", "a/3.png", "b/1.png", "b/2.png")
    (root / "a/2.png").write_bytes((root / "a/1.png").read_bytes())


def classes(found):
    return found["classes"]


def n_groups(found):
    return found["n_groups"]


def splits(found):
    return found["splits"]


def rendering(key):
    return lambda found: found["rendering"].get(key)


def metadata(found):
    return found["metadata"]


def sexes(root):
    rows = "".join(f"{i}.png,{'ab'[i % 2]},{'fm'[i // 4]}\n" for i in range(8))
    table(root, "image,dx,sex\n" + rows)


PAIRS = [f"{c}/{c}{i}.png" for c in "ab" for i in range(3)]
CASES = [
    (table, ["--labels", "t.csv"], classes, {"a": 4, "b": 4}),
    (sheets, ["--labels", "t.xlsx", "--sheet", "second"], classes, {"x": 4, "y": 4}),
    (
        lambda root: table(root, ROWS.replace(",a,", ",gr\u00fcn,"), "cp437"),
        ["--labels", "t.csv", "--encoding", "cp437"],
        classes,
        {"b": 4, "gr\u00fcn": 4},
    ),
    (table, ["--labels", "t.csv", "--header"], classes, {"a": 4, "b": 4}),
    (
        lambda root: table(root, "0.png,a\n1.png,b\n2.png,a\n3.png,b\n"),
        ["--labels", "t.csv", "--no-header"],
        classes,
        {"a": 2, "b": 2},
    ),
    (
        lambda root: table(root, ROWS.replace("image,", "other,image,").replace("\n", "\n7.png,")),
        ["--labels", "t.csv", "--image-column", "image", "--label-column", "dx"],
        classes,
        {"a": 4, "b": 4},
    ),
    (table, ["--labels", "t.csv", "--label-column", "part"], classes, {"test": 4, "train": 4}),
    (table, ["--labels", "t.csv", "--group-column", "part"], n_groups, 2),
    (table, ["--labels", "t.csv", "--group-column", ""], n_groups, 0),
    (table, ["--labels", "t.csv", "--split-column", "part"], splits, ["train", "test"]),
    (table, ["--labels", "t.csv", "--split-column", ""], splits, []),
    (scans, ["--label-tag", "BodyPartExamined"], classes, {"A": 4, "B": 4}),
    (scans, ["--group-tag", "StudyID"], n_groups, 2),
    (scans, ["--group-tag", ""], n_groups, 0),
    (scans, ["--no-groups"], n_groups, 0),
    (scans, ["--groups"], n_groups, 4),
    (sexes, ["--labels", "t.csv", "--metadata"], metadata, ["sex"]),
    (sexes, ["--labels", "t.csv", "--no-metadata"], metadata, []),
    (people, ["--class-level", "1", "--group-pattern", "/(x.)/"], n_groups, 3),
    (levels, ["--class-level", "1"], classes, {"p": 6, "q": 6}),
    (levels, ["--class-level", "-1"], lambda found: len(classes(found)), 4),
    (people, ["--class-level", "1", "--group-level", "2"], n_groups, 3),
    (
        flat(*(f"{s}/{c}/{s}.png" for s in ("train", "test", "val") for c in "ab")),
        ["--keep-val"],
        splits,
        ["train", "test"],
    ),
    (
        flat(*(f"{c}/{c}{i}.png" for c in ("airport_inside", "bakery", "zoo") for i in "12")),
        ["--catalogue", "mini-mit"],
        classes,
        {"airport_inside": 2, "bakery": 2},
    ),
    (flat(*PAIRS, "a/a1_mask.png"), ["--keep-companions"], classes, {"a": 4, "b": 3}),
    (copies, ["--keep-copies"], classes, {"a": 3, "b": 2}),
    (findings, ["--finding", "Edema"], classes, {"Edema": 4, "no Edema": 4}),
    (
        findings,
        ["--finding", "Cardiomegaly", "--uncertain", "positive"],
        classes,
        {"Cardiomegaly": 5, "no Cardiomegaly": 3},
    ),
    (raters, ["--on-conflict", "majority"], classes, {"a": 3, "b": 3}),
    (raters, ["--on-conflict", "unanimous"], classes, {"a": 2, "b": 3}),
    (
        flat("A x/1.png", "a_x/2.png", "b/3.png", "A x/4.png", "b/5.png"),
        ["--merge-spellings"],
        classes,
        {"A x": 3, "b": 2},
    ),
    (
        lambda root: table(root, "image,dx\n" + "".join(f"{i}.png,{i}.5\n" for i in range(8))),
        ["--labels", "t.csv", "--bins", "3,6"],
        classes,
        {"3 to 6": 3, "< 3": 3, ">= 6": 2},
    ),
    (
        flat(*PAIRS, "c/1.png"),
        ["--only-class", "a", "--only-class", "b"],
        classes,
        {"a": 3, "b": 3},
    ),
    (flat(*PAIRS, "c/1.png"), ["--exclude-class", "c"], classes, {"a": 3, "b": 3}),
    (flat(*PAIRS, "c/1.png"), ["--merge-class", "c=b"], classes, {"a": 3, "b": 4}),
    (scans, ["--window", "0:900"], rendering("window"), [0, 900]),
    (films, ["--frames", "middle"], rendering("frame"), "middle"),
    (films, ["--frames", "all"], lambda found: found["n_images"], 12),
    (volumes, ["--axis", "0"], rendering("axis"), 0),
    (channels, ["--channel", "3"], rendering("channel"), 3),
]


@pytest.mark.parametrize(
    ("write", "options", "look", "expected"), CASES, ids=[" ".join(case[1]) for case in CASES]
)
def test_an_option_does_what_it_says(call, tmp_path, write, options, look, expected):
    root = tmp_path / "set"
    root.mkdir()
    write(root)
    answer = call("datasets", "propose", root, *options, "--json")
    assert answer.status == 0, answer.err
    assert look(answer.json) == expected


def test_every_option_is_tried():
    tried = {word for _, options, _, _ in CASES for word in options}
    for each in fields(Decisions):
        for option in each.metadata["option"].split("/"):
            assert option in tried
