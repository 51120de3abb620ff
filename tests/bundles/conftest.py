"""A bundle written once, and a way to write it otherwise than medrecog does."""

import hashlib
import json
import zipfile

import pytest

from medrecog_core.bundles import write_bundle
from medrecog_core.locations import CacheFolder
from medrecog_core.runs import Run
from tests.textures import cache_at


@pytest.fixture(scope="session")
def written(finished_cache, tmp_path_factory):
    """Give a bundle with thumbnails of the finished run, and the run's identity."""
    folder, run_id = finished_cache
    file = tmp_path_factory.mktemp("bundle") / "runs.zip"
    with cache_at(folder):
        write_bundle([Run(run_id)], file)
    return file, run_id


@pytest.fixture
def there(tmp_path):
    """Give the cache folder of another machine."""
    return CacheFolder(tmp_path / "there")


@pytest.fixture
def rewrite(written, tmp_path):
    """Give a function that writes the bundle with other content, its list of files made to fit.

    Of `changes`, from name to content, None takes a file away; `contents` changes the list itself,
    after it was made to fit. Content that is no bytes is written as JSON.
    """

    def write(changes=None, contents=None, extra=()):
        with zipfile.ZipFile(written[0]) as opened:
            files = {name: opened.read(name) for name in opened.namelist()}
        listed = json.loads(files.pop("bundle.json"))
        for name, content in (changes or {}).items():
            if content is None:
                files.pop(name)
            else:
                files[name] = (
                    content if isinstance(content, bytes) else json.dumps(content).encode()
                )
        listed["files"] = {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "n_bytes": len(content)}
            for name, content in files.items()
        }
        listed.update(contents or {})
        file = tmp_path / "rewritten.zip"
        with zipfile.ZipFile(file, "w") as opened:
            for name, content in {**files, "bundle.json": json.dumps(listed).encode()}.items():
                opened.writestr(name, content)
            for name, content in extra:
                opened.writestr(name, content)
        return file

    return write


@pytest.fixture
def document(written):
    """Give a function that returns a JSON document of the bundle."""

    def read(name):
        with zipfile.ZipFile(written[0]) as opened:
            return json.loads(opened.read(name))

    return read
