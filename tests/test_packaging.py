"""A wheel works where nothing but the cache folder can be written to."""

import json
import os
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest
from streamlit import config

from medrecog_core import __version__

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[1]
OPTIONS = ("theme.light.primaryColor", "server.fileWatcherType", "server.allowedHosts")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=PROJECT,
        capture_output=True,
        check=True,
    )
    return next(folder.glob("*.whl"))


class Installation:
    """The wheel in an environment of its own, which finds its requirements in the running one."""

    def __init__(self, wheel, folder):
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
        self.scripts = next((folder / "env").glob("*/activate")).parent
        self.python = self.scripts / Path(sys.executable).name
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet"]
        subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
        self.package = next((folder / "env").rglob("medrecog_core"))
        site = self.package.parent
        (site / "requirements.pth").write_text(sysconfig.get_paths()["purelib"])
        (folder / "home").mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "MEDRECOG_CACHE"},
            "HOME": str(folder / "home"),
            "XDG_DATA_HOME": str(folder / "home" / "data"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.environment.pop("PYTHONPATH", None)
        self.cache = folder / "home" / "data" / "medrecog"
        for path in (site, *site.rglob("*")):
            path.chmod(path.stat().st_mode & ~0o222)
        self.before = self.files()

    def files(self):
        """Return what is installed; an administrator may write in spite of the modes."""
        return {path: path.stat().st_mtime_ns for path in self.package.parent.rglob("*")}

    def command(self, *arguments):
        return [str(self.scripts / "medrecog"), *arguments]

    def call(self, *arguments):
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def python_says(self, program):
        return subprocess.run(
            [str(self.python), "-c", program],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()


@pytest.fixture(scope="module")
def installation(wheel, tmp_path_factory):
    installed = Installation(wheel, tmp_path_factory.mktemp("installed"))
    yield installed
    assert installed.files() == installed.before
    for path in (installed.package.parent, *installed.package.parent.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)  # so that it can be deleted


def test_wheel_holds_every_file_of_the_package_and_the_dashboard(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = {
        file.relative_to(PROJECT).as_posix()
        for file in (PROJECT / "medrecog_core").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    pages = {f"pages/{file.name}" for file in (PROJECT / "pages").glob("*.py")}
    dashboard = {"app.py", ".streamlit/config.toml", *pages}
    wanted = tracked | {f"medrecog_core/dashboard/{name}" for name in dashboard}
    assert {name for name in names if ".dist-info/" not in name} == wanted


def test_wheel_needs_what_the_requirements_list_and_nothing_else(wheel):
    archive = zipfile.ZipFile(wheel)
    name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    lines = archive.read(name).decode().splitlines()
    needed = {line.removeprefix("Requires-Dist: ") for line in lines if "Requires-Dist" in line}

    def listed(file, ending=""):
        rows = (PROJECT / file).read_text(encoding="utf-8").splitlines()
        return {f"{row}{ending}" for row in rows if row and not row.startswith(("#", "-"))}

    extra = listed("requirements-formats.txt", "; extra == 'formats'")
    extra |= listed("requirements-auth.txt", "; extra == 'auth'")
    assert needed == listed("requirements.txt") | extra
    assert f"Version: {__version__}" in lines


def test_installed_command_line_uses_a_cache_folder_of_the_user(installation):
    assert installation.call("--version") == f"medrecog {__version__}\n"
    found = installation.python_says(
        "from medrecog_core.locations import *; print(checkout_folder(), cache_folder().root)"
    )
    assert found == f"None {installation.cache}"


def test_installed_command_line_draws_and_reads_the_demo(installation):
    listed = json.loads(installation.call("datasets", "list", "--json"))
    assert [each["name"] for each in listed] == ["demo"]
    extracted = json.loads(
        installation.call("extract", "demo", "--layers", "block1", "--sample", "8", "--json")
    )
    assert extracted["network_images"] == {"224": 8}
    assert (installation.cache / "features").is_dir()


def test_background_work_runs_from_the_installation(installation):
    program = (
        "from medrecog_core.jobs.process import run_command;"
        "print(run_command(['datasets', 'list'])[0]['name'])"
    )
    assert installation.python_says(program) == "demo"


def test_installed_dashboard_answers_and_says_where_it_writes(installation):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        installation.command("dashboard", "--port", str(port), "--server.headless=true"),
        cwd=installation.folder,
        env=installation.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert str(installation.cache) in server.stdout.readline()
        deadline = time.monotonic() + 60
        while status(port, "/_stcore/health") != 200:
            assert time.monotonic() < deadline, "the server did not start"
            assert server.poll() is None, server.stdout.read()
            time.sleep(0.1)
        assert status(port, "/") == status(port, "/Datasets") == 200
    finally:
        server.terminate()
        server.wait(20)


def status(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status
    except OSError:
        return None


def test_installed_pages_open_with_the_theme(installation):
    script = installation.package / "dashboard" / "app.py"
    program = f"""
from streamlit import config
from streamlit.testing.v1 import AppTest
test = AppTest.from_file({str(script)!r}, default_timeout=60).run()
assert not test.exception and not test.error, test
test.switch_page("pages/3_Results.py").run()
assert not test.exception and not test.error, test
config._main_script_path = {str(script)!r}
config.get_config_options(force_reparse=True)
for name in {OPTIONS!r}:
    print(config.get_option(name))
"""
    expected = [str(config.get_option(name)) for name in OPTIONS]
    assert installation.python_says(program).splitlines()[-len(OPTIONS) :] == expected
    assert "localhost" in expected[-1]
