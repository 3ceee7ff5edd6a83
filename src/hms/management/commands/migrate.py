"""Django's ``migrate``, past a transaction pooler: what it does needs a session of its own."""

import dj_database_url
from django.conf import settings
from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    def handle(self, *args, database, **options):
        connection = connections[database]
        if settings.DATABASE_DIRECT_URL != settings.URL:
            connection.close()
            direct = dj_database_url.parse(settings.DATABASE_DIRECT_URL)
            for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT"):
                connection.settings_dict[key] = direct[key]
            connection.settings_dict["OPTIONS"] = direct.get("OPTIONS", {})
        return super().handle(*args, database=database, **options)
