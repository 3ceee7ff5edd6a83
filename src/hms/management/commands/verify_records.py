"""``manage.py verify_records``: is every signed record as it was signed? Exit status 1 if one is not."""

import sys

from django.core.management.base import BaseCommand

from hms.domain import records
from hms.models import MedicalRecord


class Command(BaseCommand):
    help = "Check the seal of every signed record; names those that were altered past the application."

    def handle(self, **options):
        problems = list(records.verify())
        for problem in problems:
            # Ids only: whoever keeps this machine's logs need not know the patient.
            self.stderr.write(f"record {problem.record.pk} of patient {problem.record.patient_id}: {problem.what}")
        count = MedicalRecord.objects.filter(signed_at__isnull=False).count()
        if problems:
            self.stderr.write(f"{len(problems)} of {count} signed records are not as they were signed.")
            sys.exit(1)
        self.stdout.write(f"All {count} signed records are as they were signed.")
