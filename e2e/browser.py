"""Chromium for the journeys. A test fails at its end on any console error, script error or CSP violation."""

import os
import re
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

__all__ = ["allowed_errors", "browser", "page", "page_for"]

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP = {"width": 1440, "height": 900}
# Milliseconds: what a page shows is waited for this long, also on a machine that does three things at once.
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)
# Answers that a page of ours knows what to do with, and requests that a test itself held back: Chromium writes both
# to the console as errors.
EXPECTED = [
    r"the server responded with a status of (400|401|403|409|422)\b",
    r"net::ERR_(FAILED|BLOCKED_BY_CLIENT|ABORTED)\b",
]


@pytest.fixture(scope="session")
def browser():
    executable = os.environ.get("HMS_CHROMIUM") or shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
    with sync_playwright() as playwright:
        # Playwright's own Chromium where the system has none.
        options = {"executable_path": executable} if os.path.exists(executable) else {}
        browser = playwright.chromium.launch(args=ARGS, **options)
        yield browser
        browser.close()


@pytest.fixture
def allowed_errors():
    """Patterns of console errors that this test expects: ``allowed_errors.append("ERR_CONNECTION_REFUSED")``."""
    return list(EXPECTED)


@pytest.fixture
def page_for(browser, live_hms, allowed_errors):
    """``page_for(user, **context_options)``: a page of a browser of their own, signed in; with None signed out."""
    contexts, errors = [], []

    def make(user=None, **options):
        options.setdefault("viewport", DESKTOP)
        context = browser.new_context(base_url=live_hms.url, locale="en-GB", **options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        if user is not None:
            cookies = live_hms.sign_in(user).items()
            context.add_cookies([{"name": k, "value": v, "url": live_hms.url} for k, v in cookies])
        context.on(
            "console", lambda m: errors.append(f"{m.text} ({m.location.get('url', '')})") if m.type == "error" else None
        )
        context.on("weberror", lambda e: errors.append(f"script error: {e.error}"))
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
    unexpected = [e for e in errors if not any(re.search(p, e) for p in allowed_errors)]
    assert not unexpected, "The browser's console says:\n" + "\n".join(unexpected)


@pytest.fixture
def page(page_for):
    """A signed-out page."""
    return page_for()
