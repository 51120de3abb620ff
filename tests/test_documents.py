"""The documents say what the program does."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from medrecog_core import __version__
from medrecog_core.cli.main import medrecog
from medrecog_core.networks import embedded_weights
from medrecog_core.runs import RunSpecification
from medrecog_core.settings import Settings, variable_of

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^python -m medrecog_core (.+)$", README, re.MULTILINE)


def leaf_commands(group, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaf_commands(command, (*path, name))
        is_leaf = not isinstance(command, click.Group) or command.invoke_without_command
        if is_leaf and not command.hidden:
            yield " ".join((*path, name))


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_in_the_readme_is_understood(line):
    group, words = medrecog, shlex.split(line)
    while isinstance(group, click.Group) and words:
        group = group.commands[words.pop(0)]
    group.make_context(group.name, words)


@pytest.mark.parametrize("command", list(leaf_commands(medrecog)))
def test_every_command_is_in_the_readme(command):
    assert any(line.startswith(command) for line in COMMANDS)


def test_every_page_is_in_the_readme():
    for file in (PROJECT / "pages").glob("*.py"):
        assert f"| {file.stem.split('_', 1)[1]} |" in README


def test_every_package_and_top_folder_is_in_the_readme():
    for folder in (PROJECT / "medrecog_core").iterdir():
        if (folder / "__init__.py").exists():
            assert f"  {folder.name}/" in README
    for name in ("benchmarks", "scripts", "tests"):
        assert f"\n{name}/" in README


def test_the_table_of_settings_is_what_the_program_reads():
    rows = "".join(
        f"| `{variable_of(name)}` | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )
    table = f"| variable | meaning |\n|---|---|\n{rows}\n"
    assert table in (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8")


def test_the_environment_is_read_in_one_place():
    for file in (PROJECT / "medrecog_core").rglob("*.py"):
        read = re.findall(r"environ\.get\(|environ\[|getenv\(", file.read_text(encoding="utf-8"))
        assert not read or file.name == "settings.py", file


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#:]+)\)", README))
def test_every_link_leads_somewhere(target):
    assert (PROJECT / target).exists()


@pytest.mark.parametrize("target", re.findall(r"make (\w+)", README))
def test_every_make_target_exists(target):
    assert re.search(rf"^{target}:", (PROJECT / "Makefile").read_text(), re.MULTILINE)


def test_specification_in_the_readme_is_one():
    import json

    document = re.search(r"`(\{\"dataset\".+\})`", README).group(1)
    assert RunSpecification.from_document(json.loads(document)).cells


def test_notice_names_the_weights_that_are_embedded():
    notice = (PROJECT / "NOTICE").read_text(encoding="utf-8")
    assert embedded_weights.SHA256 in notice
    assert embedded_weights.ARCHIVE.name in notice


def test_version_is_written_in_one_place():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    version_file = PROJECT / project["tool"]["hatch"]["version"]["path"]
    assert f'__version__ = "{__version__}"' in version_file.read_text(encoding="utf-8")


def test_every_requirement_is_pinned_to_a_compatible_range():
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-formats.txt"):
        for line in (PROJECT / name).read_text().splitlines():
            if line and not line.startswith(("#", "-r")):
                assert re.fullmatch(r"[A-Za-z0-9-]+~=\d+(\.\d+)+", line), line
