#!/usr/bin/env python
"""Django's command line, with the project's sources on the path."""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent / "src"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hms.settings")
    from django.core.management import execute_from_command_line

    from hms.errors import StartError

    try:
        execute_from_command_line(sys.argv)
    except StartError as e:
        sys.exit(f"hms: {e}")
