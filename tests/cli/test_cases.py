"""Inputs of the kinds that public bug reports tell of, through the commands; skipped where absent.

Each script writes one input. What is right is written down here by hand.
"""

import importlib.util
import runpy
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from medrecog_core.datasets import library
from medrecog_core.images import decode_image

from .conftest import Call

SCRIPTS = Path(__file__).parents[3] / "shared" / "cases"

READS_HEIC = importlib.util.find_spec("pi_heif") is not None


@dataclass(frozen=True)
class Right:
    """What an import of an input is.

    Attributes
    ----------
    counts
        Images of each class, or of each class in the splits.
    warnings
        From their ids to the number of files or rows that each names.
    n_groups, n_unlabelled
        Groups, and images without a label.
    left_out
        Files and rows that are skipped.
    rendering
        What of the rendering is not as usual.
    """

    counts: dict[str, object]
    warnings: dict[str, int] = field(default_factory=dict)
    n_groups: int = 0
    n_unlabelled: int = 0
    left_out: int = 0
    rendering: dict[str, object] = field(default_factory=dict)


def each(n, *names):
    return dict.fromkeys(names, n)


TUMOUR = ("benign", "malignant")
RIGHT = [
    ("01_busi_masks", "", "", Right(each(6, *TUMOUR, "normal"), {"companions": 19}, left_out=19)),
    (
        "01_busi_masks",
        "",
        "--keep-companions",
        Right({"benign": 13, "malignant": 12, "normal": 12}),
    ),
    ("03_isic_onehot", "", "", Right(each(3, *["AKIEC", "BCC", "BKL", "DF", "MEL", "NV", "VASC"]))),
    (
        "04_nih_chestxray14",
        "",
        "",
        Right(
            {"Atelectasis": 3, "Effusion": 3, "Hernia": 3, "No Finding": 6},
            {"several-findings": 3},
            n_groups=9,
            left_out=3,
        ),
    ),
    (
        "04_nih_chestxray14",
        "",
        "--finding Effusion",
        Right({"Effusion": 6, "no Effusion": 12}, n_groups=9),
    ),
    (
        "05_brain_mri_twice",
        "",
        "",
        Right(each(6, "no", "yes"), {"repeated-subtree": 12}, left_out=12),
    ),
    (
        "07_hyperkvasir_deep",
        "",
        "",
        Right(each(5, "cecum", "esophagitis-a", "polyps", "pylorus")),
    ),
    (
        "08_flat_train_test",
        "",
        "",
        Right(each(6, *TUMOUR), {"unlabelled": 12}, n_unlabelled=12),
    ),
    (
        "09_ct_split_names",
        "",
        "",
        Right(
            {
                "adenocarcinoma": {"test": 3},
                "adenocarcinoma_left.lower.lobe_T2_N0_M0_Ib": {"train": 3, "val": 3},
                "large.cell.carcinoma": {"test": 3},
                "large.cell.carcinoma_left.hilum_T2_N2_M0_IIIa": {"train": 3, "val": 3},
                "normal": {"train": 3, "val": 3, "test": 3},
            },
            {"class-names-differ": 12},
        ),
    ),
    (
        "10_chexpert_prefix",
        "",
        "--finding Cardiomegaly",
        Right(each(4, "Cardiomegaly", "no Cardiomegaly"), {"uncertain-findings": 4}, left_out=4),
    ),
    (
        "10_chexpert_prefix",
        "",
        "--finding Cardiomegaly --uncertain positive",
        Right({"Cardiomegaly": 8, "no Cardiomegaly": 4}),
    ),
    ("11_mura_noheader", "", "", Right(each(8, "0", "1"), n_groups=8, left_out=1)),
    ("12_pgm_ppm", "", "", Right(each(5, *TUMOUR))),
    (
        "13_formats_mixed",
        "",
        "",
        Right(each(10, *TUMOUR), {"unreadable": 2, "copies-across-labels": 2})
        if READS_HEIC
        else Right(each(9, *TUMOUR), {"unsupported-files": 2}, left_out=2),
    ),
    (
        "14_medmnist_npz",
        "breastmnist.npz",
        "",
        Right({name: {"train": 6, "test": 4, "val": 2} for name in ("0", "1")}),
    ),
    *(
        (
            "15_semicolon_cp1252",
            "bilder",
            f"--labels ../{table}",
            Right(each(6, "Melanom", "gutartiger Nävus"), warnings, n_groups=6),
        )
        for table, warnings in {
            "semicolon_cp1252.csv": {"table-encoding": 1},
            "comma_cp1252.csv": {"table-encoding": 1},
            "semicolon_utf8.csv": {},
            "tabs_named.csv": {},
        }.items()
    ),
    *(
        (
            "16_foreign_paths",
            "images",
            f"--labels ../{table}.csv",
            Right(each(6, *TUMOUR), {"rows-matched-loosely": 12}),
        )
        for table in ("case", "dcm", "ending", "linux", "windows")
    ),
    (
        "17_raters_disagree",
        "",
        "--on-conflict majority",
        Right(each(6, "No finding", "Pneumonia"), {"label-conflicts": 12}),
    ),
    (
        "18_label_spelling",
        "",
        "",
        Right(
            {"BENIGN": 2, "Benign": 4, "Malignant": 6, "benign": 4, "malignant": 4},
            {"unlabelled": 4, "similar-class-names": 10},
            n_unlabelled=4,
        ),
    ),
    (
        "18_label_spelling",
        "",
        "--merge-spellings",
        Right(each(10, "Benign", "Malignant"), {"unlabelled": 4}, n_unlabelled=4),
    ),
    ("20_pad_ufes_groups", "", "", Right(each(12, "BCC", "NEV"), n_groups=6)),
    (
        "21_dicom_no_preamble",
        "",
        "",
        Right(
            each(6, *TUMOUR), {"grey-window": 12}, n_groups=12, rendering={"window": [0.0, 4095.0]}
        ),
    ),
    (
        "22_dicom_compressed",
        "",
        "",
        # Of the compressed ones, only JPEG 2000, HTJ2K and RLE hold what they say.
        Right(
            each(9, *TUMOUR),
            {"grey-window": 12, "unreadable": 6},
            n_groups=18,
            rendering={"window": [0.0, 4095.0]},
        ),
    ),
    (
        "23_dicom_cine",
        "",
        "",
        Right(each(6, *TUMOUR), {"several-frames": 12}, n_groups=12, rendering={"frame": "middle"}),
    ),
    (
        "23_dicom_cine",
        "",
        "--frames all",
        Right(each(72, *TUMOUR), n_groups=12, rendering={"frame": "middle"}),
    ),
    (
        "24_dicom_one_patient",
        "",
        "--window 0:4095",
        Right(
            each(8, *TUMOUR),
            {"one-group": 16},
            n_groups=1,
            rendering={"window": [0.0, 4095.0], "overrides_own": True},
        ),
    ),
    ("24_dicom_one_patient", "", "--no-groups --window own", Right(each(8, *TUMOUR))),
    ("25_dicom_overlay_bits", "", "", Right(each(12, *TUMOUR), n_groups=8)),
    (
        "26_dicom_study_extras",
        "",
        "",
        Right(
            each(6, *TUMOUR),
            {"grey-window": 12},
            n_groups=6,
            left_out=18,
            rendering={"window": [0.0, 4095.0]},
        ),
    ),
    (
        "27_16bit_threshold",
        "",
        "",
        Right(each(6, "a", "b"), {"grey-window": 12}, rendering={"window": [0.0, 8191.0]}),
    ),
    ("29_symlinks", "", "", Right(each(6, *TUMOUR), {"links-followed": 4}, n_groups=3)),
    (
        "31_single_image_class",
        "",
        "",
        Right({"common": 9, "rare": 2, "single": 1, "usual": 8}, {"small-class": 1}),
    ),
    (
        "31_single_image_class",
        "",
        "--exclude-class single",
        Right({"common": 9, "rare": 2, "usual": 8}, left_out=1),
    ),
    (
        "32_test_unlabelled",
        "",
        "",
        Right({name: {"train": 8} for name in TUMOUR}, {"unlabelled": 16}, n_unlabelled=16),
    ),
    (
        "34_archives",
        "gbk.zip",
        "--encoding gbk",
        Right(each(4, "\u826f\u6027", "\u6076\u6027")),
    ),
    (
        "34_archives",
        "cp850.zip",
        "--encoding cp850",
        Right(each(4, "gutartiger Nävus", "bösartig")),
    ),
    *(
        (
            "35_two_tables",
            path,
            options,
            Right({name: {"train": 8, "test": 4} for name in TUMOUR}),
        )
        for path, options in (("", ""), ("images", "--labels ../train.csv --labels ../test.csv"))
    ),
    (
        "36_odd_names",
        "",
        "",
        Right(
            each(
                5,
                "<b>bold<",
                "T1_*_$a$ & $b$",
                "[0-5] Jahre :red[x] Nävus",
                "~~4~~ `5` 'q' \"r\" 😀",
            ),
            {"class-level": 4},  # one name holds a slash, which makes a deeper folder
        ),
    ),
    (
        "38_ham_twice",
        "",
        "",
        Right(each(7, "mel", "nv"), {"second-copies": 14}, n_groups=7, left_out=14),
    ),
    (
        "39_kermany_zip",
        "archive.zip",
        "",
        Right(
            {name: {"train": 4, "test": 2, "val": 1} for name in ("NORMAL", "PNEUMONIA")},
            {"repeated-subtree": 14, "groups-across-splits": 4},
            n_groups=11,
            left_out=14,
        ),
    ),
    ("40_dicom_jpeg_colour", "", "", Right(each(3, *TUMOUR), n_groups=6)),
    (
        "42_other_files",
        "mixed",
        "",
        Right(each(7, *TUMOUR), {"unreadable": 2, "unsupported-files": 2}, left_out=2),
    ),
    (
        "44_partial_split",
        "",
        "",
        Right({name: {"train": 6, "test": 3, "": 3} for name in TUMOUR}),
    ),
]

