import pytest

from medrecog_core.classification import choose_positive_class
from medrecog_core.errors import UsageError


@pytest.mark.parametrize(
    ("classes", "positive"),
    [
        (("NORMAL", "PNEUMONIA"), "PNEUMONIA"),
        (("benign", "malignant"), "malignant"),
        (("melanoma", "nevus"), "melanoma"),
        (("Parasitized", "Uninfected"), "Parasitized"),
        (("No finding", "effusion"), "effusion"),
        (("COVID", "non-COVID"), "COVID"),
        (("fracture", "no_fracture"), "fracture"),
        (("no", "yes"), "yes"),
        (("abnormal", "normal"), "abnormal"),
        (("normal", "not normal"), "not normal"),
        (("benign", "normal"), "normal"),
        (("a", "b"), "b"),
    ],
)
def test_the_class_that_is_not_named_as_healthy_is_positive(classes, positive):
    assert choose_positive_class(classes) == positive


def test_the_user_s_choice_goes_first_and_must_exist():
    assert choose_positive_class(("NORMAL", "PNEUMONIA"), "NORMAL") == "NORMAL"
    with pytest.raises(UsageError, match="FLU"):
        choose_positive_class(("NORMAL", "PNEUMONIA"), "FLU")


def test_of_more_than_two_none_is_positive():
    assert choose_positive_class(("a", "b", "normal")) is None
