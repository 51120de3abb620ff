import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.runs.search import Searched, matches, parse_query, setting_key

SETTINGS = {
    "data set": "busi",
    "input sizes": "224, 544",
    "C": "0.01, 1",
    "seed": "7",
    "accuracy": "0.9312",
    "classifier": "linear SVM",
    "network": "VGG-19, vgg19",
}
RUN = Searched("busi-2026\nsecond try: a=b\n" + "\n".join(SETTINGS.values()), SETTINGS)

WORDS = st.text("abcde", min_size=1, max_size=6)
NUMBERS = st.floats(0, 1, allow_nan=False)


def found(text: str, searched: Searched = RUN) -> bool:
    return matches(parse_query(text, searched.settings), searched)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("", True),
        ("BUSI svm", True),
        ("busi nothing", False),
        ("C 0.01", True),
        ("c=1.0", True),
        ("C 0.1", False),
        ("C != 0.1", True),
        ("C != 1", False),
        ("seed 7", True),
        ("seed: 7", True),
        ("seed 70", False),
        ("seed 0.7", False),
        ("input size 544", True),
        ("input sizes 22", False),
        ("dataset busi seed 7 accuracy > 0.9", True),
        ("accuracy>0.9", True),
        ("accuracy > 93 %", False),
        ("accuracy <= 0.93", False),
        ("accuracy >= nothing", False),
        ("age > 3", False),
        ("classifier svm", True),
        ("classifier = svm", False),
        ('classifier = "linear svm"', True),
        ('"second try"', True),
        ('"try second"', False),
        ("try: a=b", True),
        ('an "open quote', False),
    ],
)
def test_a_query_finds(text: str, is_found: bool) -> None:
    assert found(text) == is_found


@given(st.text(), st.lists(st.text(max_size=8), max_size=4))
def test_every_text_is_a_query(text: str, names: list[str]) -> None:
    for term in parse_query(text, names):
        assert term.words
        term.matches("a text", {setting_key(name): "1, a" for name in names})


@given(st.lists(WORDS, max_size=4), st.permutations(range(4)), WORDS)
def test_words_match_in_any_order_and_only_together(
    words: list[str], order: list[int], text: str
) -> None:
    searched = Searched(text, {})
    shuffled = [words[i] for i in order if i < len(words)]
    assert found(" ".join(words), searched) == all(word in text for word in words)
    assert found(" ".join(shuffled), searched) == found(" ".join(words), searched)


@given(NUMBERS, NUMBERS)
def test_comparisons_agree_with_numbers(value: float, limit: float) -> None:
    searched = Searched("", {"accuracy": repr(value)})
    assert found(f"accuracy > {limit!r}", searched) == (value > limit)
    assert found(f"accuracy <= {limit!r}", searched) == (value <= limit)
    assert found(f"accuracy {limit!r}", searched) == (value == limit)
    assert found(f"accuracy != {limit!r}", searched) == (value != limit)


@given(st.dictionaries(st.sampled_from(sorted(SETTINGS)), NUMBERS.map(repr), min_size=1))
def test_a_run_is_found_by_each_of_its_settings(settings: dict[str, str]) -> None:
    for name, value in settings.items():
        assert found(f"{name} {value}", Searched("", settings))
        assert found(f"{name.upper()}={value}", Searched("", settings))
