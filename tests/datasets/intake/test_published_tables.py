"""Data sets as they are published, whose labels are in tables, read without any option."""

from collections import Counter

import openpyxl
import pytest

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.proposal import propose
from medrecog_core.errors import MedrecogError


@pytest.fixture
def published(tree):
    """Write images and tables, and return what is proposed."""

    def read(images, tables, **decided):
        root = tree(*images)
        for path, lines in tables.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("\n".join(lines) + "\n")
        return propose("set", root, Decisions(**decided)).dataset

    return read


def found(dataset):
    return {i.path: (i.label, i.split, i.group) for i in dataset.images}


def clean(dataset):
    return (dataset.warnings, dataset.unlabelled)


CLASSES_2018 = ["MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"]


def one_hot(names, classes, first=0, tail=""):
    return [
        f"{name}," + ",".join("1.0" if j == (first + i) % 3 else "0.0" for j in range(len(classes)))
        + tail
        for i, name in enumerate(names)
    ]  # fmt: skip


def test_isic_2018_training_and_test(published):
    train, test = [f"ISIC_{i:07}" for i in range(9)], [f"ISIC_{i:07}" for i in range(100, 106)]
    header = "image," + ",".join(CLASSES_2018)
    dataset = published(
        [
            *(f"ISIC2018_Task3_Training_Input/{name}.jpg" for name in train),
            *(f"ISIC2018_Task3_Test_Input/{name}.jpg" for name in test),
        ],
        {
            "ISIC2018_Task3_Training_GroundTruth/ISIC2018_Task3_Training_GroundTruth.csv": [
                header, *one_hot(train, CLASSES_2018)],
            "ISIC2018_Task3_Test_GroundTruth/ISIC2018_Task3_Test_GroundTruth.csv": [
                header, *one_hot(test, CLASSES_2018)],
            "ISIC2018_Task3_Training_LesionGroupings.csv": [
                "image,lesion_id,diagnosis_confirm_type",
                *(f"{name},HAM_{i // 2},histopathology" for i, name in enumerate(train))],
        },
    )  # fmt: skip
    assert clean(dataset) == ((), ())
    expected = {
        f"ISIC2018_Task3_Training_Input/{name}.jpg": (
            CLASSES_2018[i % 3], "train", f"HAM_{i // 2}")
        for i, name in enumerate(train)
    }  # fmt: skip
    assert {p: v for p, v in found(dataset).items() if v[1] == "train"} == expected
    assert Counter(image.split for image in dataset.images) == {"train": 9, "test": 6}


def test_isic_2019_has_weights_in_its_test_table(published):
    train, test = [f"ISIC_{i:07}" for i in range(9)], [f"ISIC_{i:07}" for i in range(100, 106)]
    classes = ["MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK"]
    header = "image," + ",".join(classes)
    dataset = published(
        [
            *(f"ISIC_2019_Training_Input/{name}.jpg" for name in train),
            *(f"ISIC_2019_Test_Input/{name}.jpg" for name in test),
        ],
        {
            "ISIC_2019_Training_GroundTruth.csv": [header, *one_hot(train, classes)],
            "ISIC_2019_Test_GroundTruth.csv": [
                header + ",score_weight,validation_weight",
                *one_hot(test, classes, tail=",1.0,0.0"),
            ],
        },
    )
    assert clean(dataset) == ((), ())
    assert dataset.classes == ("BCC", "MEL", "NV")
    assert Counter(image.split for image in dataset.images) == {"train": 9, "test": 6}


NIH_HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
)


