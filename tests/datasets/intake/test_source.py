"""From a folder to labelled images: what the steps up to the source and the copies give."""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from medrecog_core.datasets import CATALOGUE
from medrecog_core.datasets.catalogue import MINI_MIT_CLASSES
from medrecog_core.datasets.intake.companions import without_companions
from medrecog_core.datasets.intake.copies import without_copies
from medrecog_core.datasets.intake.decisions import BY_EVIDENCE, Decisions
from medrecog_core.datasets.intake.interpretation import AmbiguousError
from medrecog_core.datasets.intake.source import interpretations
from medrecog_core.datasets.intake.survey import survey_folder
from medrecog_core.errors import MedrecogError


def read(root, **decided):
    """Return what a folder holds, with all that its survey says too."""
    decisions = replace(BY_EVIDENCE, **decided)
    survey = without_companions(survey_folder(root), decisions)
    found = without_copies(root, interpretations(survey, decisions)[0], decisions)
    return replace(
        found,
        left_out=(*survey.left_out, *found.left_out),
        warnings=(*survey.warnings, *found.warnings),
    )


def labels(found):
    return {image.path: image.label for image in found.images}


def ids(found):
    return [warning.id for warning in found.warnings]


def write(root, name, *lines):
    (root / name).write_text("\n".join(lines) + "\n")
    return root


# --- Published layouts --------------------------------------------------------------------------


def test_busi_without_its_masks(tree):
    classes = ("benign", "malignant", "normal")
    images = [f"Dataset_BUSI_with_GT/{c}/{c} ({i}).png" for c in classes for i in (1, 2)]
    masks = [path.replace(".png", "_mask.png") for path in images]
    masks.append("Dataset_BUSI_with_GT/benign/benign (1)_mask_1.png")
    found = read(tree(*images, *masks))
    assert labels(found) == {path: path.split("/")[1] for path in images}
    assert [(w.id, set(w.paths)) for w in found.warnings] == [("companions", set(masks))]


def test_covid_19_radiography(tree):
    classes = ("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia")
    images = [
        f"COVID-19_Radiography_Dataset/{c}/images/{c}-{i}.png" for c in classes for i in (1, 2)
    ]
    masks = [path.replace("/images/", "/masks/") for path in images]
    root = tree(*images, *masks)
    for label in classes:
        shutil.copy(root / images[0], root / f"COVID-19_Radiography_Dataset/{label}.metadata.xlsx")
    found = read(root)
    assert labels(found) == {path: path.split("/")[1] for path in images}
    assert ids(found) == ["companions"]


@pytest.mark.parametrize("names", [("{:03d}", "{}"), ("P{:03d}", "P{:03d}")])
def test_a_row_a_patient_names_the_images_of_its_folder(tree, names):
    folder, row = names
    images = [f"scans/{folder.format(p)}/series{i}/{i}.png" for p in range(1, 5) for i in "123"]
    root = tree(*images)
    rows = [f"{row.format(p)},{'ab'[p % 2]}" for p in range(1, 5)]
    write(root, "patients.csv", "PatientID,diagnosis", *rows)
    found = read(root)
    assert labels(found) == {p: "ab"[int(p.split("/")[1].strip("P")) % 2] for p in images}
    assert set(found.group_columns) == {"PatientID"}
    assert set(ids(found)) <= {"rows-matched-loosely"}


@pytest.mark.parametrize("has_labels", [True, False])
@pytest.mark.parametrize("decided", [{}, {"class_level": 1}])
def test_folders_get_groups_and_splits_of_a_table(tree, has_labels, decided):
    images = [f"{c}/{c}{i}.png" for c in ("nv", "mel") for i in range(4)]
    root = tree(*images)
    label = {True: "label,", False: ""}[has_labels]
    rows = [
        f"{p.split('/')[1]},{p.split('/')[0] + ',' if has_labels else ''}p{i // 2},"
        f"{'train' if i % 4 < 2 else 'test'}"
        for i, p in enumerate(images)
    ]
    write(root, "meta.csv", f"image,{label}patient_id,split", *rows)
    found = read(root, **decided)
    assert labels(found) == {path: path.split("/")[0] for path in images}
    assert found.group_columns["patient_id"] == {p: f"p{i // 2}" for i, p in enumerate(images)}
    assert found.split_values == {p: "train" if i % 4 < 2 else "test" for i, p in enumerate(images)}
    assert found.split_column == "split"
    assert ids(found) == []
    assert "meta.csv" not in {entry.path for entry in found.left_out}


