from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets.intake.columns import (
    FINDINGS,
    ONE_HOT,
    SINGLE,
    choose_columns,
    is_group,
    is_usual,
    label_column_needed,
)
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.table import Table
from medrecog_core.errors import MedrecogError, UsageError


def table(header, *rows):
    names = header if isinstance(header, tuple) else tuple(header.split(","))
    cells = [list(row) if isinstance(row, tuple) else row.split(",") for row in rows]
    return Table(Path("labels.csv"), names, cells, list(range(2, len(cells) + 2)))


def is_image(cell):
    return cell.endswith((".png", ".jpg")) or cell.startswith("ISIC")


def choose(found, **decided):
    return choose_columns(found, Decisions(**decided), is_image)


@pytest.mark.parametrize(
    ("header", "image", "label", "groups", "split"),
    [
        ("lesion_id,image_id,dx,dx_type,age", "image_id", "dx", ("lesion_id",), ""),
        ("Filename,Label,Patient_ID,Split", "Filename", "Label", ("Patient_ID",), "Split"),
        ("Image Index,Finding Labels,Patient ID,Patient Age", "Image Index", "Finding Labels",
         ("Patient ID",), ""),
        ("patient_id,lesion_id,diagnostic,img_id", "img_id", "diagnostic",
         ("patient_id", "lesion_id"), ""),
        ("ImageId,className,PatientId,Partition", "ImageId", "className", ("PatientId",),
         "Partition"),
        ("FILE NAME,Diagnosis,SubjectID", "FILE NAME", "Diagnosis", ("SubjectID",), ""),
        ("isic_id,diagnosis,diagnosis_confirm_type", "isic_id", "diagnosis", (), ""),
        ("Datei,Diagnose,Patient", "Datei", "Diagnose", ("Patient",), ""),
        ("path,study_id,series-uid,target,fold", "path", "target", ("study_id", "series-uid"),
         "fold"),
        ("X_ray_image_name,Label,Label_2_Virus_category", "X_ray_image_name", "Label", (), ""),
        ("id,Retinopathy grade", "id", "Retinopathy grade", (), ""),
    ],
)  # fmt: skip
def test_usual_names_in_any_spelling(header, image, label, groups, split):
    names = header.split(",")
    rows = [
        tuple(f"{i}.png" if name == image else f"{name[0]}{i}" for name in names) for i in range(4)
    ]
    columns = choose(table(header, *rows))
    assert (columns.image, columns.labels, columns.kind) == (image, (label,), SINGLE)
    assert (columns.groups, columns.split) == (groups, split)
    assert any(f"“{label}”" in reason for reason in columns.reasons)
    assert any(f"“{image}”" in reason for reason in columns.reasons)


@given(
    st.sampled_from(["patient id", "finding labels", "image index", "class name", "file name"]),
    st.sampled_from(["_", "-", " ", "", "."]),
    st.sampled_from([str.lower, str.upper, str.title]),
)
def test_spellings_of_names(name, between, form):
    assert is_usual(between.join(form(word) for word in name.split()))


@pytest.mark.parametrize("name", ["Patient Age", "age", "sex", "dx_type", "lesion_area", ""])
def test_what_is_no_group(name):
    assert not is_group(name)


def test_the_image_column_is_the_one_that_names_images():
    found = table("image,photo file,label", "1,a.png,x", "2,b.png,y")
    assert choose(found).image == "photo file"


def test_of_columns_that_name_as_many_images_one_with_folders_goes_first():
    found = table("image_id,where,label", "a.png,f/a.png,x", "b.png,f/b.png,y")
    assert choose(found).image == "where"


def test_a_name_decides_where_no_value_names_an_image():
    assert choose(table("a,image,label", "1,2,3", "4,5,6")).image == "image"
    with pytest.raises(UsageError, match=r"Which column of labels\.csv is the image"):
        choose(table("a,b,label", "1,2,3"))


def test_given_columns_go_before_guesses_and_an_empty_name_leaves_one_out():
    found = table("image,label,patient,split,finding", "a.png,x,P,train,u", "b.png,y,Q,test,v")
    columns = choose(found, label_columns=("finding",), split_column="")
    assert columns.labels == ("finding",)
    assert (columns.groups, columns.split) == (("patient",), "")
    assert choose(found, group_column="").groups == ()
    assert choose(found, has_groups=False).groups == ()
    assert choose(found, group_column="split").groups == ("split",)
    assert choose(found, image_column="3").image == "patient"
    with pytest.raises(UsageError, match="no column “kind”"):
        choose(found, label_columns=("kind",))


