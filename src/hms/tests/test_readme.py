"""What the README says is there, is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text()


def section(title):
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text):
    """The backticked names in the first column of a section's tables."""
    return [name for row in re.findall(r"^\| (.*?) \|", text, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)]


def test_the_settings_table_names_every_variable_that_is_read_and_no_other():
    read = set()
    for path in ["src/hms/settings.py", "src/hms/server.py", "src/hms/postgres.py", "bootstrap.py"]:
        text = (ROOT / path).read_text()
        read |= set(re.findall(r'\b(?:env|flag)\(\s*"([A-Z_]+)"', text))
        read |= set(re.findall(r'environ\.get\(\s*"((?:HMS_|DATABASE_|PORT)[A-Z_]*)"', text))
    named = first_cells(section("Settings"))
    assert sorted(named) == sorted(read)


def test_every_file_of_the_map_is_there():
    rows = re.findall(r"^\| (?!to change)[^|`]+(?:`[^`]*`[^|`]*)* \| (.*) \|$", section("Work on it"), re.MULTILINE)
    assert len(rows) > 20
    for row in rows:
        around = [ROOT, ROOT / "src/hms"]
        for name in re.findall(r"`([\w./*{},-]+)`", row):
            found = [hit for folder in around for one in _braces(name.rstrip("/")) for hit in folder.glob(one)]
            assert found or name.isidentifier(), f"{name} of “{row}”"
            around += found[:1] and found[0].parents  # what follows may lie beside it


def _braces(pattern):
    """``views/{a,b}.py`` as its alternatives."""
    head, brace, rest = pattern.partition("{")
    if not brace:
        return [pattern]
    inner, _close, tail = rest.partition("}")
    return [f"{head}{one}{tail}" for one in inner.split(",")]


def test_every_picture_is_there_and_small():
    pictures = re.findall(r'(?:src|srcset)="(docs/[^"]+)"', README)
    assert {ROOT / picture for picture in pictures} == set((ROOT / "docs").iterdir())
    for picture in pictures:
        assert (ROOT / picture).stat().st_size < 130_000, picture
