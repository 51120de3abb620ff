import pytest

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.found_tables import look_at_tables
from medrecog_core.datasets.intake.survey import survey_folder
from medrecog_core.datasets.intake.tables import read_tables
from medrecog_core.errors import MedrecogError, UsageError
from tests.label_tables import IMAGES, NAMES, find, labels, listed, read, said


def test_tables_without_a_certain_label_are_named_and_not_used(folder):
    ages = "id,months,male\n" + "\n".join(f"{n},{i * 7},{i % 2}" for i, n in enumerate(NAMES))
    root = folder(*IMAGES, ages_csv=ages, README_txt="These are images.\nSee 000.png, for one.\n")
    looked_at = look_at_tables(survey_folder(root), Decisions())
    assert looked_at.interpretations == ()
    (sentence,) = looked_at.unused
    assert "ages.csv" in sentence
    assert "--label-column" in sentence


def test_two_usual_label_columns_are_two_interpretations(folder):
    rows = [f"{n}.png,{'abc'[i % 3]},{i % 2}" for i, n in enumerate(NAMES)]
    root = folder(*IMAGES, t_csv="\n".join(["image,diagnosis,target", *rows]))
    found = find(root)
    assert {each.decisions.label_columns for each in found} == {("diagnosis",), ("target",)}
    for each in found:
        assert read_tables(survey_folder(root), each.decisions).images == each.images
    with pytest.raises(UsageError, match="It could be “diagnosis”, “target”"):
        read(root, "t.csv")


def test_of_tables_that_say_the_same_one_without_warnings_is_read(folder):
    root = folder(*IMAGES, a_csv=listed(suffix=".PNG"), b_csv=listed())
    (found,) = find(root)
    assert [table.name for table in found.decisions.tables] == ["b.csv"]
    assert any("a.csv says the same" in reason for reason in found.reasons)


def test_a_table_of_a_few_other_images_is_not_about_the_images(folder):
    names = [f"{i:04}" for i in range(40)]
    rows = "image,label\n0001.png,a\n" + "\n".join(f"x{i}.png,b" for i in range(9))
    assert find(folder(*(f"i/{name}.png" for name in names), t_csv=rows)) == []


def test_the_refusal_of_the_only_table_is_raised(folder):
    rows = "\n".join(f"{n}.png,{label},R{label}" for n in NAMES for label in "ab")
    root = folder(*IMAGES, t_csv=f"image,label,rater\n{rows}")
    with pytest.raises(MedrecogError, match="--on-conflict majority"):
        find(root)


@pytest.mark.parametrize(
    ("name", "values"),
    [("sample_submission_csv", "0"), ("submission_csv", "01"), ("test_csv", "1")],
)
def test_made_up_labels_are_not_used(folder, name, values):
    train, test = NAMES[:5], NAMES[5:]
    rows = [f"{n},{values[i % len(values)]}" for i, n in enumerate(test)]
    root = folder(
        *(f"train_images/{n}.png" for n in train),
        *(f"test_images/{n}.png" for n in test),
        train_csv="\n".join(["id_code,diagnosis", *(f"{n},{i % 3}" for i, n in enumerate(train))]),
        **{name: "\n".join(["id_code,diagnosis", *rows])},
    )
    (found,) = find(root)
    assert set(labels(found)) == {f"train_images/{n}.png" for n in train}
    assert found.unlabelled == tuple(f"test_images/{n}.png" for n in test)
    assert said(found) == {"unlabelled": found.unlabelled}
    # They are where they are asked for.
    assert len(labels(read(root, "train.csv", name.replace("_csv", ".csv")))) == len(NAMES)


def test_tables_of_one_class_each_are_no_made_up_labels(folder):
    root = folder(
        *IMAGES,
        normal_csv="\n".join(["image,label", *(f"{n},normal" for n in NAMES[:4])]),
        ill_csv="\n".join(["image,label", *(f"{n},ill" for n in NAMES[4:])]),
    )
    (found,) = find(root)
    assert len(labels(found)) == len(NAMES)
    assert found.warnings == ()


def test_a_table_is_found_among_texts_of_single_images(folder, tree):
    root = folder(*IMAGES, z_csv=listed())
    for i in range(300):
        (root / f"{i:03}.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    assert [table.name for table in find(root)[0].decisions.tables] == ["z.csv"]


def test_given_folder_levels_go_before_tables(folder):
    assert find(folder(*IMAGES, labels_csv=listed()), class_level=1) == []
