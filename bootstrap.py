"""From a bare machine to a running or tested HMS: ``python3 bootstrap.py run|test|bench|format|screenshots|build``.

Needs Python 3.11 and nothing else: this file imports the standard library only. Each step is done again only when what
it depends on has changed (its fingerprint lies beside what it made).
"""

import glob
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / "python"
SOURCES = ROOT / "theme" / "static_src"
BUILT = ROOT / "theme" / "static" / "dist"
OLDEST = (3, 11)
OLDEST_NODE = 20


class Failed(Exception):
    """A step did not work; the sentence says what to do."""


def main():
    target = sys.argv[1] if len(sys.argv) == 2 else ""
    steps = {
        "run": run,
        "test": test,
        "bench": bench,
        "format": format_code,
        "screenshots": screenshots,
        "build": build,
    }
    if target not in steps:
        sys.exit(f"Say what to do: {', '.join(steps)}.")
    if sys.version_info < OLDEST:
        sys.exit(
            f"HMS needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try `make PYTHON=python3.12 {target}`."
        )
    os.chdir(ROOT)
    try:
        sys.exit(steps[target]())
    except Failed as e:
        sys.exit(f"hms: {e}")
    except KeyboardInterrupt:
        sys.exit(130)


# --- targets


def run():
    """Serve the demo hospital until Ctrl-C."""
    build()
    # Replaced, so that Ctrl-C and the exit status are the server's own.
    os.execv(PYTHON, [str(PYTHON), "manage.py", "run"])


def test():
    """Every check, every test; ARGS goes to pytest."""
    packages("test")
    theme()
    static_files()
    chromium(), pgbouncer()
    checks = {
        "ruff check": [BIN / "ruff", "check", "."],
        "ruff format": [BIN / "ruff", "format", "--check", "--quiet", "."],
        "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"],
        "check --deploy": [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        "htmx upgrade check": [PYTHON, upgrade_check(), ROOT / "src", SOURCES / "src"],
    }
    production = {
        "HMS_DEMO": "0",
        "HMS_SECRET_KEY": "k" * 20 + "0123456789" * 4,
        "HMS_ALLOWED_HOSTS": "hospital.example",
    }
    for name, command in checks.items():
        print(f"== {name}", flush=True)
        if call(command, env=production if name == "check --deploy" else {}):
            raise Failed(f"{name} found something; see above.")
    print("== tests", flush=True)
    return call([BIN / "pytest", *shlex.split(os.environ.get("ARGS", ""))], env={"HMS_DATABASE_POOL": "0"})


def bench():
    """Measure; BENCH=large for a million patients."""
    packages("test")
    theme()
    static_files()
    return call([PYTHON, "-m", "bench"])


def screenshots():
    """The README's pictures, from the demo hospital."""
    packages("test")
    theme()
    static_files()
    chromium()
    return call([PYTHON, "-m", "e2e.screenshots"])


def format_code():
    packages("test")
    return call([BIN / "ruff", "check", "--fix", "."]) or call([BIN / "ruff", "format", "."])


def build():
    """All that serving needs: packages, theme, static files."""
    packages("run")
    theme()
    static_files()


# --- steps


def packages(kind):
    """The virtual environment with the hash-pinned packages of requirements/<kind>.txt (test holds all of run)."""
    if not PYTHON.exists():
        say("Making .venv")
        if call([sys.executable, "-m", "venv", VENV]):
            raise Failed("Python could not make a virtual environment (on Debian: apt install python3-venv).")
    test_mark, run_mark = VENV / ".packages-test", VENV / ".packages-run"
    if kind == "run" and fresh(test_mark, ROOT / "requirements" / "test.txt"):
        return  # more than enough
    mark, wanted = (test_mark if kind == "test" else run_mark), ROOT / "requirements" / f"{kind}.txt"
    if not fresh(mark, wanted):
        say("Installing packages")
        pip_install(wanted)
        done(mark, wanted)


def pip_install(requirements):
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    if call([PYTHON, "-m", "pip", "install", *quiet, "--no-deps", "--require-hashes", "-r", requirements]):
        raise Failed("Packages could not be installed; pip says why above. Is the network reachable?")