def test_folders_get_the_split_of_lists(tree):
    images = [f"{c}/{c}{i}.png" for c in ("nv", "mel") for i in range(4)]
    root = tree(*images)
    write(root, "train.txt", *(p for p in images if p[-5] in "012"))
    write(root, "test.txt", *(p for p in images if p[-5] in "3"))
    found = read(root)
    assert {i.path: i.split for i in found.images} == {
        p: "test" if p[-5] == "3" else "train" for p in images
    }
    write(root, "train.txt", *(p for p in images if p[-5] in "01"))
    found = read(root)
    assert {image.split for image in found.images} == {""}


def test_groups_and_splits_of_a_part_of_the_images_are_said(tree):
    images = [f"{c}/{c}{i}.png" for c in ("nv", "mel") for i in range(4)]
    root = tree(*images)
    write(root, "meta.csv", "image,split", *(f"{p},train" for p in images[:6]))
    found = read(root)
    assert [(w.id, w.paths) for w in found.warnings] == [("table-in-folder", ("meta.csv",))]


def test_another_split_than_by_folder_is_said(tree):
    images = [f"{s}/{c}/{s}{i}.png" for s in ("train", "test") for c in "ab" for i in range(3)]
    root = tree(*images)
    rows = [f"{p},{'test' if p == images[0] else p.split('/')[0]}" for p in images]
    write(root, "meta.csv", "image,split", *rows)
    found = read(root)
    assert [(w.id, w.paths) for w in found.warnings] == [("split-ignored", (images[0],))]
    assert {i.path: i.split for i in found.images} == {p: p.split("/")[0] for p in images}


def test_a_table_beats_folders_of_one_image_each(tree):
    images = [f"set/IMD{i:03d}/IMD{i:03d}_Image/IMD{i:03d}.bmp" for i in range(4)]
    root = tree(*images)
    write(root, "t.csv", "name,diagnosis", *(f"IMD{i:03d},{'ab'[i % 2]}" for i in range(4)))
    assert set(labels(read(root)).values()) == {"a", "b"}


def test_brain_tumours_with_their_doubled_folder(tree):
    images = [f"{label}/{label[0].upper()}{i}.jpg" for label in ("no", "yes") for i in range(3)]
    root = tree(*images)
    copies = [f"brain_tumor_dataset/{path}" for path in images]
    for path, copy in zip(images, copies, strict=True):
        (root / copy).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / path, root / copy)
    found = read(root)
    assert labels(found) == {path: path.split("/")[0] for path in images}
    assert [(w.id, set(w.paths)) for w in found.warnings] == [("repeated-subtree", set(copies))]
    assert {entry.path for entry in found.left_out} == set(copies)
    kept = read(root, keeps_copies=True)
    assert labels(kept) == {path: path.split("/")[-2] for path in (*images, *copies)}


@pytest.mark.parametrize(
    "places",
    [("", "archive/brain_mri"), ("", "copy1", "copy2"), ("first", "second"), ("a/b", "c/d/e")],
)
def test_folders_that_were_unpacked_several_times(tree, places):
    images = [f"{label}/{label[0]}{i}.jpg" for label in ("no", "yes") for i in range(3)]
    root = tree(*(os.path.normpath(f"{places[0]}/{path}").lstrip("/") for path in images))
    copies = [f"{place}/{path}" for place in places[1:] for path in images]
    for copy in copies:
        (root / copy).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / places[0] / "/".join(copy.split("/")[-2:]), root / copy)
    found = read(root)
    assert len(found.images) == len(images)
    assert all(image.path.split("/")[-2] == image.label for image in found.images)
    assert [(w.id, set(w.paths)) for w in found.warnings] == [("repeated-subtree", set(copies))]


def test_a_repeated_folder_with_other_files_is_imported_and_said(tree):
    paths = [
        f"{top}{label}/{i}.png" for top in ("", "more/") for label in ("no", "yes") for i in "ab"
    ]
    found = read(tree(*paths))
    assert labels(found) == {path: path.split("/")[-2] for path in paths}
    assert [(w.id, w.paths) for w in found.warnings] == [
        ("repeated-subtree", tuple(sorted(p for p in paths if p.startswith("more/"))))
    ]


