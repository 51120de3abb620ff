from collections import Counter

import pytest

from medrecog_core.datasets import CATALOGUE, LeftOut
from medrecog_core.datasets.catalogue import MINI_MIT_CLASSES
from medrecog_core.datasets.layouts import read_layout
from medrecog_core.errors import MedrecogError

KVASIR = CATALOGUE["kvasir-v2"].classes


def test_chest_x_rays_are_grouped_by_the_patient_in_their_names(write_files):
    root = write_files(
        "chest_xray/train/NORMAL/IM-0115-0001.png",
        "chest_xray/train/NORMAL/IM-0115-0001-0002.png",
        "chest_xray/train/NORMAL/NORMAL2-IM-0115-0001.png",
        "chest_xray/train/PNEUMONIA/person115_bacteria_1.png",
        "chest_xray/test/PNEUMONIA/person115_virus_6.png",
        "chest_xray/test/NORMAL/scan.png",
        "chest_xray/val/NORMAL/NORMAL2-IM-1427-0001.png",
    )
    images, left_out, layout = read_layout(root)
    assert {image.path.rpartition("/")[2]: (image.group, image.split) for image in images} == {
        "IM-0115-0001.png": ("IM-0115", "train"),
        "IM-0115-0001-0002.png": ("IM-0115", "train"),
        "NORMAL2-IM-0115-0001.png": ("NORMAL2-IM-0115", "train"),
        "person115_bacteria_1.png": ("person115_bacteria", "train"),
        "person115_virus_6.png": ("person115_virus", "test"),
        "scan.png": ("", "test"),
        "NORMAL2-IM-1427-0001.png": ("NORMAL2-IM-1427", "val"),
    }
    assert left_out == []
    assert layout == (
        "chest X-ray images, train and test and val folders, a folder a class in each, groups are "
        "the patients that the file names tell; 7 of the 5,856 images published"
    )


def test_other_images_in_folders_of_the_same_names_have_no_groups(write_files):
    images, _, layout = read_layout(write_files("NORMAL/1.png", "PNEUMONIA/1.png"))
    assert {image.group for image in images} == {""}
    assert layout == "a folder a class"


def write_ham10000(write_files, table="HAM10000_metadata.csv", delimiter=","):
    root = write_files(
        "HAM10000_images_part_1/ISIC_1.png",
        "HAM10000_images_part_2/ISIC_2.png",
        "HAM10000_images_part_2/ISIC_9.png",
    )
    lines = ["lesion_id,image_id,dx", "HAM_1,ISIC_1,nv", "HAM_1,ISIC_2,mel", "HAM_2,ISIC_3,nv"]
    (root / table).write_text("\n".join(lines).replace(",", delimiter))
    return root


@pytest.mark.parametrize(
    ("table", "delimiter"),
    [
        ("HAM10000_metadata.csv", ","),
        ("HAM10000_metadata", ","),
        ("HAM10000_metadata.tab", "\t"),
    ],
)
def test_ham10000_is_known_by_its_table_and_grouped_by_lesion(write_files, table, delimiter):
    images, left_out, layout = read_layout(write_ham10000(write_files, table, delimiter))
    assert [(image.path, image.label, image.group) for image in images] == [
        ("HAM10000_images_part_1/ISIC_1.png", "nv", "HAM_1"),
        ("HAM10000_images_part_2/ISIC_2.png", "mel", "HAM_1"),
    ]
    assert left_out == [
        LeftOut("row 4: ISIC_3", "its image is not in the folder"),
        LeftOut("HAM10000_images_part_2/ISIC_9.png", "no row of the table"),
    ]
    assert layout == (
        f"HAM10000, labels from {table}, groups are the lesions (lesion_id); "
        "2 of the 10,015 images published"
    )


def write_mit(write_files, *paths, train="", test=""):
    root = write_files(*(f"indoorCVPR_09/Images/{path}" for path in paths))
    (root / "TrainImages.txt").write_text(train)
    (root / "TestImages.txt").write_text(test, newline="\r\n")
    return root


def test_mit_67_is_split_by_its_lists(write_files):
    root = write_mit(
        write_files,
        *("bar/1.png", "bar/2.png", "office/1.png", "office/2.png"),
        train="office/1.png\nbar/1.png\nbar/gone.png\n",
        test="bar/2.png\nbar/1.png\n",
    )
    images, left_out, layout = read_layout(root)
    assert [(image.path, image.label, image.split) for image in images] == [
        ("indoorCVPR_09/Images/bar/1.png", "bar", "train"),
        ("indoorCVPR_09/Images/bar/2.png", "bar", "test"),
        ("indoorCVPR_09/Images/office/1.png", "office", "train"),
    ]
    assert left_out == [
        LeftOut("TrainImages.txt: bar/gone.png", "its image is not in the folder"),
        LeftOut("TestImages.txt: bar/1.png", "an earlier line has the same image"),
        LeftOut(
            "indoorCVPR_09/Images/office/2.png", "in neither TrainImages.txt nor TestImages.txt"
        ),
    ]
    assert layout == (
        "MIT-67 indoor scenes, split by TrainImages.txt and TestImages.txt; "
        "3 of the 6,700 images published"
    )


def test_of_mit_67_some_classes_can_be_taken(write_files):
    root = write_mit(
        write_files,
        *("bar/1.png", "bakery/1.png", "office/1.png"),
        train="bar/1.png\noffice/1.png\n",
        test="bakery/1.png\n",
    )
    images, left_out, layout = read_layout(root, MINI_MIT_CLASSES)
    assert [image.label for image in images] == ["bakery", "bar"]
    assert [entry.path for entry in left_out] == ["indoorCVPR_09/Images/office/1.png"]
    assert "10 of 67 classes" in layout


def test_lists_without_their_images_are_refused(write_files):
    root = write_mit(write_files, "bar/1.png", train="office/1.png\n")
    with pytest.raises(MedrecogError, match=r"No image of .*TrainImages\.txt is below"):
        read_layout(root)


def test_kvasir_is_known_by_its_eight_folders(write_files):
    root = write_files(*(f"kvasir-dataset-v2/{label}/1.png" for label in KVASIR))
    images, _, layout = read_layout(root)
    assert tuple(image.label for image in images) == KVASIR
    assert layout == "Kvasir, a folder a class; the files do not tell patients"


def test_anything_else_is_read_as_class_folders(write_files):
    assert read_layout(write_files("nv/1.png", "mel/1.png"))[2] == "a folder a class"


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(MedrecogError, match="There is no folder"):
        read_layout(tmp_path / "gone")


def test_ham10000_with_its_full_table_and_some_images(shared_data):
    images, left_out, _ = read_layout(shared_data / "ham10000")
    assert len(images) == 704
    assert {image.label for image in images} == set(CATALOGUE["ham10000"].classes)
    assert Counter(e.reason for e in left_out) == {"its image is not in the folder": 9311}
    lines = (shared_data / "ham10000" / "HAM10000_metadata.csv").read_text().splitlines()[1:]
    lesion_of = {line.split(",")[1]: line.split(",")[0] for line in lines}
    assert all(i.group == lesion_of[i.path.split("/")[1].split(".")[0]] for i in images)


def test_every_real_chest_x_ray_names_its_patient(shared_data):
    images = read_layout(shared_data / "chest_xray")[0]
    assert all(image.group for image in images)
    series = {"".join(filter(str.isalpha, image.group)) for image in images}
    assert series == {"IM", "NORMALIM", "personbacteria", "personvirus"}
