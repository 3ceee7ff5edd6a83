"""Paper: ``pdf.render("invoice", data)`` sets ``hms/typst/invoice.typ`` with JSON-able ``data`` into a tagged PDF.

What people typed goes along as data and never as markup. Setting is done by a child process that stays warm: typst and
its fonts would add some 40 MB to each page process, and a document that hangs can be ended without taking the page
along. One at a time for each process: a page takes milliseconds.
"""

import atexit
import json
import re
import select
import struct
import subprocess
import sys
import threading
import time

from django.http import HttpResponse
from django.utils.translation import get_language

from hms import paper_words

LIMIT = 20  # seconds that one document may take, the first one included
NAME = re.compile(r"[a-z][a-z_]*")

_lock = threading.Lock()
_child = None


class NoPaper(Exception):
    """The document could not be set; hms.middleware answers in words, with 503."""


def shown(content, name):
    """The answer with a PDF that the browser shows, and keeps as ``name``.pdf."""
    response = HttpResponse(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return response


def render(template, data):
    """The PDF as bytes. Raises NoPaper when it cannot be set, or not in time."""
    if not NAME.fullmatch(template):
        raise ValueError(template)
    common = {"words": paper_words.words(), "lang": get_language().partition("-")[0]}
    request = json.dumps({"template": template, "data": data | common}).encode()
    with _lock:
        for attempt in (1, 2):
            try:
                answer = _ask(request)
                break
            except (OSError, EOFError) as e:  # the child has gone: a new one, once
                end()
                if attempt == 2 or isinstance(e, TimeoutError):
                    raise NoPaper(str(e) or "the typesetter has gone") from e
    if answer[:1] != b"\0":
        raise NoPaper(answer[1:].decode(errors="replace"))
    return answer[1:]


def _ask(request):
    global _child
    if _child is None or _child.poll() is not None:
        _child = subprocess.Popen(
            [sys.executable, "-m", "hms.pdf_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for the server
            env={"PYTHONPATH": ":".join(p for p in sys.path if p), "PATH": ""},
        )
    until = time.monotonic() + LIMIT
    _child.stdin.write(struct.pack(">I", len(request)) + request)
    (length,) = struct.unpack(">I", _read(4, until))
    return _read(length, until)


def _read(count, until):
    """Exactly ``count`` bytes of the child's answer, or an error."""
    parts = []
    while count:
        left = until - time.monotonic()
        if left <= 0 or not select.select([_child.stdout], [], [], left)[0]:
            raise TimeoutError(f"not set within {LIMIT} s")
        part = _child.stdout.read(min(count, 1 << 16))
        if not part:
            raise EOFError("the typesetter has gone")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def end():
    """End the child; the next document starts a new one."""
    global _child
    if _child is not None:
        _child.kill()
        _child.wait()
        _child.stdin.close()
        _child.stdout.close()
        _child = None


atexit.register(end)
