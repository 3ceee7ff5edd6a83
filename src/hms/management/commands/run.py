"""``manage.py run``: prepare the database and serve, with one command. ``make run`` ends here."""

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from hms import server
from hms.beside import worker_beside


class Command(BaseCommand):
    help = "Migrate, load the demo hospital into an empty database (in demo mode), and serve on PORT (8000)."
    requires_system_checks = []  # `make test` makes them; a start should not wait for them

    def handle(self, **options):
        server.leave_quietly_on_signals()
        port = server.wanted_port()
        listener = server.take(port)
        server.check_database()
        with server.starting_alone():
            self._migrate()
            if settings.DEMO:
                self._demo()
        welcome = self._welcome(port)
        connection.close()
        with worker_beside():
            server.serve(listener, port, lambda: self._say(welcome))

    def _migrate(self):
        with server.direct_connection():
            executor = MigrationExecutor(connection)
            pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if pending:
            self._say("Preparing the database …")
            call_command("migrate", interactive=False, verbosity=0)

    def _demo(self):
        """An empty database gets the demo hospital; one that has it is brought up to now."""
        from hms.demo import load
        from hms.models import User

        if not User.objects.exists():
            self._say("Loading the demo hospital …")
            load.load()
        elif load.is_loaded():
            load.load()

    def _welcome(self, port):
        from hms.demo import people
        from hms.models import Hospital

        lines = [f"{Hospital.objects.current()} is open: http://{server.HOST}:{port}"]
        if settings.DEMO:
            lines += ["", f"  Sign in as       (the password of all is {people.PASSWORD})"]
            lines += [f"  {who:<16} {email}" for who, email in people.LOGINS]
        if settings.EMBEDDED is not None:
            lines += ["", f"  The data is kept in {settings.EMBEDDED.base}"]
        return "\n".join(["", *lines, "  Ctrl-C stops it.", ""])

    def _say(self, text):
        self.stdout.write(text)
        self.stdout.flush()
