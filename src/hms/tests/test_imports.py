"""The arrows of the layout, read from the imports: errors ← models ← live ← domain ← access ← audience app."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2]
AUDIENCES = {"frontdesk", "clinic", "portal", "billing"}
# Lower floors may not look up. What is not listed (settings, middleware, views, …) stands beside access.
FLOORS = ["hms.errors", "hms.models", "hms.live", "hms.domain", "hms.access"]


def modules():
    for path in SRC.rglob("*.py"):
        parts = path.relative_to(SRC).with_suffix("").parts
        if "tests" not in parts and "migrations" not in parts:
            yield ".".join(parts).removesuffix(".__init__"), path


def imports(path):
    """Names that a module imports when it is loaded; what a function imports is not an arrow of the layout."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor(name):
    return next((i for i, f in enumerate(FLOORS) if name == f or name.startswith(f + ".")), None)


def wrong(module, imported):
    """Why this import is not allowed, or None."""
    here, there = module.split(".")[0], imported.split(".")[0]
    if there in AUDIENCES and here == "hms":
        return "hms imports no audience app"
    if there in AUDIENCES and here in AUDIENCES and here != there:
        return "audience apps never import each other"
    low, high = floor(module), floor(imported)
    if low is not None and high is not None and low < high:
        return f"{FLOORS[low]} may not import {FLOORS[high]}"
    return None


def test_every_import_points_leftwards():
    found = list(modules())
    assert len(found) > 30
    mistakes = [
        f"{module}: {imported} ({why})"
        for module, path in found
        for imported in imports(path)
        if (why := wrong(module, imported))
    ]
    assert mistakes == []


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("hms.models.people", "hms.domain.scheduling"),
        ("hms.live", "hms.access"),
        ("hms.views", "frontdesk.board"),
        ("portal.views.home", "frontdesk.board"),
        ("hms.errors", "hms.models"),
    ],
)
def test_a_wrong_arrow_is_found(module, imported):
    assert wrong(module, imported)


def test_hms_has_the_only_migrations_and_models():
    for app in AUDIENCES:
        assert not (SRC / app / "migrations").exists()
        assert not list((SRC / app).rglob("models.py"))