def test_kermanys_archive_with_a_doubled_folder_and_that_of_macos(tree):
    images = [
        f"chest_xray/{split}/{label}/{name}-{i}-{split}.jpeg"
        for split in ("train", "test", "val")
        for label, name in (("NORMAL", "IM-0001"), ("PNEUMONIA", "person1_virus"))
        for i in (1, 2)
    ]
    images = [path.replace("virus-", "virus_") for path in images]
    root = tree(*images, "chest_xray/__MACOSX/train/NORMAL/._1.jpeg")
    shutil.copytree(root / "chest_xray", root.parent / "copy")
    shutil.move(root.parent / "copy", root / "chest_xray/chest_xray")
    found = read(root)
    assert {i.path: (i.label, i.split) for i in found.images} == {
        path: (path.split("/")[2], path.split("/")[1]) for path in images
    }
    assert {image.group for image in found.images} == {"IM-0001", "person1_virus"}
    assert ids(found) == ["repeated-subtree"]


def test_a_clean_chest_x_ray_folder_has_no_warnings(tree):
    root = tree("chest_xray/train/NORMAL/IM-0115-0001.png", "chest_xray/test/PNEUMONIA/p_1.png")
    found = read(root)
    assert ids(found) == []
    assert found.layout.startswith("chest X-ray images, train and test folders")


def test_hyperkvasir_has_its_class_innermost(tree):
    folders = (
        *("lower-gi-tract/anatomical-landmarks/cecum", "lower-gi-tract/quality/bbps-0-1"),
        *("upper-gi-tract/anatomical-landmarks/pylorus", "upper-gi-tract/pathological/barretts"),
    )
    images = [f"labeled-images/{folder}/{i}.jpg" for folder in folders for i in "ab"]
    root = tree(*images)
    lines = [f"{Path(p).stem},{p.split('/')[-2]}" for p in images]
    write(root, "labeled-images/image-labels.csv", "Video file,Finding", *lines)
    found = read(root)
    assert labels(found) == {path: path.split("/")[-2] for path in images}
    assert ids(found) == []


def test_kvasir(tree):
    images = [f"kvasir-dataset-v2/{label}/1.jpg" for label in CATALOGUE["kvasir-v2"].classes]
    found = read(tree(*images))
    assert labels(found) == {path: path.split("/")[1] for path in images}
    assert found.layout.startswith("Kvasir, a folder a class")
    assert ids(found) == []


@pytest.mark.parametrize("doubled", [False, True])
def test_ham10000_and_its_doubled_copy(tree, doubled):
    images = [f"HAM10000_images_part_{1 + i // 2}/ISIC_{24306 + i:07}.jpg" for i in range(4)]
    root = tree(*images)
    copies = [path.replace("HAM", "ham") for path in images] if doubled else []
    for path, copy in zip(images, copies, strict=False):
        (root / copy).parent.mkdir(exist_ok=True)
        shutil.copy(root / path, root / copy)
    rows = [f"HAM_{i // 2},{Path(p).stem},{('nv', 'mel')[i // 2]}" for i, p in enumerate(images)]
    write(root, "HAM10000_metadata.csv", "lesion_id,image_id,dx", *rows)
    found = read(root)
    assert labels(found) == dict(zip(images, ("nv", "nv", "mel", "mel"), strict=True))
    assert [(w.id, set(w.paths)) for w in found.warnings] == (
        [("second-copies", set(copies))] if doubled else []
    )


def test_mini_mit_takes_ten_classes_of_the_lists(tree):
    images = [f"Images/{label}/{i}.jpg" for label in (*MINI_MIT_CLASSES, "office") for i in "ab"]
    root = tree(*images)
    for name, letter in (("TrainImages.txt", "a"), ("TestImages.txt", "b")):
        lines = [p.removeprefix("Images/") for p in images if p.endswith(f"{letter}.jpg")]
        write(root, name, *lines)
    found = read(root, entry="mini-mit")
    assert found.classes == tuple(sorted(MINI_MIT_CLASSES))
    for image in found.images:
        assert image.split == ("train" if image.path.endswith("a.jpg") else "test")
    assert ids(found) == []
    assert len(read(root).images) == len(images)