def theme():
    """theme/static/dist: styles, scripts and icons, from npm's packages and our sources."""
    lock, mark = SOURCES / "package-lock.json", SOURCES / "node_modules" / ".installed"
    if not fresh(mark, lock):
        say("Installing the theme's packages")
        if npm("ci", "--no-fund", "--no-audit", "--loglevel=error"):
            raise Failed("npm could not install the theme's packages; it says why above.")
        done(mark, lock)
    sources = [p for p in SOURCES.rglob("*") if p.is_file() and "node_modules" not in p.parts]
    for folder in ("templates", "jinja2", "templatetags"):
        sources += [p for p in (ROOT / "src").glob(f"*/{folder}/**/*") if p.is_file() and p.suffix != ".pyc"]
    sources += [*(ROOT / "src").glob("*/*.py")]  # class names in Python: tables, forms
    if not (fresh(BUILT / ".built", *sources) and (BUILT / "app.css").exists()):
        say("Building the theme")
        if npm("run", "--silent", "build"):
            raise Failed("The theme could not be built; see above.")
        done(BUILT / ".built", *sources)


def static_files():
    """Hashed and compressed, where the server finds them."""
    target = Path(os.environ.get("HMS_DATA_DIR") or ROOT / "var") / "static"
    sources = [p for p in BUILT.iterdir() if p.is_file() and p.name != ".built"] + [ROOT / "requirements" / "run.txt"]
    if not fresh(target / ".gathered", *sources):
        say("Gathering static files")
        if call([PYTHON, "manage.py", "collectstatic", "--noinput", "--clear", "-v0"], env={"HMS_JOIN_DATABASE": "0"}):
            raise Failed("Static files could not be gathered; see above.")
        done(target / ".gathered", *sources)


# --- Node: the machine's if it is new enough, else the one on PyPI


def node():
    found = shutil.which("node")
    if found and shutil.which("npm"):
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
        if (major := re.match(r"v(\d+)", version)) and int(major[1]) >= OLDEST_NODE:
            return found
    if not (BIN / "node").exists():
        say("Installing Node from PyPI")
        pip_install(ROOT / "requirements" / "node.txt")
    return str(BIN / "node")


def npm(*args):
    own = Path(node()).parent
    return call([own / "npm", *args], cwd=SOURCES, env={"PATH": f"{own}{os.pathsep}{os.environ['PATH']}"})


def upgrade_check():
    """htmx's own finder of htmx 2 spellings."""
    found = SOURCES / "node_modules" / "htmx.org" / "dist" / "scripts" / "upgrade-check.py"
    if not found.exists():
        raise Failed("htmx.org no longer brings its upgrade check; look where it went.")
    return found


# --- what tests need besides packages


def chromium():
    """A Chromium for the browser tests: named, Playwright's own, the system's, or Debian's package when we are root."""
    own = glob.glob(os.path.expanduser("~/.cache/ms-playwright/chromium-*/chrome-linux*/chrome"))
    found = (
        os.environ.get("HMS_CHROMIUM")
        or next(iter(own), None)
        or system("chromium", "chromium-browser", "google-chrome")
    )
    if not found:
        apt_install("chromium", "Chromium for the browser tests")
        found = system("chromium")
    os.environ["HMS_CHROMIUM"] = found


def pgbouncer():
    """PgBouncer, for the test behind a transaction pooler."""
    if not system("pgbouncer"):
        apt_install("pgbouncer", "PgBouncer for the test behind a transaction pooler")


def system(*names):
    path = os.environ["PATH"] + os.pathsep + "/usr/sbin"
    return next((p for name in names if (p := shutil.which(name, path=path))), None)


def apt_install(package, what):
    missing = f"The tests need {what}. Install it (Debian: apt install {package}) and try again."
    if not shutil.which("apt-get") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise Failed(missing)
    say(f"Installing {package}")
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    if call(["apt-get", "update", "-qq"], env=env) or call(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], env=env, stdout=subprocess.DEVNULL
    ):
        raise Failed(missing)


# --- small change


def say(text):
    print(f"{text} …", flush=True)


def call(command, *, env=None, **options):
    """Run a command; its exit status."""
    return subprocess.run([str(c) for c in command], env=os.environ | (env or {}), check=False, **options).returncode


def fingerprint(paths):
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path).encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def fresh(mark, *paths):
    """Whether the step that left this mark was done with exactly these files."""
    return mark.exists() and mark.read_text() == fingerprint(paths)


def done(mark, *paths):
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text(fingerprint(paths))


if __name__ == "__main__":
    main()
