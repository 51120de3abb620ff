"""Makes `cache.tar.xz`: a cache folder as an earlier version of medrecog left it.

Run with the checkout of that version, which is the one that writes; the present cache.tar.xz was
made with commit 2318749, the last before issue 12:

    git worktree add --detach OLD 2318749
    cd OLD && PYTHONPATH=. PYTHON .../tests/upgrade/make.py .../tests/upgrade/cache.tar.xz

In the archive are `cache/`, `bundle.zip`, `model.medrecog-model`, `unseen.png` and `expected.json`:
what the old version's own commands said of all of it. Wherever the old version wrote the absolute
path of the cache folder, PLACE is in its stead.
"""

import csv
import importlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

PLACE = "/place/of/the/cache"
DATASET = "shapes"
CLASSES = ("circle", "cross", "stripes")
N_IMAGES = 24
SCANNED, DEEP = 21, 22  # one of 8 bits and one channel, one of 16 bits
CUT = 23
BLANK = 2
COPIED = 16  # a test image, of which a copy is in the training part

COMMON = ["--dataset", DATASET, "--precision", "float32", "--seed", "3"]
FINISHED = [*COMMON, "--layers", "block1,block2", "--poolings", "average", "--fuse", "layers"]
FINISHED += ["--C", "0.1,1", "--normalisation", "l2", "--class-weight", "balanced"]
ENCODED = [*COMMON, "--layers", "block5", "--poolings", "vlad", "--n-words", "4", "--sample", "9"]
# Stopped with some of its cells, and with some of its descriptors.
SHORT: dict[str, Any] = {"dataset": DATASET, "precision": "float32"}
IN_CELLS = {**SHORT, "layers": ["block1", "block2"], "poolings": ["average"], "C": 10.0}
IN_IMAGES = {**SHORT, "layers": ["block1"], "scales": [224, 256], "poolings": ["max", "average"]}
IN_IMAGES |= {"protocol": "k-fold", "n_folds": 3}
MODEL = "shapes-model"
FUSED = ["--layer", "block1+block2", "--scale", "224", "--pooling", "average"]


