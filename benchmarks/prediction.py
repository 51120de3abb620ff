"""How long an image takes from its bytes to its label, warm and cold, beside Keras as usual.

    python benchmarks/prediction.py [--n N] [--rounds N] [--layer block5] [--page]

A model of average pooling at 224 pixels is made of a run on a sample of the demo set, in a cache
folder of its own. Warm: the network is in memory, and an uploaded file becomes label,
probabilities, similar training images and evidence in one pass. Beside it, image by image in turns,
the same as it is usually written: `keras.applications.VGG19`, average pooling, the same weights,
`model.predict`, and a scikit-learn pipeline of `Normalizer` and `LinearSVC`; it gives the label and
nothing else. Cold: a new process, TensorFlow's import included, by the command line and by the
usual script. With `--page` (development requirements and a chromium), the dashboard: from the
choice of a file in the browser to the painted label, in a warm server and browser.

Prints one JSON document: medians in seconds, and ratios of usual over ours.
"""

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

from medrecog_core.datasets import library
from medrecog_core.features import Cell
from medrecog_core.models import Predictor, load_model, train_model
from medrecog_core.networks import embedded_weights
from medrecog_core.runs import RunSpecification, create_run, execute
from medrecog_core.settings import CACHE_VARIABLE

NAME, SCALE, SAMPLE = "benchmark", 224, 48

USUAL = """
import sys, time
import numpy as np
sys.path.insert(0, sys.argv[1])
from benchmarks.prediction import usual_classifier
classify = usual_classifier(sys.argv[2], np.load(sys.argv[3]))
print(classify(open(sys.argv[4], "rb").read()))
"""


def make_model(layer: str) -> None:
    """Train the model of a run on a sample of the demo set."""
    run = create_run(
        RunSpecification(
            dataset="demo", layers=(layer,), poolings=("average",), scales=(SCALE,), sample=SAMPLE
        )
    )
    execute(run)
    train_model(run, Cell(layer, SCALE, "average"), NAME)


def usual_classifier(layer: str, coefficients: np.ndarray) -> Callable[[bytes], str]:
    """Return label from bytes as it is usually written.

    Parameters
    ----------
    layer
        `block1` to `block5`.
    coefficients
        The SVM's weights with the biases as last column, so that both classify alike.
    """
    import keras
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer
    from sklearn.svm import LinearSVC

    network = keras.applications.VGG19(include_top=False, weights=None)
    for name, arrays in embedded_weights.load().items():
        network.get_layer(name).set_weights(arrays)
    pooled = keras.layers.GlobalAveragePooling2D()(network.get_layer(f"{layer}_pool").output)
    model = keras.Model(network.input, pooled)
    svm = LinearSVC()
    svm.coef_, svm.intercept_ = coefficients[:, :-1], coefficients[:, -1]
    svm.classes_ = np.arange(len(coefficients))
    pipeline = make_pipeline(Normalizer(), svm)
    # A pipeline is fitted once it has seen anything.
    pipeline[0].fit(np.ones((1, coefficients.shape[1] - 1)))

    def classify(content: bytes) -> str:
        image = Image.open(io.BytesIO(content)).convert("RGB")
        pixels = np.asarray(image.resize((SCALE, SCALE), Image.Resampling.BILINEAR), np.float32)
        prepared = keras.applications.vgg19.preprocess_input(pixels[None].copy())
        return str(pipeline.predict(model.predict(prepared, verbose=0))[0])

    return classify


def seconds_of(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure_warm(contents: list[bytes], layer: str, coefficients: np.ndarray) -> dict[str, Any]:
    model = load_model(NAME)
    predictor = Predictor(model)
    usual = usual_classifier(layer, coefficients)
    agree = []
    for content in contents[:2]:
        predictor.explain(content), predictor.predict([content]), usual(content)
    taken: dict[str, list[float]] = {"with_evidence": [], "label_alone": [], "usual": []}
    for content in contents:
        taken["with_evidence"].append(seconds_of(lambda c=content: predictor.explain(c)))
        taken["label_alone"].append(seconds_of(lambda c=content: predictor.predict([c])))
        taken["usual"].append(seconds_of(lambda c=content: usual(c)))
        label = predictor.explain(content)[0].label
        agree.append(label == model.classifier.classes[int(usual(content))])
    seconds = {name: statistics.median(values) for name, values in taken.items()}
    return {
        "seconds": seconds,
        "slowest_with_evidence": max(taken["with_evidence"]),
        "ratio": seconds["usual"] / seconds["with_evidence"],
        "same_label": float(np.mean(agree)),
    }


def measure_cold(file: Path, rounds: int, layer: str, coefficients: np.ndarray) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        script, numbers = Path(folder, "usual.py"), Path(folder, "svm.npy")
        script.write_text(USUAL)
        np.save(numbers, coefficients)
        ours = [sys.executable, "-m", "medrecog_core", "predict", NAME, str(file), "--json"]
        usual = [sys.executable, str(script), str(PROJECT), layer, str(numbers), str(file)]
        taken: dict[str, list[float]] = {"ours": [], "usual": []}
        for _ in range(rounds):
            for name, command in (("ours", ours), ("usual", usual)):
                taken[name].append(
                    seconds_of(
                        lambda c=command: subprocess.run(
                            c, cwd=PROJECT, check=True, capture_output=True
                        )
                    )
                )
    seconds = {name: statistics.median(values) for name, values in taken.items()}
    return {"seconds": seconds, "ratio": seconds["usual"] / seconds["ours"]}


def measure_page(files: list[Path]) -> dict[str, Any]:
    """Take the time from the choice of a file to its label, in a server that is warm."""
    from playwright.sync_api import sync_playwright

    from benchmarks.pages import start_server

    server, address = start_server(os.environ[CACHE_VARIABLE])
    taken = []
    try:
        with sync_playwright() as playwright:
            chromium = shutil.which("chromium") or shutil.which("chromium-browser")
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
            )
            context = browser.new_context()  # warm too, after the first: it has the program's files
            for file in files:
                page = context.new_page()
                page.goto(f"{address}/Predict?model={NAME}")
                page.get_by_text("Classes:").wait_for(timeout=60_000)
                upload = page.get_by_test_id("stFileUploaderDropzoneInput").first

                def label(page: Any = page, upload: Any = upload, file: Path = file) -> None:
                    upload.set_input_files(file)
                    page.get_by_test_id("stMetricValue").first.wait_for(timeout=60_000)

                taken.append(seconds_of(label))
                page.close()
            browser.close()
    finally:
        server.terminate()
        server.wait(20)
    return {"first": taken[0], "seconds": statistics.median(taken[1:])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=20, help="images, warm")
    parser.add_argument("--rounds", type=int, default=3, help="processes, cold")
    parser.add_argument("--layer", default="block5")
    parser.add_argument("--page", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ[CACHE_VARIABLE] = cache
        make_model(arguments.layer)
        dataset = library.load("demo")
        step = len(dataset.images) // arguments.n
        files = [dataset.absolute_path(image) for image in dataset.images[:: max(1, step)]]
        files = files[: arguments.n]
        svm = load_model(NAME).classifier
        coefficients = np.column_stack([svm.weights, svm.biases])
        document: dict[str, Any] = {"layer": arguments.layer, "scale": SCALE, "images": len(files)}
        contents = [file.read_bytes() for file in files]
        document["warm"] = measure_warm(contents, arguments.layer, coefficients)
        document["cold"] = measure_cold(files[0], arguments.rounds, arguments.layer, coefficients)
        if arguments.page:
            document["page"] = measure_page(files[:8])
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