REFUSED = [
    ("10_chexpert_prefix", "", "", 1, "--finding"),
    ("17_raters_disagree", "", "", 1, "--on-conflict"),
    ("19_age_regression", "", "--label-column boneage", 1, "--bins"),
    ("17_raters_disagree", "", "--on-conflict unanimous", 1, "12 images left out"),
    ("34_archives", "gbk.zip", "", 1, "--encoding"),
    ("34_archives", "cp850.zip", "", 1, "--encoding"),
    ("34_archives", "nested.zip", "", 1, "train.zip"),
    ("34_archives", "set.7z", "", 1, "7z"),
    ("34_archives", "set.rar", "", 1, "RAR"),
    ("14_medmnist_npz", "", "", 1, "breastmnist.npz"),
    ("42_other_files", "nifti", "", 1, "can be read"),
]


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that runs a script and returns the folder it wrote."""

    def run(name):
        script = SCRIPTS / f"{name}.py"
        if not script.is_file():
            pytest.skip("the scripts are not there")
        folder = tmp_path / name
        monkeypatch.setattr("sys.argv", [str(script), str(folder)])
        try:
            runpy.run_path(str(script), run_name="__main__")
        except OSError as error:
            pytest.skip(f"the file system refuses its names ({error})")
        return folder

    return run


def arguments(folder, path, options):
    root = folder / path if path else folder
    words = [
        str((root / word).resolve()) if word.startswith("../") else word for word in options.split()
    ]
    return [str(root), *words]


@pytest.mark.parametrize(
    ("name", "path", "options", "right"),
    RIGHT,
    ids=[" ".join(filter(None, case[:3])) for case in RIGHT],
)
def test_it_is_imported_right_and_what_was_decided_is_said(
    call: Call, write, name, path, options, right
):
    answer = call("datasets", "add", "case", *arguments(write(name), path, options), "--json")
    assert answer.status == 0
    document = answer.json
    images = library.load("case").images
    if any(isinstance(n, dict) for n in right.counts.values()):
        counts: dict[str, dict[str, int]] = {}
        for image in images:
            of_class = counts.setdefault(image.label, {})
            of_class[image.split] = of_class.get(image.split, 0) + 1
        assert counts == right.counts
    else:
        assert document["classes"] == right.counts
        assert document["splits"] == []
    named = Counter[str]()
    for warning in document["warnings"]:
        named[warning["id"]] += len(warning["paths"])
        assert warning["message"]
    assert named == right.warnings
    assert document["n_groups"] == right.n_groups
    assert document["n_unlabelled"] == right.n_unlabelled
    assert len(document["left_out"]) == right.left_out
    usual = {
        "window": None,
        "overrides_own": False,
        "frame": "first",
        "axis": 2,
        "channel": None,
    }
    assert document["rendering"] == usual | right.rendering


@pytest.mark.parametrize(
    ("name", "path", "options", "status", "word"),
    REFUSED,
    ids=[" ".join(filter(None, case[:3])) for case in REFUSED],
)
def test_it_is_refused_with_the_way_out(call: Call, write, name, path, options, status, word):
    answer = call("datasets", "add", "case", *arguments(write(name), path, options), "--json")
    assert answer.status == status
    assert answer.json == {"error": answer.sentence}
    assert word in answer.sentence
    assert "case" not in library.names()


def test_a_class_that_is_too_small_and_folders_that_move(call: Call, write, tmp_path):
    folder = write("31_single_image_class")
    call("datasets", "add", "case", folder)
    excluded = call("datasets", "classes", "case", "--exclude-class", "single", "--json").json
    assert excluded["n_excluded"] == 1
    folder.rename(tmp_path / "elsewhere")
    moved = call("datasets", "move", "case", tmp_path / "elsewhere", "--json").json
    assert (moved["n_excluded"], moved["changed"]) == (1, [])
    call("datasets", "delete", "case")
    again = call("datasets", "add", "case", tmp_path / "elsewhere", "--json").json
    assert (again["n_images"], again["n_excluded"]) == (19, 1)


def test_files_of_one_scene_are_one_picture_in_the_window_of_the_data_set(call: Call, write):
    """The scale of version 0.1.0 jumped between them, which gave a perfect false result."""
    call("datasets", "add", "case", write("27_16bit_threshold"))
    dataset = library.load("case")
    means: dict[str, float] = {}
    for image in dataset.images:
        content = dataset.absolute_path(image).read_bytes()
        shown = decode_image(content, rendering=dataset.rendering_of(image))
        means[image.path] = float(np.asarray(shown).mean())
    assert max(means.values()) - min(means.values()) < 2


def test_a_picture_without_content_is_not_predicted(call: Call, write, model):
    """Of the cine loops, the first frames are black."""
    (loop, *_) = sorted(write("23_dicom_cine").rglob("*.dcm"))
    answer = call("predict", "my-model", loop, "--json")
    (found,) = answer.json
    assert set(found) == {"file", "error"}
