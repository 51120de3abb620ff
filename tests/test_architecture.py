"""Imports run one way, and light things stay light."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from medrecog_core.jobs.kinds import KINDS

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[1]
CORE = PROJECT / "medrecog_core"
PAGES = [PROJECT / "app.py", *sorted((PROJECT / "pages").glob("*.py"))]
HEAVY = {
    *("tensorflow", "keras", "sklearn", "scipy", "torch"),
    *("streamlit", "plotly", "altair", "h5py", "requests"),
    *("statsmodels", "skimage", "pydicom", "imagehash", "openpyxl"),
}

BASE = {"errors", "settings", "wording", "mode", "locations", "atomic_file"}
BASE |= {"access", "ownership", "data_roots", "quota"}
BASE |= {"regular_file", "csv_text", "bounds", "trash"}
_BELOW_MODELS = {
    "jobs",
    "images",
    "networks",
    "datasets",
    "features",
    "classification",
    "runs",
}
MAY_IMPORT = {
    "jobs": set(),
    "images": {"jobs"},
    "networks": {"jobs", "images"},
    "datasets": {"jobs", "images"},
    "features": {"jobs", "images", "networks"},
    "classification": {"jobs", "images"},
    "runs": {"jobs", "images", "networks", "datasets", "features", "classification"},
    "models": _BELOW_MODELS,
    "reports": {*_BELOW_MODELS, "models"},
    "bundles": {*_BELOW_MODELS, "models"},
    "storage": {*_BELOW_MODELS, "models"},
}
MAY_IMPORT |= {"ui": set(MAY_IMPORT), "cli": set(MAY_IMPORT)}


def imported_modules(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_run_one_way(package):
    allowed = {package, *BASE, *MAY_IMPORT[package], "__version__"}
    for file in (CORE / package).rglob("*.py"):
        for module in imported_modules(file):
            if module.startswith("medrecog_core."):
                assert module.split(".")[1] in allowed, f"{file.name} imports {module}"


def test_every_package_of_the_core_has_its_place_in_the_order():
    packages = {folder.name for folder in CORE.iterdir() if (folder / "__init__.py").exists()}
    assert packages == set(MAY_IMPORT)


def test_every_job_s_function_is_above_the_room_of_jobs_and_takes_job_and_work():
    for kind in KINDS.values():
        assert list(inspect.signature(kind.function()).parameters) == ["job", "work"]


def test_only_the_ui_imports_streamlit():
    for file in CORE.rglob("*.py"):
        if "ui" not in file.relative_to(CORE).parts:
            tops = {module.split(".")[0] for module in imported_modules(file)}
            assert "streamlit" not in tops, file


def test_there_are_no_circles():
    package_of = {f: f.relative_to(CORE).with_suffix("").as_posix() for f in CORE.rglob("*.py")}
    imports = {}
    for file, name in package_of.items():
        found = set()
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("medrecog_core"):
                parts = node.module.split(".")[1:]
                for alias in node.names:
                    inner = "/".join([*parts, alias.name])
                    found.add(inner if inner in package_of.values() else "/".join(parts))
        imports[name] = found & set(package_of.values())
    visited, path = set(), []

    def visit(name):
        assert name not in path, " -> ".join([*path, name])
        if name not in visited:
            path.append(name)
            for other in imports[name]:
                visit(other)
            visited.add(path.pop())

    for name in imports:
        visit(name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_first_call_of_every_page_opens_it(page):
    calls = [
        node.value.func.id
        for node in ast.parse(page.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
    ]
    assert calls[:1] == ["open_page"]


@pytest.mark.parametrize("file", [*PAGES, *sorted((CORE / "ui").rglob("*.py"))], ids=str)
def test_parts_of_a_page_that_run_alone_end_with_the_session(file):
    if file.name != "sign_in.py":
        text = file.read_text(encoding="utf-8")
        assert "st.fragment" not in text
        assert "st.dialog" not in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_side_bar_names_every_page(page):
    from medrecog_core.ui.page import PAGES as NAMED

    assert page.relative_to(PROJECT).as_posix() in {each.file for each in NAMED}


def test_no_two_pages_share_a_name_in_the_address():
    keys = [
        (keyword.value.value, page.stem)
        for page in PAGES
        for node in ast.walk(ast.parse(page.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("choose", "choose_setting")
        for keyword in node.keywords
        if keyword.arg == "key"
    ]
    names = [key for key, _ in keys]
    assert len(names) >= 5
    assert len(set(names)) == len(names), keys


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_page_names_tensorflow_keras_or_scikit_learn(page):
    tops = {module.split(".")[0] for module in imported_modules(page)}
    assert tops.isdisjoint({"tensorflow", "keras", "sklearn"})


@pytest.mark.parametrize(
    "module",
    ["medrecog_core", "medrecog_core.runs", "medrecog_core.models", "medrecog_core.cli"],
)
def test_importing_the_core_loads_nothing_heavy(module):
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=PROJECT, check=True
    ).stdout.split()
    assert HEAVY.isdisjoint(loaded)


def test_core_never_pickles():
    for file in CORE.rglob("*.py"):
        tops = {module.split(".")[0] for module in imported_modules(file)}
        assert tops.isdisjoint({"pickle", "joblib", "dill", "cloudpickle", "shelve"}), file
        assert "allow_pickle=True" not in file.read_text(encoding="utf-8")
