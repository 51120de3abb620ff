"""Commands that are given a pipe in place of a file."""

import os

import pytest
from PIL import Image

from medrecog_core.datasets import library

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def images(tmp_path):
    """A folder with two classes of two images."""
    folder = tmp_path / "images"
    for label in ("red", "blue"):
        (folder / label).mkdir(parents=True)
        for i in range(2):
            Image.new("RGB", (40 + i, 40), label).save(folder / label / f"{i}.png")
    return folder


@pytest.mark.parametrize(
    "command",
    [
        "datasets add PATH.zip --name theirs",
        "datasets add PATH.zip PATH.csv --name theirs",
        "datasets preview PATH.tar.gz",
        "datasets add IMAGES --name theirs --labels PATH.csv",
        "datasets add IMAGES --name theirs --labels PATH.xlsx",
        "import-bundle PATH.zip",
        "import-model PATH.medrecog-model",
        "weights import PATH.npz",
        "weights import PATH.h5",
        "feature-maps PATH.png --network vgg19",
    ],
)
def test_no_command_waits_for_a_pipe(command, call, images):
    words = []
    for word in command.split():
        path = images.parent / word.replace("PATH", "pipe")
        if word.startswith("PATH") and not path.exists():
            os.mkfifo(path)
        words.append(path if word.startswith("PATH") else word.replace("IMAGES", str(images)))
    answer = call(*words)
    assert answer.status in (1, 2)
    assert answer.sentence
    assert library.names() == ["demo"]
