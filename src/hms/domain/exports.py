"""Files of everything that is kept of a patient: asked for by them, made by a job, theirs for some days.

They lie in the database, since any process may be asked for them. Only their patient fetches them; each time is logged.
"""

import json
from datetime import timedelta

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from hms import jobs
from hms.domain import audit, whole_record
from hms.domain.settings import hospital
from hms.models import DataExport, Patient

KEPT = timedelta(days=7)  # that the files can be fetched
TOLD = timedelta(days=90)  # after which it is no longer said that there were some
TWICE = timedelta(seconds=10)  # within which a second click means the first
FILES = ("data", "paper")
Status = DataExport.Status


def ask(patient, *, by):
    """Have the files made; returns the DataExport. Asked again while that lasts, it is the same one.

    Earlier files of this patient go: there is one set at a time.
    """
    with transaction.atomic():
        Patient.objects.select_for_update().get(pk=patient.pk)
        earlier = DataExport.objects.defer(*FILES).filter(patient=patient).order_by("-pk")
        newest = earlier.first()
        if newest and (newest.status == Status.WAITING or (newest.is_open and _just_now(newest))):
            return newest
        earlier.filter(status=Status.FAILED).delete()
        earlier.filter(expires_at__gt=timezone.now()).update(expires_at=timezone.now(), data=None, paper=None)
        made = DataExport.objects.create(patient=patient)
        audit.viewed(patient, by=by, action="export.asked")
        jobs.later("patient.export", once=f"export:{made.pk}", export=made.pk)
        return made


def _just_now(export):
    return export.made_at > timezone.now() - TWICE


def latest(patient):
    """The newest DataExport without its files, or None."""
    return DataExport.objects.defer(*FILES).filter(patient=patient).order_by("-pk").first()


def make(pk, *, paper):
    """What the job does: read all parts, noting how far it is; ``paper``: function(parts) → PDF.

    What goes wrong is raised, to be tried again; the page says so meanwhile.
    """
    waiting = DataExport.objects.defer(*FILES).select_related("patient__user").exclude(status=Status.READY)
    export = waiting.filter(pk=pk).first()
    if export is None:  # made already, or asked for anew
        return
    row = DataExport.objects.filter(pk=pk)
    try:
        parts = {"hospital": hospital().name, "made": timezone.now()}
        for n, (name, read) in enumerate(whole_record.PARTS.items(), 1):
            parts[name] = read(export.patient)
            row.update(progress=n * 80 // len(whole_record.PARTS))
        data = json.dumps(parts, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1).encode()
        row.update(progress=85)
        made = paper(parts)
    except Exception:
        row.update(status=Status.FAILED)
        raise
    now = timezone.now()
    row.update(status=Status.READY, progress=100, data=data, paper=made, made_at=now, expires_at=now + KEPT)


def forget_old():
    """Remove the files that have expired, and in the end the note that there were some; returns how many files."""
    now = timezone.now()
    DataExport.objects.filter(asked_at__lt=now - TOLD).delete()
    expired = DataExport.objects.filter(expires_at__lte=now).exclude(data=None, paper=None)
    return expired.update(data=None, paper=None)
