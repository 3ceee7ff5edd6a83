"""The worker that ``manage.py run`` keeps beside its server: started with it, again if it dies, gone with it."""

import ctypes
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

from django.conf import settings

PAUSE = 5  # seconds before a worker that died is started again


@contextmanager
def worker_beside():
    """Inside, a process of its own does the jobs."""
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=[over], name="hms-worker", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join(10)


def _keep(over):
    # PR_SET_PDEATHSIG follows the thread that forks, and this one lives as long as the process does.
    while not over.is_set():
        worker = subprocess.Popen(  # noqa: S603
            [sys.executable, settings.BASE_DIR / "manage.py", "worker"],
            preexec_fn=_end_with_parent,
            start_new_session=True,  # Ctrl-C is for the server, which then tells the worker
        )
        while not over.wait(0.2):
            if worker.poll() is not None:
                break
        else:
            worker.terminate()
            try:
                worker.wait(8)
            except subprocess.TimeoutExpired:
                worker.kill()
            return
        over.wait(PAUSE)


def _end_with_parent(PR_SET_PDEATHSIG=1):
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
