"""The patient's own page: the next visit, those to come, and what there is to do."""

from datetime import timedelta

from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from hms import live
from hms.domain import payments, self_service
from hms.models import Appointment, MedicalRecord
from portal.own import own


@require_safe
@own
def home(request):
    """What comes next, what is new."""
    now = timezone.now()
    visits = Appointment.objects.filter(patient=request.patient).select_related("doctor__user", "doctor__department")
    coming = list(
        visits.filter(status__in=[*Appointment.WAITING_TO_HAPPEN, Appointment.Status.IN_PROGRESS])
        .filter(appointment_date__gt=now - timedelta(hours=12))
        .order_by("appointment_date")
    )
    coming = [a for a in coming if a.end > now or a.status == Appointment.Status.IN_PROGRESS or a.checked_in_at]
    past = visits.exclude(pk__in=[a.pk for a in coming]).filter(appointment_date__lt=now).order_by("-appointment_date")
    called_off = visits.filter(status=Appointment.Status.CANCELLED, appointment_date__gte=now).order_by(
        "appointment_date"
    )
    context = {
        "patient": request.patient,
        "next": coming[0] if coming else None,
        "later": coming[1:],
        "past": past[:5],
        "called_off": called_off[:5],
        "why_not": self_service.why_not_change(coming[0]) if coming else "",
        "owed": sum(left for _invoice, left in payments.owed(request.patient)),
        "news": MedicalRecord.objects.filter(patient=request.patient, signed_at__gt=now - timedelta(days=30)).count(),
    }
    return render(request, "portal/home.html", context)


@require_safe
@own
def stream(request):
    """That something of mine changed; what, the page asks itself."""
    return live.stream(request, "portal", str(request.patient.pk))
