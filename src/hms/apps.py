from django.apps import AppConfig
from django.conf import settings


class HmsConfig(AppConfig):
    name = "hms"
    verbose_name = "Hospital"

    def ready(self):
        """Join the embedded PostgreSQL where there is no other: every command works without set-up."""
        from hms import signals  # noqa: F401 (connects the receivers)

        # They say what a signature covers, and what follows a credit note.
        from hms.domain import diagnoses, payments, prescriptions, vitals  # noqa: F401

        if settings.EMBEDDED is not None and settings.JOIN_DATABASE:
            settings.EMBEDDED.join()