def test_mura_has_its_labels_in_tables_without_a_header(tree):
    studies = [
        f"MURA-v1.1/{split}/{part}/patient{k:05}/study1_{word}"
        for split in ("train", "valid")
        for part in ("XR_WRIST", "XR_HAND")
        for k, word in enumerate(("positive", "negative"), start=10 if split == "valid" else 0)
    ]
    root = tree(*(f"{study}/image{i}.png" for study in studies for i in (1, 2)))
    for split in ("train", "valid"):
        rows = [f"{s}/,{int('pos' in s)}" for s in studies if f"/{split}/" in s]
        write(root, f"MURA-v1.1/{split}_labeled_studies.csv", *rows)
    found = read(root)
    assert {i.path: i.label for i in found.images} == {
        f"{study}/image{i}.png": str(int("pos" in study)) for study in studies for i in (1, 2)
    }


# --- Folders and tables -------------------------------------------------------------------------


def flat(tree, *, folder="images"):
    return tree(*(f"{folder}/{i}.png" for i in range(6)))


def table_rows(words=("benign", "malignant"), n=6):
    return ["image,label", *(f"{i}.png,{words[i % 2]}" for i in range(n))]


@pytest.mark.parametrize("folder", ["images", "imgs_part_1", "train", "data/input", "."])
def test_a_table_gives_labels_where_folders_say_nothing(tree, folder):
    found = read(write(flat(tree, folder=folder), "labels.csv", *table_rows()))
    assert sorted(labels(found).values()) == ["benign"] * 3 + ["malignant"] * 3
    assert [path.name for path in found.decisions.tables] == ["labels.csv"]


def test_flat_train_and_test_folders_are_no_classes(tree):
    root = tree(*(f"{split}/{split}{i}.png" for split in ("train", "test") for i in range(4)))
    with pytest.raises(MedrecogError, match="parts of a split"):
        read(root)
    rows = [f"train{i},{('benign', 'malignant')[i % 2]}" for i in range(4)]
    found = read(write(root, "train.csv", "id,label", *rows))
    assert labels(found) == {f"train/train{i}.png": rows[i].split(",")[1] for i in range(4)}
    told = {path for warning in found.warnings for path in warning.paths}
    assert {f"test/test{i}.png" for i in range(4)} <= told


def class_folders(tree):
    return tree(*(f"{('benign', 'malignant')[i % 2]}/{i}.png" for i in range(6)))


def test_a_table_that_says_the_same_as_the_folders_changes_nothing(tree):
    root = class_folders(tree)
    found = read(write(root, "labels.csv", *table_rows()))
    assert found.decisions.tables == ()
    assert ids(found) == []
    assert [entry.path for entry in found.left_out] == ["labels.csv"]


def test_a_table_that_names_the_classes_otherwise_says_the_same(tree):
    found = read(write(class_folders(tree), "labels.csv", *table_rows(("0", "1"))))
    assert found.classes == ("benign", "malignant")
    assert ids(found) == []


def test_a_table_that_disagrees_with_the_folders_is_not_guessed(tree):
    root = write(
        class_folders(tree),
        "labels.csv",
        "image,label",
        *(f"{i}.png,{'young' if i < 3 else 'old'}" for i in range(6)),
    )
    with pytest.raises(AmbiguousError, match=r"labels\.csv") as ambiguous:
        read(root)
    table, folders = ambiguous.value.interpretations
    assert [path.name for path in table.decisions.tables] == ["labels.csv"]
    assert folders.decisions.class_level == 1
    for each in (table, folders):
        again = interpretations(survey_folder(root), each.decisions)[0]
        assert labels(again) == labels(each)


def test_a_table_of_few_images_is_pointed_at(tree):
    found = read(write(class_folders(tree), "labels.csv", "image,label", "0.png,x", "2.png,y"))
    assert found.classes == ("benign", "malignant")
    assert ids(found) == ["table-in-folder"]


