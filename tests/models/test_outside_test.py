import pytest

from medrecog_core.errors import UsageError
from medrecog_core.models import match_classes
from medrecog_core.models.evaluation import parse_matches

THEIRS = {"healthy": 5, "pneumonia": 7, "unclear": 2}
OURS = ("NORMAL", "pneumonia")


def test_identical_names_match_at_once_and_others_by_choice() -> None:
    given = {"healthy": "NORMAL", "unclear": "pneumonia"}
    assert match_classes(THEIRS, OURS, given) == {
        "healthy": "NORMAL",
        "pneumonia": "pneumonia",
        "unclear": "pneumonia",
    }


def test_a_class_without_a_match_is_refused_by_name_and_number_of_images() -> None:
    with pytest.raises(UsageError, match=r"7 images of 2 classes .*: healthy, unclear"):
        match_classes(THEIRS, OURS)


def test_it_is_left_out_where_that_is_chosen_for_all_or_for_it() -> None:
    assert match_classes(THEIRS, OURS, leaves_out=True) == {"pneumonia": "pneumonia"}
    chosen = {"healthy": "NORMAL", "unclear": "", "pneumonia": ""}
    assert match_classes(THEIRS, OURS, chosen) == {"healthy": "NORMAL"}


@pytest.mark.parametrize(
    "given", [{"nothing": "NORMAL"}, {"healthy": "ABNORMAL"}, dict.fromkeys(THEIRS, "")]
)
def test_matches_that_cannot_be_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        match_classes(THEIRS, OURS, given)


def test_matches_are_written_with_an_equals_sign_which_names_may_have() -> None:
    assert parse_matches(["a=b", "x=1=y", "z="]) == {"a": "b", "x=1": "y", "z": ""}
    for wrong in (["a"], ["=b"], ["a=b", "a=c"]):
        with pytest.raises(UsageError):
            parse_matches(wrong)