def test_a_label_is_never_guessed_without_a_reason():
    found = table("id,boneage,male", "1.png,12,True", "2.png,130,False", "3.png,80,True")
    columns = choose(found)
    assert (columns.labels, columns.candidates) == ((), ("boneage", "male"))
    message = str(label_column_needed("labels.csv", columns))
    assert "“boneage”" in message
    assert "--label-column" in message


def test_the_only_other_column_is_the_label_if_it_has_few_values():
    assert choose(table("id,melanoma", "1.png,0", "2.png,1", "3.png,1")).labels == ("melanoma",)
    ages = [f"{i}.png,{i + 30}" for i in range(30)]
    assert choose(table("id,years", *ages)).labels == ()


def test_two_usual_label_columns_that_differ_are_both_candidates():
    found = table("image,diagnosis,target", "1.png,nv,0", "2.png,mel,1", "3.png,bkl,0")
    columns = choose(found)
    assert columns.labels == ()
    assert set(columns.candidates) == {"diagnosis", "target"}


def test_of_two_columns_that_say_the_same_words_go_before_numbers():
    found = table("image,class_id,class_name", "1.png,0,nv", "2.png,1,mel", "3.png,0,nv")
    assert choose(found).labels == ("class_name",)


def test_one_hot_columns_are_recognised_by_their_values():
    names = ("MEL", "NV", "BCC")
    rows = [(f"ISIC_{i}", *("1.0" if j == i % 3 else "0.0" for j in range(3))) for i in range(6)]
    columns = choose(table(("image", *names), *rows))
    assert (columns.labels, columns.kind) == (names, ONE_HOT)


def test_weights_beside_one_hot_columns_are_no_classes():
    header = ("image", "MEL", "NV", "UNK", "score_weight", "validation_weight")
    rows = [
        (f"ISIC_{i}", *("1.0" if j == i % 2 else "0.0" for j in range(3)), "1.0", "0.0")
        for i in range(4)
    ]
    assert choose(table(header, *rows)).labels == ("MEL", "NV", "UNK")


def test_yes_and_no_columns_of_patients_are_no_labels():
    found = table("img_id,smoke,drink,diagnostic", "1.png,True,False,NEV", "2.png,False,True,BCC")
    assert choose(found).labels == ("diagnostic",)
    found = table("img_id,male,female", "1.png,1,0", "2.png,0,1")
    assert choose(found).labels == ()


def test_findings_are_recognised_by_names_or_uncertain_values():
    found = table(
        "Path,Sex,No Finding,Edema,Other", "a.png,M,,1.0,", "b.png,F,1.0,,", "c.png,F,,-1.0,1.0"
    )
    columns = choose(found)
    assert (columns.labels, columns.kind) == (("No Finding", "Edema", "Other"), FINDINGS)
    found = table("image,a,b", "1.png,1,1", "2.png,0,1", "3.png,0,0")
    assert choose(found).labels == ()


@pytest.mark.parametrize(("values", "kind"), [("10,01", ONE_HOT), ("11,01", FINDINGS)])
def test_given_label_columns_are_one_hot_or_findings(values, kind):
    rows = [(f"{i}.png", *row) for i, row in enumerate(values.split(","))]
    columns = choose(table("image,a,b", *rows), label_columns=("a", "b"))
    assert (columns.labels, columns.kind) == (("a", "b"), kind)


@pytest.mark.parametrize(
    ("values", "split"),
    [(("Training", "PublicTest"), "Usage"), (("0", "1"), "Usage"), (("web", "app"), "")],
)
def test_a_doubtful_name_of_a_split_needs_its_values(values, split):
    rows = [(f"{i}.png", f"c{i}", value) for i, value in enumerate(values)]
    assert choose(table("image,label,Usage", *rows)).split == split


def test_raters_are_recognised():
    found = table("image_id,class_name,rad_id", "1.png,a,R8", "1.png,b,R9")
    assert choose(found).rater == "rad_id"


def test_a_repeated_name_matters_only_where_it_is_used():
    found = table("image,dx,note,note", "1.png,a,x,y", "2.png,b,x,y")
    assert choose(found).labels == ("dx",)
    with pytest.raises(MedrecogError, match="two columns “dx”"):
        choose(table("image,dx,dx", "1.png,a,x", "2.png,b,y"))


def test_the_columns_that_are_used():
    found = table("image,dx,patient,split", "1.png,a,P,train", "2.png,b,Q,test")
    assert choose(found).used == ("dx", "patient", "split")