def test_a_table_decides_between_two_levels(tree):
    folders = ("benign/adenosis", "benign/papilloma", "malignant/ductal", "malignant/lobular")
    paths = [f"{folder}/{i}{k}.png" for k, folder in enumerate(folders) for i in range(2)]
    root = tree(*paths)
    with pytest.raises(AmbiguousError) as ambiguous:
        read(root)
    assert {e.decisions.class_level for e in ambiguous.value.interpretations} == {1, 2}
    write(root, "t.csv", "image,label", *(f"{p},{p.split('/')[0]}" for p in paths))
    assert read(root).classes == ("benign", "malignant")


def test_archives_in_place_of_images_are_pointed_at(tree):
    root = tree("a.txt")
    (root / "images.zip").write_bytes(b"PK")
    with pytest.raises(MedrecogError, match=r"images\.zip instead"):
        read(root)
    (root / "images.zip").rename(root / "images.7z")
    with pytest.raises(MedrecogError, match=r"images\.7z”\. Extract it"):
        read(root)


def test_unsupported_files_in_place_of_images_are_named(tree):
    with pytest.raises(MedrecogError, match=r"\.svs \(2\)"):
        read(tree("a/1.svs", "b/2.svs"))


# --- Any folder ---------------------------------------------------------------------------------


@dataclass
class Made:
    """A folder, and what was written into it.

    `truth` has the label and split of every sample; the others are no samples.
    """

    files: list[str] = field(default_factory=list)
    truth: dict[str, tuple[str, str]] = field(default_factory=dict)
    unlabelled: list[str] = field(default_factory=list)
    copies: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    is_clear: bool = True


CLASSES = (
    *(("nv", "mel"), ("benign", "malignant", "normal"), ("0", "1"), ("Grade 1", "Grade 2")),
    *(("mask", "no mask"), ("with_mask", "without_mask"), ("covid19", "No Finding", "Ödem")),
    *(("AK", "BCC", "DF", "VASC"), ("yes", "no"), ("original", "tampered"), ("left", "right")),
    *(("cat", "train"), ("images", "control"), ("test", "control"), ("2019", "2020")),
)
UNCLEAR = {("cat", "train"), ("images", "control"), ("test", "control"), ("2019", "2020")}
SPLITS = (
    *(
        ("train", "test"),
        ("Training", "Testing"),
        ("train", "val", "test"),
        ("seg_train", "seg_test"),
    ),
    *(("TRAIN", "VALID"), ("train_set", "test_set")),
)
PEOPLE = (
    *(("patient{}", True), ("P{:03}", True), ("{:04}", True), ("IMD{:03}", True), ("{}", False)),
    *(("case_{}", True), ("Smith{}", False), ("{}-A", False)),
)
WRAPPERS = ("data", "archive", "My Set", "dataset", "images")
WORDS = {"tr": "train", "te": "test", "va": "val"}


def split_meant(name):
    return WORDS[name.removeprefix("seg_")[:2].lower()]


