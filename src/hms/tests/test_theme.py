"""The look keeps its promises: contrast, icons that exist, no inline styles or scripts, one table for all lists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "theme" / "static_src"
TEMPLATES = [p for folder in ("templates", "jinja2") for p in sorted((ROOT / "src").glob(f"*/{folder}/**/*.html"))]
TOKEN = re.compile(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)")
COLOURS = {name: (light, dark) for name, light, dark in TOKEN.findall((SOURCES / "src" / "tokens.css").read_text())}
KINDS = ["primary", "accent", "info", "success", "warning", "error"]
GROUNDS = ["color-base-100", "color-base-200", "color-base-300"]


def luminance(colour):
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


PAIRS = (
    [("color-base-content", ground) for ground in [*GROUNDS, "tint-neutral"]]
    + [("muted", ground) for ground in GROUNDS]
    + [(f"color-{kind}-content", f"color-{kind}") for kind in [*KINDS, "secondary", "neutral"]]
    + [(f"color-{kind}", ground) for kind in KINDS for ground in (*GROUNDS[:2], f"tint-{kind}")]
)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read_on_its_ground(text, ground, theme):
    assert contrast(COLOURS[text][theme], COLOURS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS[:2])
@pytest.mark.parametrize("line", ["edge", "focus"])
def test_edges_of_controls_can_be_seen(line, ground, theme):
    assert contrast(COLOURS[line][theme], COLOURS[ground][theme]) >= 3


def test_every_icon_that_a_template_names_is_in_the_sprite():
    listed = {line for line in (SOURCES / "icons.txt").read_text().splitlines() if not line.startswith("#")}
    named = set()
    for path in TEMPLATES:
        named |= set(re.findall(r"""(?:\bicon\s*\(?\s*|picture=)["']([a-z0-9-]+)["']""", path.read_text()))
    assert named
    assert named <= listed


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(ROOT / "src")))
def test_template_needs_nothing_that_the_content_security_policy_drops(path):
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*\b(src|type=\"application/json\"))|\son[a-z]+=", text)
    assert not re.search(r"hx-on|[\"']js:|javascript:", text)
    # htmx reads an unquoted space as the end of the selector, and then nothing fires (interface.md).
    assert not re.search(r"hx-trigger=\"[^\"]*from:(find|closest|next|previous) ", text)


def test_lock_of_npm_names_no_download_address():
    assert '"resolved"' not in (SOURCES / "package-lock.json").read_text()


@pytest.mark.parametrize(("name", "limit"), [("app.css", 25_000), ("app.js", 45_000)])
def test_styles_and_scripts_stay_small(name, limit):
    import gzip

    built = ROOT / "theme" / "static" / "dist" / name
    assert built.exists(), "build the theme first: npm run build in theme/static_src"
    assert len(gzip.compress(built.read_bytes(), 9)) <= limit
