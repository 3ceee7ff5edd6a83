"""The process that sets paper (started by hms.pdf): reads a request, answers it, reads the next, until its input ends.

Each message is a length (4 bytes, big endian) and that many bytes. A request is JSON: ``{"template", "data"}``; an
answer is one byte, 0 for a PDF and 1 for an error in words, and what follows.
"""

import json
import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import typst

TEMPLATES = Path(__file__).resolve().parent / "typst"
# Packages that bring the fonts, so that every machine sets the same paper; the machine's own come after them.
FONTS = ["fontpkg_noto_sans", "fontpkg_noto_sans_arabic", "cvttf_NotoSansCJK_Regular"]


def main():
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    compilers = {}
    while head := requests.read(4):
        asked = json.loads(requests.read(struct.unpack(">I", head)[0]))
        try:
            answer = b"\0" + _set(compilers, asked["template"], asked["data"])
        except Exception as e:
            answer = b"\1" + f"{type(e).__name__}: {e}".encode()
        answers.write(struct.pack(">I", len(answer)) + answer)
        answers.flush()


def _set(compilers, template, data):
    inputs = {"data": json.dumps(data)}
    compiler = compilers.get(template)
    if compiler is None:
        path = TEMPLATES / f"{template}.typ"
        fonts = [Path(spec.origin).parent for name in FONTS if (spec := find_spec(name))]
        compiler = compilers[template] = typst.Compiler(path, root=TEMPLATES, font_paths=fonts, sys_inputs=inputs)
    return compiler.compile(format="pdf", sys_inputs=inputs)


if __name__ == "__main__":
    main()
