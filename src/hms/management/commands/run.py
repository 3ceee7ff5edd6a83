"""``manage.py run``: migrate, fill an empty demo, serve. What ``make run`` ends in."""

import os

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.utils import OperationalError
from psycopg_pool import PoolTimeout

from hms import server
from hms.demo import people
from hms.errors import StartError
from hms.models import User


class Command(BaseCommand):
    help = "Serves HMS on this machine (PORT, default 8000) until Ctrl-C; in demo mode with a demo hospital."
    requires_system_checks = []

    def handle(self, **options):
        port = os.environ.get("PORT", "").strip() or "8000"
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise StartError(f"PORT={port} is not a port. Say a number from 1 to 65535, as PORT=8080 make run.")
        listener = server.listen(int(port))
        self._reach_database()
        call_command("migrate", verbosity=0)
        if settings.DEMO:
            if not User.objects.exists():
                self.stdout.write("Filling the demo hospital …")
            call_command("demo", verbosity=0)
        connection.close()
        server.serve(listener, lambda: self._say(port))

    def _reach_database(self):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except (OperationalError, PoolTimeout) as e:
            where = connection.settings_dict.get("HOST") or connection.settings_dict["OPTIONS"].get("host", "")
            raise StartError(
                f"PostgreSQL at {where or 'DATABASE_URL'} cannot be reached. Is it running, and is DATABASE_URL right? "
                f"({str(e).strip().splitlines()[0]})"
            ) from e

    def _say(self, port):
        lines = [f"\nHMS is at http://127.0.0.1:{port}"]
        if settings.EMBEDDED is not None:
            lines.append(f"Its data is under {settings.EMBEDDED.data}")
        if settings.DEMO:
            lines += ["", "Sign in as"]
            lines += [f"  {who:<14} {email:<26} {people.PASSWORD}" for who, email in people.LOGINS]
        self.stdout.write("\n".join([*lines, "", "Ctrl-C stops it; the data stays."]))
        self.stdout.flush()
