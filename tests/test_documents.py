"""The documents say what the program does."""

import ast
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from medrecog_core import __version__
from medrecog_core.classification import CLASS_WEIGHTS, MEASURES, NORMALISATIONS
from medrecog_core.cli.main import medrecog
from medrecog_core.datasets import PROTOCOLS
from medrecog_core.features import POOLINGS, Cell
from medrecog_core.images import PREPROCESSINGS, SUFFIXES
from medrecog_core.networks import NETWORKS, PRECISIONS, embedded_weights
from medrecog_core.runs.published import PUBLISHED_TABLES
from medrecog_core.ui.page import PAGES

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DOCUMENTS = {
    "README.md": README,
    "CONTRIBUTING.md": CONTRIBUTING,
    **{
        f"docs/{file.name}": file.read_text(encoding="utf-8")
        for file in sorted((PROJECT / "docs").glob("*.md"))
    },
}
LINES = sorted(
    {
        line
        for text in DOCUMENTS.values()
        for line in re.findall(r"^python -m medrecog_core (.+)$", text, re.MULTILINE)
    }
)
_TOPS = "medrecog_core|pages|tests|scripts|benchmarks|docs"
PATHS = sorted(
    {
        (name, path)
        for name, text in DOCUMENTS.items()
        for path in re.findall(rf"`((?:(?:{_TOPS})/[\w./-]*)|app\.py|\w+\.md)`", text)
        if "NAME" not in path
    }
)
LINKS = sorted(
    {
        (name, target)
        for name, text in DOCUMENTS.items()
        for target in re.findall(r"\]\(([^)\s]+)\)", text)
        if not target.startswith(("https://", "http://"))
    }
)


def source_of(constructor):
    """Give the first argument of every call of a constructor in the core, where it is written."""
    for file in (PROJECT / "medrecog_core").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == constructor:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant):
                    yield first.value
                elif isinstance(first, ast.Name) and first.id in constants:
                    yield constants[first.id]


@pytest.mark.parametrize("table", PUBLISHED_TABLES, ids=lambda table: table.name)
def test_figures_of_the_report_are_those_that_pages_show(table):
    columns = dict.fromkeys((each.scale, p) for each in table.accuracies for p in each.poolings)
    columns = sorted(columns, key=lambda column: (column[0], column[1] != "max"))
    for layer in {each.layer for each in table.accuracies}:
        found = (table.find(Cell(layer, scale, pooling)).accuracy for scale, pooling in columns)
        row = " | ".join([layer, *(f"{accuracy:.2f}" for accuracy in found)])
        assert f"\n| {row} |\n" in DOCUMENTS["docs/report-sets.md"]


def anchors(text):
    """Give the anchors that GitHub makes of a document's headings."""
    for heading in re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        yield plain.replace(" ", "-")


def without_spaces(text):
    return re.sub(r"\s", "", text).casefold()


def test_readme_is_short():
    assert len(README.splitlines()) <= 170


@pytest.mark.parametrize("line", LINES)
def test_every_command_in_the_documents_is_understood(line):
    group, words = medrecog, shlex.split(line)
    while isinstance(group, click.Group) and words:
        group = group.commands[words.pop(0)]
    assert not group.hidden, "the document uses an old name"
    group.make_context(group.name, words)


def test_command_reference_is_what_its_script_prints():
    script = PROJECT / "scripts" / "command_reference.py"
    printed = subprocess.run(
        [sys.executable, script], capture_output=True, encoding="utf-8", check=True
    ).stdout
    assert DOCUMENTS["docs/commands.md"] == printed, f"run: python {script.name} > docs/commands.md"


@pytest.mark.parametrize("title", [page.title for page in PAGES])
def test_every_page_is_in_the_readme(title):
    rows = re.findall(r"^\| ([^|]+) \|", README, re.MULTILINE)
    assert without_spaces(title) in map(without_spaces, rows)


def test_every_package_and_top_folder_is_in_the_readme():
    for folder in (PROJECT / "medrecog_core").iterdir():
        if (folder / "__init__.py").exists():
            assert f"\n  {folder.name}/" in README, folder.name
    for name in ("benchmarks", "docs", "scripts", "tests"):
        assert f"\n{name}/" in README


def test_every_folder_in_the_tree_of_the_readme_exists():
    tree = re.search(r"^medrecog_core/\n((?:  .+\n)+)", README, re.MULTILINE).group(1)
    for name in re.findall(r"^  (\w+)/", tree, re.MULTILINE):
        assert (PROJECT / "medrecog_core" / name).is_dir(), name