@pytest.mark.parametrize("has_lists", [True, False])
def test_nih_chest_xrays(published, has_lists):
    findings = ["No Finding", "Effusion", "Hernia"]
    names = [f"{i // 2 + 1:08}_{i % 2:03}.png" for i in range(12)]
    rows = [
        f"{name},{findings[i % 3]},{i % 2},{i // 2 + 1},58,M,PA,2682,2749,0.143,0.143,"
        for i, name in enumerate(names)
    ]
    lists = {"train_val_list.txt": names[:8], "test_list.txt": names[8:]}
    dataset = published(
        [f"images_{1 + i // 6:03}/images/{name}" for i, name in enumerate(names)],
        {"Data_Entry_2017.csv": [NIH_HEADER, *rows], **(lists if has_lists else {})},
    )
    assert clean(dataset) == ((), ())
    assert found(dataset) == {
        f"images_{1 + i // 6:03}/images/{name}": (
            findings[i % 3],
            ("train" if i < 8 else "test") if has_lists else "",
            str(i // 2 + 1),
        )
        for i, name in enumerate(names)
    }


@pytest.mark.parametrize("folder", ["CheXpert-v1.0-small/", ""])
def test_chexpert(tree, folder):
    images, tables = [], {}
    for split, n, first in (("train", 12, 1), ("valid", 6, 7)):
        lines = ["Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Cardiomegaly,Edema"]
        for i in range(n):
            path = f"{split}/patient{first + i // 2:05}/study{i % 2 + 1}/view1_frontal.jpg"
            images.append(folder + path)
            marks = [",1.0,0.0", ",0.0,1.0", "1.0,,"][i % 3]
            lines.append(f"CheXpert-v1.0-small/{path},Male,60,Frontal,AP,{marks}")
        tables[f"{folder}{split}.csv"] = "\n".join(lines)
    root = tree(*images, folder="set" if folder else "CheXpert-v1.0-small")
    for path, text in tables.items():
        (root / path).write_text(text)
    dataset = propose("set", root).dataset
    assert dataset.warnings == ()
    assert dataset.groups == {f"patient{i:05}" for i in range(1, 10)}
    labels = Counter((image.label, image.split) for image in dataset.images)
    assert labels == {
        **{(label, "train"): 4 for label in ("Cardiomegaly", "Edema", "No Finding")},
        **{(label, "val"): 2 for label in ("Cardiomegaly", "Edema", "No Finding")},
    }


def test_mura(published):
    images, tables = [], {}
    for split, n in (("train", 8), ("valid", 4)):
        studies, paths = [], []
        for i in range(n):
            sign = ("negative", "positive")[i % 2]
            study = f"MURA-v1.1/{split}/XR_WRIST/patient{i + 1 + 100 * n:05}/study1_{sign}"
            studies.append(f"{study}/,{i % 2}")
            paths += [f"{study}/image{j}.png" for j in (1, 2)]
        images += paths
        tables[f"MURA-v1.1/{split}_labeled_studies.csv"] = studies
        tables[f"MURA-v1.1/{split}_image_paths.csv"] = paths
    dataset = published(images, tables)
    assert dataset.warnings == ()
    assert all(image.group == image.path.split("/")[3] for image in dataset.images)
    assert Counter((image.label, image.split) for image in dataset.images) == {
        ("0", "train"): 8, ("1", "train"): 8, ("0", "val"): 4, ("1", "val"): 4
    }  # fmt: skip
    assert all(
        image.label == ("1" if "positive" in image.path else "0") for image in dataset.images
    )


def test_pad_ufes_20(published):
    names = [f"PAT_{i // 4}_{i // 2}_{i}.png" for i in range(24)]
    rows = [
        f"PAT_{i // 4},{i // 2},False,True,{20 + i},{('NEV', 'BCC')[i // 4 % 2]},{name},True"
        for i, name in enumerate(names)
    ]
    header = "patient_id,lesion_id,smoke,drink,age,diagnostic,img_id,biopsed"
    dataset = published(
        [f"imgs_part_{1 + i // 12}/{name}" for i, name in enumerate(names)],
        {"metadata.csv": [header, *rows]},
    )
    assert clean(dataset)[1] == ()
    assert found(dataset) == {
        f"imgs_part_{1 + i // 12}/{name}": (("NEV", "BCC")[i // 4 % 2], "", f"PAT_{i // 4}")
        for i, name in enumerate(names)
    }


def vindr(disagree):
    lines = ["image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max"]
    for i in range(12):
        for rater in (8, 9, 10):
            other = disagree and rater == 10
            name = ("Pneumonia", "No finding")[(i + other) % 2]
            lines.append(f"{i:032x},{name},{(6, 14)[(i + other) % 2]},R{rater},,,,")
    return lines


def test_vindr_cxr(published):
    images = [f"train/{i:032x}.png" for i in range(12)]
    dataset = published(images, {"train.csv": vindr(disagree=False)})
    assert clean(dataset) == ((), ())
    assert Counter(image.label for image in dataset.images) == {"Pneumonia": 6, "No finding": 6}


def test_raters_who_disagree_are_refused_unless_it_is_decided(published, tmp_path):
    images = [f"train/{i:032x}.png" for i in range(12)]
    with pytest.raises(MedrecogError, match="12 images have different labels"):
        published(images, {"train.csv": vindr(disagree=True)})
    dataset = propose("set", tmp_path / "set", Decisions(on_conflict="majority")).dataset
    assert [image.label for image in dataset.images] == ["Pneumonia", "No finding"] * 6
    assert [warning.id for warning in dataset.warnings] == ["label-conflicts"]


def test_ham10000_in_two_parts(published):
    names = [f"ISIC_{i:07}" for i in range(14)]
    rows = [
        f"HAM_{i // 2:07},{name},{('nv', 'mel')[i // 2 % 2]},histo,50.0,male,back"
        for i, name in enumerate(names)
    ]
    header = "lesion_id,image_id,dx,dx_type,age,sex,localization"
    dataset = published(
        [f"HAM10000_images_part_{1 + i // 7}/{name}.jpg" for i, name in enumerate(names)],
        {"HAM10000_metadata.csv": [header, *rows]},
    )
    assert clean(dataset) == ((), ())
    assert found(dataset) == {
        f"HAM10000_images_part_{1 + i // 7}/{name}.jpg": (
            ("nv", "mel")[i // 2 % 2], "", f"HAM_{i // 2:07}")
        for i, name in enumerate(names)
    }  # fmt: skip


def test_covid_19_radiography_has_tables_without_labels(tree):
    classes = ["COVID", "Normal"]
    root = tree(*(f"{name}/images/{name}-{i}.png" for name in classes for i in range(1, 7)))
    for name in classes:
        book = openpyxl.Workbook()
        book.active.append(["FILE NAME", "FORMAT", "SIZE", "URL"])
        for i in range(1, 7):
            book.active.append([f"{name}-{i}", "PNG", "256*256", "https://example.org"])
        book.save(root / f"{name}.metadata.xlsx")
    dataset = propose("set", root).dataset
    assert Counter(image.label for image in dataset.images) == {"COVID": 6, "Normal": 6}
    assert dataset.warnings == ()


def test_multi_class_tables_in_the_folders_of_the_splits(published):
    splits = {"train": 6, "valid": 4, "test": 4}
    images, tables = [], {}
    for split, n in splits.items():
        names = [f"{split[0]}{i}.jpg" for i in range(n)]
        images += [f"{split}/{name}" for name in names]
        rows = [f"{name},{i % 2},{1 - i % 2}" for i, name in enumerate(names)]
        tables[f"{split}/_classes.csv"] = ["filename, benign, malignant", *rows]
    dataset = published(images, tables)
    assert dataset.warnings == ()
    assert Counter(image.split for image in dataset.images) == {"train": 6, "val": 4, "test": 4}
    assert found(dataset)["train/t1.jpg"][0] == "benign"
