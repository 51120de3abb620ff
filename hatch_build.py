"""Puts the app, its pages and the theme into wheels, where they lie inside the package."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DASHBOARD = "medrecog_core/dashboard"
THEME = ".streamlit/config.toml"


class DashboardHook(BuildHookInterface):  # type: ignore[type-arg]
    """Maps the top of the checkout to `medrecog_core/dashboard/`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to a wheel; an editable installation uses those of the checkout."""
        if version == "editable":
            return
        root = Path(self.root)
        # By name: a folder may also hold caches, and `.streamlit` the secrets of a sign-in.
        for file in (root / "app.py", *sorted((root / "pages").glob("*.py")), root / THEME):
            name = file.relative_to(root).as_posix()
            build_data["force_include"][str(file)] = f"{DASHBOARD}/{name}"
