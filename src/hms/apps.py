from django.apps import AppConfig
from django.conf import settings
from django.db import connection
from django.db.models.signals import post_migrate


class HmsConfig(AppConfig):
    name = "hms"
    verbose_name = "Hospital"

    def ready(self):
        """Join the embedded PostgreSQL where there is no other: every command works without set-up."""
        from hms import signals  # noqa: F401 (connects the receivers)

        # They say what a signature covers, and what follows a credit note.
        from hms.domain import diagnoses, payments, prescriptions, vitals  # noqa: F401

        # A database that was emptied (as tests do) gets back what migrations put there.
        post_migrate.connect(_fill, sender=self)
        if settings.EMBEDDED is not None and settings.JOIN_DATABASE:
            settings.EMBEDDED.join()


def _fill(**kwargs):
    from hms.domain import diagnoses, prescriptions

    if {"hms_icdcode", "hms_icdword", "hms_drug"} <= set(connection.introspection.table_names()):
        diagnoses.load_codes()
        diagnoses.load_words()
        prescriptions.load_drugs()
