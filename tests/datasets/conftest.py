import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from medrecog_core.datasets.demo import demo_images, draw

SHARED_DATA = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(scope="session")
def pictures() -> NDArray[np.uint8]:
    """The 240 demo pictures, drawn once for all tests, in the order of `demo_images`."""
    return np.stack([draw(image) for image in demo_images()])


@pytest.fixture
def shared_data() -> Path:
    """Real images for tests, which are not part of the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the folder of real images, shared/data beside the repository, is absent")
    return SHARED_DATA


@pytest.fixture
def write_files(tmp_path):
    """Write files by their paths below a folder, images being tiny, and return the folder."""

    def write(*paths: str, folder: str = "images") -> Path:
        for path in paths:
            file = tmp_path / folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix == ".png":
                # No two alike, since second copies are not imported.
                colour = zlib.crc32(path.encode()).to_bytes(4)[:3]
                Image.new("RGB", (2, 2), tuple(colour)).save(file)
            else:
                file.write_bytes(b"")
        return tmp_path / folder

    return write
