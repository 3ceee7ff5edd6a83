"""``manage.py migrate``, on the direct address: a pooler in transaction mode cannot hold its locks."""

from django.core.management.commands.migrate import Command as Migrate

from hms.server import direct_connection


class Command(Migrate):
    def handle(self, *args, **options):
        with direct_connection():
            return super().handle(*args, **options)