def main(destination: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cache = folder / "cache"
        os.environ["MEDRECOG_CACHE"] = str(cache)
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        expected = make(folder)
        shutil.copytree(cache, folder / "copy", copy_function=shutil.copy2)
        replace(folder / "copy", {str(cache): str(folder / "copy")})
        os.environ["MEDRECOG_CACHE"] = str(folder / "copy")
        runs = expected["runs"]
        expected["resumed"] = {
            kind: called("resume", runs[kind], "--json") for kind in ("in_cells", "in_images")
        }
        text = json.dumps(expected, indent=1, ensure_ascii=False)
        (folder / "expected.json").write_text(text)
        places = {str(folder / "copy"): PLACE, str(cache): PLACE, **names_of_this_machine()}
        replace(cache, places)
        replace(folder, {**places, str(folder): "/elsewhere"}, "expected.json")
        with tarfile.open(destination, "w:xz", preset=9) as archive:
            for each in ("cache", "bundle.zip", "model.medrecog-model", "unseen.png"):
                archive.add(folder / each, each, filter=of_nobody)
            archive.add(folder / "expected.json", "expected.json", filter=of_nobody)
    print(destination, destination.stat().st_size)


def make(folder: Path) -> dict[str, Any]:
    """Fill the cache folder, and return what the commands say of it."""
    called("datasets", "add", DATASET, *write_images(folder), "--json")
    called("datasets", "check", DATASET, "--json")
    called("datasets", "exclude", DATASET, "--finding", "duplicates-across-splits", "--json")
    single = ["--image", "pictures/05.png", "--reason", "a marker in view"]
    excluded = called("datasets", "exclude", DATASET, *single, "--json")["excluded"]
    health = called("datasets", "check", DATASET, "--json")
    runs = {
        "finished": called("run", *FINISHED, "--json")["run"],
        "encoded": called("run", *ENCODED, "--json")["run"],
        "in_cells": stopped_run(IN_CELLS, "training", 1),
        "in_images": stopped_run(IN_IMAGES, "extracting at 256", 8),
    }
    called("rename", runs["finished"], "Two blocks", "--json")
    called("train", "--run", runs["finished"], *FUSED, "--name", MODEL)
    called("export-model", MODEL, "--to", folder / "model.medrecog-model")
    whole = [runs["finished"], runs["encoded"]]
    pictures = ["--with-images", "--with-models"]
    called("bundle", *whole, "--to", folder / "bundle.zip", *pictures, "--json")
    asked = [folder / "unseen.png", *(files_of_dataset()[i] for i in (0, DEEP))]
    library = importlib.import_module("medrecog_core.datasets.library")
    dataset = library.load(DATASET)
    called("export", runs["finished"], "--to", folder / "cells.csv")
    return {
        "dataset": {
            "name": DATASET,
            "fingerprint": dataset.fingerprint,
            "images": [[i.path, i.label, i.split, i.group, i.file.sha256] for i in dataset.images],
            "excluded": excluded,
            "checked": health,
        },
        "runs": runs,
        "options": {"finished": FINISHED, "encoded": ENCODED},
        "shown": {kind: called("show", run, "--json") for kind, run in runs.items()},
        "measured": {
            kind: called("show", run, "--measure", "all", "--json")["measures"]
            for kind, run in runs.items()
            if kind != "in_images"
        },
        "compared": called("compare", runs["finished"], runs["in_cells"], "--json"),
        "exported": list(csv.DictReader(io.StringIO((folder / "cells.csv").read_text()))),
        "models": called("models", "--json"),
        "predicted": called("predict", MODEL, *asked, "--json"),
    }


def called(*arguments: object) -> Any:
    """Return what a command of the old version prints: its document, or text."""
    command = [sys.executable, "-m", "medrecog_core", *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command}: {done.stderr}")
    return json.loads(done.stdout) if "--json" in arguments else done.stdout


def stopped_run(specification: dict[str, Any], stage: str, done: int) -> str:
    """Run in this process, stop as soon as a stage is so far, and return the run's identity."""
    experiments = importlib.import_module("medrecog_core.experiments")
    errors = importlib.import_module("medrecog_core.errors")
    run = experiments.create_run(experiments.RunSpecification.from_document(specification))

    def stop_there(progress: Any) -> None:
        if stage in progress.stage and progress.done >= done:
            run.ask_to_stop()

    try:
        experiments.execute(run, stop_there)
    except errors.StoppedError:
        return str(run.id)
    raise SystemExit(f"{run.id} was not stopped: it has no stage “{stage}”.")


def files_of_dataset() -> list[Path]:
    """Return the files of the pictures as the old version unpacked them."""
    return sorted(Path(os.environ["MEDRECOG_CACHE"]).rglob("pictures/*.png"))


def write_images(folder: Path) -> list[object]:
    """Write an archive of images with a table, one image more, and return how they are added."""
    rows = ["image,kind,patient,part"]
    with zipfile.ZipFile(folder / "shapes.zip", "w") as archive:
        for i in range(N_IMAGES):
            content = encoded(picture(i), i)
            archive.writestr(f"pictures/{i:02}.png", content)
            if i == COPIED:
                archive.writestr("pictures/copy.png", content)
            # Two images a patient, who is on one side.
            part = "test" if i // 2 % 3 == 2 else "train"
            rows.append(f"{i:02}.png,{CLASSES[kind(i)]},patient {i // 2},{part}")
        archive.writestr("pictures/unlisted.png", encoded(picture(100), 100))
        archive.writestr("pictures/kept-apart.png", encoded(picture(101), 101))
    rows += [f"copy.png,{CLASSES[kind(COPIED)]},patient 90,train", "kept-apart.png,cross,,val"]
    (folder / "labels.csv").write_text("\n".join(rows))
    (folder / "unseen.png").write_bytes(encoded(picture(102), 102))
    columns = ["--image-column", "image", "--label-column", "kind", "--group-column", "patient"]
    table = ["--labels", folder / "labels.csv", *columns, "--split-column", "part"]
    return [folder / "shapes.zip", *table]


def kind(i: int) -> int:
    """Return the position of an image's class, so that both parts have every class."""
    return (i + i // 6) % 3


def picture(i: int) -> Image.Image:
    """Draw a small, faint shape of the image's class."""
    rng = np.random.default_rng(i)
    ground, ink = rng.integers(60, 120, 3), rng.integers(110, 200, 3)
    side = int(rng.integers(32, 64))
    image = Image.new("RGB", (side, side), tuple(map(int, ground)))
    if i == BLANK:
        return image
    draw = ImageDraw.Draw(image)
    x, y = map(int, rng.integers(10, side - 10, 2))
    r = int(rng.integers(8, 14))
    color = tuple(map(int, ink))
    if kind(i) == 0:
        draw.ellipse((x - r, y - r, x + r, y + r), outline=color, width=2)
    elif kind(i) == 1:
        draw.line((x - r, y - r, x + r, y + r), color, 2)
        draw.line((x - r, y + r, x + r, y - r), color, 2)
    else:
        for offset in range(-r, r, 4):
            draw.line((x - r, y + offset, x + r, y + offset), color, 1)
    draw.point([(int(a), int(b)) for a, b in rng.integers(0, side, (12, 2))], color)
    return image


def encoded(image: Image.Image, i: int) -> bytes:
    """Return the file of a picture: most of them PNG of colours, whatever their names say."""
    buffer = io.BytesIO()
    if i == DEEP:
        deep = np.asarray(image.convert("L")).astype(np.uint16) * 257
        Image.fromarray(deep).save(buffer, "PNG")
    elif i == SCANNED:
        image.convert("L").save(buffer, "PNG")
    else:
        image.save(buffer, "JPEG" if i % 5 == 1 else "PNG")
    content = buffer.getvalue()
    return content[: len(content) * 2 // 3] if i == CUT else content


def replace(folder: Path, words: dict[str, str], pattern: str = "**/*") -> None:
    """Replace words in the text files of a folder, which keep their times."""
    for file in folder.glob(pattern):
        if file.suffix in (".json", ".txt") and file.is_file():
            state, text = file.stat(), file.read_text()
            for word, other in words.items():
                text = text.replace(word, other)
            file.write_text(text)
            os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))


def names_of_this_machine() -> dict[str, str]:
    """Return what names the machine in what the old version wrote, and other words for it."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    names = {platform.platform(): "Linux", platform.node(): "machine"}
    return {**names, boot.read_text().strip(): "another"} if boot.exists() else names


def of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out of the archive who made it."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