def test_the_table_of_settings_is_what_the_program_reads():
    from medrecog_core.settings import Settings, variable_of

    rows = "".join(
        f"| `{variable_of(name)}` | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )
    table = f"| variable | meaning |\n|---|---|\n{rows}\n"
    assert table in DOCUMENTS["docs/settings.md"]


def test_the_environment_is_read_in_one_place():
    for file in (PROJECT / "medrecog_core").rglob("*.py"):
        read = re.findall(r"environ\.get\(|environ\[|getenv\(", file.read_text(encoding="utf-8"))
        assert not read or file.name == "settings.py", file


@pytest.mark.parametrize("kind", sorted(set(source_of("DatasetWarning"))))
def test_every_warning_is_documented(kind):
    assert f"\n| `{kind}` |" in DOCUMENTS["docs/datasets.md"]


def test_every_documented_warning_is_in_the_source():
    table = DOCUMENTS["docs/datasets.md"].partition("\n## Warnings")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| `([a-z0-9-]+)` \|", table, re.MULTILINE)
    assert sorted(documented) == sorted(set(source_of("DatasetWarning")))


@pytest.mark.parametrize("kind", sorted({*source_of("Finding"), *source_of("_finding")}))
def test_every_finding_of_the_health_check_is_documented(kind):
    assert f"`{kind}`" in DOCUMENTS["docs/datasets.md"]


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_every_file_format_is_documented(suffix):
    assert f"`{suffix}`" in DOCUMENTS["docs/datasets.md"]


@pytest.mark.parametrize(
    "name",
    (
        *(*POOLINGS, *PROTOCOLS, *NORMALISATIONS, *MEASURES),
        *(*PREPROCESSINGS, *PRECISIONS, *CLASS_WEIGHTS),
    ),
)
def test_every_choice_of_an_experiment_is_documented(name):
    assert re.search(rf"`(\S+ )?{name}`", DOCUMENTS["docs/experiments.md"])


@pytest.mark.parametrize("network", NETWORKS.values(), ids=lambda network: network.name)
def test_every_network_is_documented_with_its_layers(network):
    text = DOCUMENTS["docs/networks.md"]
    row = next(line for line in text.splitlines() if f"`{network.name}`" in line)
    assert network.title in row
    layers = [layer.name for layer in network.layers]
    assert f"`{layers[0]}`" in row
    assert f"`{layers[-1]}`" in row


@pytest.mark.parametrize(("document", "target"), LINKS)
def test_every_link_leads_somewhere(document, target):
    path, _, anchor = target.partition("#")
    file = (PROJECT / document).parent / path if path else PROJECT / document
    assert file.exists()
    if anchor:
        assert anchor in anchors(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("document", "path"), PATHS)
def test_every_path_in_the_documents_exists(document, path):
    assert (PROJECT / path).exists()


def test_every_document_can_be_reached_from_the_readme():
    for name in DOCUMENTS:
        assert name == "README.md" or f"]({name})" in README, name


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make ([\w-]+)", README + CONTRIBUTING))))
def test_every_make_target_exists(target):
    if target not in ("this", "it"):
        assert re.search(rf"^{target}:", (PROJECT / "Makefile").read_text(), re.MULTILINE)


def test_specification_in_the_documents_is_one():
    from medrecog_core.runs import RunSpecification

    text = DOCUMENTS["docs/experiments.md"]
    document = re.search(r"`(\{\"dataset\".+\})`", text).group(1)
    assert RunSpecification.from_document(json.loads(document)).cells


def test_python_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.+?)^```", DOCUMENTS["docs/python.md"], re.M | re.DOTALL)
    assert len(blocks) > 5
    names = {"__name__": "example"}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"docs/python.md, block {number}", "exec"), names)


def test_notice_names_the_weights_that_are_embedded():
    notice = (PROJECT / "NOTICE").read_text(encoding="utf-8")
    assert embedded_weights.SHA256 in notice
    assert embedded_weights.ARCHIVE.name in notice


def test_version_is_the_same_everywhere():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    source = PROJECT / project["tool"]["hatch"]["version"]["path"]
    assert f'__version__ = "{__version__}"' in source.read_text(encoding="utf-8")
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[(.+?)\]", changelog, re.MULTILINE).group(1) == __version__


def test_every_requirement_is_pinned_to_a_compatible_range():
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (PROJECT / name).read_text().splitlines():
            if line and not line.startswith(("#", "-r")):
                assert re.fullmatch(r"[A-Za-z0-9-]+~=\d+(\.\d+)+", line), line
