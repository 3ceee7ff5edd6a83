"""What was done at a visit, ticked for the invoice."""

from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic.views.consultation import SECTIONS
from hms.domain import invoicing, prices
from hms.errors import DomainError
from hms.models import Appointment, Invoice, Service, VisitService

OWN = 12  # services of the doctor's department that are one click away


def context(appointment, record, user):
    """What the section shows: ticked services, the department's own as buttons, the rest to be typed."""
    ticked = list(VisitService.objects.filter(appointment=appointment).select_related("service"))
    invoiced = Invoice.objects.issued().filter(appointment=appointment).exclude(status=Invoice.Status.CANCELLED)
    writable = appointment.is_live and not (record and record.is_signed) and appointment.doctor.user_id == user.pk
    open_ = writable and not invoiced.exists()
    listed = list(Service.objects.on(invoicing.visit_day(appointment)).order_by("code")[:1000]) if open_ else []
    have = {row.service_id for row in ticked}
    own = [s for s in listed if s.department_id == appointment.doctor.department_id and s.pk not in have]
    return {
        "ticked": ticked,
        "services": listed,
        "own_services": own[:OWN],
        "services_open": open_,
        "services_refusal": "",
        "services_typed": {},
        "sections_after": ["clinic/_services_section.html"],
    }


SECTIONS.append(context)


def _answer(request, appointment, refusal="", typed=None):
    if not request.htmx and not refusal:
        return redirect("clinic:consultation", appointment.pk)
    record = appointment.medicalrecord_set.filter(amends=None).first()
    shown = context(appointment, record, request.user) | {"appointment": appointment}
    shown |= {"services_refusal": refusal, "services_typed": typed or {}}
    template = "clinic/_services_section.html" if request.htmx else "clinic/services.html"
    return render(request, template, shown, status=422 if refusal else 200)


@require_POST
def service_tick(request, pk):
    """Tick a service by its row (``service``) or by the code that was typed (``code``)."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user).with_people(), pk=pk)
    try:
        service, quantity = _typed(request.POST, appointment)
        invoicing.tick_service(appointment, service, by=request.user, quantity=quantity)
    except DomainError as e:
        return _answer(request, appointment, str(e), request.POST)
    return _answer(request, appointment)


def _typed(typed, appointment):
    day = invoicing.visit_day(appointment)
    quantity = typed.get("quantity", "").strip() or "1"
    if not (quantity.isascii() and quantity.isdigit() and len(quantity) < 5):
        raise DomainError(_("Write a quantity from 1 to 999."))
    pk = typed.get("service", "")
    if pk.isascii() and pk.isdigit() and len(pk) < 19:
        service = Service.objects.on(day).filter(pk=pk).first()
    else:
        what = " ".join(typed.get("code", "").replace("\x00", "").split())[:200]
        code = what.upper()
        service = prices.find(code, day) or prices.find(code.split(" ")[0], day) if code else None
        if service and code not in {service.code, str(service).upper()}:
            service = None
    if service is None:
        raise DomainError(_("This is not on the price list. Choose a code of the list."))
    return service, int(quantity)


@require_POST
def service_untick(request, pk, service):
    """It was not done after all."""
    appointment = get_object_or_404(Appointment.objects.visible_to(request.user).with_people(), pk=pk)
    ticked = get_object_or_404(VisitService, appointment=appointment, pk=service)
    try:
        invoicing.untick_service(appointment, ticked.service, by=request.user)
    except DomainError as e:
        return _answer(request, appointment, str(e))
    return _answer(request, appointment)
