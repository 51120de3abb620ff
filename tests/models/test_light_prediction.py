"""Predictions of float32 models need neither TensorFlow nor Keras where MNN is installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from medrecog_core.locations import CacheFolder
from medrecog_core.models import Model
from medrecog_core.networks.engines import ENGINES
from medrecog_core.settings import MODE_VARIABLE, VIEWER

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ENGINES["mnn"].version, reason="MNN is not installed"),
]

PROJECT = Path(__file__).parents[2]

COMMAND = """
import contextlib, sys
from medrecog_core.cli import main
with contextlib.suppress(SystemExit):
    main(["predict", "my-model", sys.argv[1], "--json"])
print(*sys.modules, file=sys.stderr)
"""

PAGE = """
import json, sys
from pathlib import Path
from streamlit.testing.v1 import AppTest
page = AppTest.from_file(str(Path("app.py").resolve()), default_timeout=60).run()
page = page.switch_page("pages/4_Predict.py").run()
uploader = next(u for u in page.get("file_uploader") if u.label == "Images to classify")
file = Path(sys.argv[1])
uploader.set_value([(file.name, file.read_bytes(), "image/png")]).run()
assert not page.exception, page.exception
label = {metric.label: metric.value for metric in page.metric}["Label"]
print(json.dumps([{"label": label}]))
print(*sys.modules, file=sys.stderr)
"""


@pytest.fixture
def float32_model(model: Model, cache: CacheFolder) -> None:
    card = next(cache.models.rglob("model.json"))
    document = json.loads(card.read_text())
    document["source"]["precision"] = "float32"
    card.write_text(json.dumps(document))


@pytest.mark.usefixtures("float32_model")
@pytest.mark.parametrize(("program", "mode"), [(COMMAND, ""), (PAGE, VIEWER)])
def test_an_image_is_classified_without_tensorflow(
    program: str, mode: str, pictures: Path, cache: CacheFolder
) -> None:
    before = sorted(cache.root.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", program, str(pictures / "waves" / "waves-0.png")],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env={**os.environ, MODE_VARIABLE: mode},
        check=True,
    )
    assert [answer["label"] for answer in json.loads(done.stdout)] == ["waves"]
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "MNN" in loaded
    assert loaded.isdisjoint({"tensorflow", "keras", "sklearn"})
    if mode == VIEWER:
        assert sorted(cache.root.rglob("*")) == before