@st.composite
def made_folders(draw):
    """Draw a folder of known labels: wrappers, splits, classes, people, and what lies around."""
    made = Made()
    classes = draw(st.sampled_from(CLASSES))
    made.is_clear = classes not in UNCLEAR
    order = ["class"]
    splits = draw(st.sampled_from(SPLITS)) if draw(st.booleans()) else ()
    if splits:
        order.insert(draw(st.sampled_from([0, 0, 1])), "split")
    person, is_person = draw(st.sampled_from(PEOPLE))
    if draw(st.booleans()):
        order.insert(draw(st.integers(0, len(order))), "person")
        made.is_clear &= is_person and not (classes[0].isdigit() and person.startswith("{"))
    wrappers = draw(st.lists(st.sampled_from(WRAPPERS), max_size=2))
    generic = draw(st.sampled_from(["", "", "images", "img"]))
    n_people = draw(st.integers(2, 4))
    number = 0
    extras = draw(
        st.sets(
            st.sampled_from(
                [
                    "companions",
                    "system",
                    "stray",
                    "copy",
                    "unlabelled",
                    "links",
                    "broken",
                    "unsupported",
                    "masks",
                ]
            ),
            max_size=3,
        )
    )
    for split in splits or ("",):
        for label in classes:
            for k in range(n_people if "person" in order else 1):
                # People of one label where they are below it, else of all.
                who = (
                    k
                    if order.index("person" if "person" in order else "class")
                    < order.index("class")
                    else k + n_people * classes.index(label)
                )
                names = {"split": split, "class": label, "person": person.format(who + 1)}
                folder = "/".join([*wrappers, *(names[o] for o in order), *filter(None, [generic])])
                for _ in range(draw(st.integers(1, 2))):
                    number += 1
                    path = f"{folder}/a{number}.png"
                    made.files.append(path)
                    made.truth[path] = (label, split_meant(split) if split else "")
    first = made.files[0]
    folder = first.rpartition("/")[0]
    if "companions" in extras:
        made.files += [f"{p[:-4]}_mask.png" for p in list(made.truth)[::2]]
    if "masks" in extras and generic == "images":
        made.files += [
            f"{p.rpartition('/images/')[0]}/masks/{p.rpartition('/')[2]}" for p in made.truth
        ]
    if "system" in extras:
        made.files += [f"{folder}/@eaDir/x.png", f"{folder}/.x/1.png", f"{folder}/._1.png"]
    if "stray" in extras:
        made.files.append("/".join([*wrappers, "stray.png"]))
        made.is_clear &= bool(wrappers or order[0] != "class" or True)
    if "copy" in extras:
        made.copies[f"{folder}/z_copy.png"] = first
    if "unlabelled" in extras and len(splits) > 1 and order[0] == "split":
        made.unlabelled = ["/".join([*wrappers, splits[-1], "unknown", f"{i}.png"]) for i in (1, 2)]
        made.files += made.unlabelled
    if "links" in extras:
        moved = [p for p in made.truth if p.startswith(folder + "/")]
        made.links = dict.fromkeys([folder], "outside")
        made.copies = {}
        assert moved
    if "broken" in extras:
        made.links[f"{folder}/gone.png"] = "nowhere"
    if "unsupported" in extras:
        made.files.append(f"{folder}/slide.svs")
    return made


def put(root, made, png):
    root.mkdir()
    for number, path in enumerate(made.files):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(png(number))
    for copy, path in made.copies.items():
        shutil.copy(root / path, root / copy)
    for path, target in made.links.items():
        if target == "outside":
            shutil.move(root / path, root.parent / "outside")
            (root / path).symlink_to(root.parent / "outside")
    for path, target in made.links.items():
        if target == "nowhere":
            (root / path).symlink_to(root / "no such file")


def outcome(made):
    from tests.datasets.intake.conftest import png

    with tempfile.TemporaryDirectory() as place:
        root = Path(os.path.realpath(place)) / "set"
        put(root, made, png)
        try:
            return read(root)
        except MedrecogError as error:
            return error


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(made_folders())
def test_no_folder_gives_a_wrong_label_without_a_warning(made):
    found = outcome(made)
    if isinstance(found, MedrecogError):
        assert not made.is_clear, str(found)
        return
    told = {path for warning in found.warnings for path in warning.paths}
    given = {image.path: (image.label, image.split) for image in found.images}
    missing = {path for path in made.truth if path not in given}
    assert missing <= told, "left out without a warning"
    assert set(found.unlabelled) <= told
    wrong = {path: said for path, said in given.items() if made.truth.get(path) != said}
    wrong = {path: said for path, said in wrong.items() if path not in made.copies}
    if made.is_clear:
        assert wrong == {}
        assert missing == set()
        assert set(found.unlabelled) == set(made.unlabelled)
        listed = {entry.path for entry in found.left_out}
        assert set(made.copies) <= listed or set(made.copies) & set(given) == set()
    else:
        assert not wrong or "class-level" in ids(found), json.dumps(wrong)


def test_copies_that_rows_name_apart_have_the_labels_of_their_rows(tmp_path):
    for path, colour in (("cat/1", 0), ("dog/1", 0), ("cat/2", 90), ("dog/3", 180)):
        file = tmp_path / "x" / f"{path}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), colour).save(file)
    (tmp_path / "t.csv").write_text(
        "image,label\ncat/1.png,a\ndog/1.png,b\ncat/2.png,a\ndog/3.png,b\n"
    )
    survey = survey_folder(tmp_path / "x")
    (found,) = interpretations(survey, Decisions(tables=(tmp_path / "t.csv",)))
    assert {image.path: image.label for image in found.images} == {
        "cat/1.png": "a",
        "cat/2.png": "a",
        "dog/1.png": "b",
        "dog/3.png": "b",
    }
