"""``manage.py migrate``, on the direct address: a pooler in transaction mode cannot hold its locks."""

from django.core.management.commands.migrate import Command as Migrate

from hms.server import direct_connection


class Command(Migrate):
    def execute(self, *args, **options):
        # Its checks ask the database for its version, so they too go there.
        with direct_connection():
            return super().execute(*args, **options)
