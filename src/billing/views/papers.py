"""What is printed of an account, a reminder or a drawer, and the statement on the screen."""

from urllib.parse import urlencode

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from billing.forms.money import new_key
from billing.forms.period import PeriodForm
from billing.mailing import mail
from hms import account_papers, billing_letters, pdf
from hms.domain import audit, reminding
from hms.domain.settings import hospital
from hms.domain.statements import statement as statement_of
from hms.models import Invoice, Patient, Shift


def _patient(request, pk):
    return get_object_or_404(Patient.objects.visible_to(request.user).select_related("user"), pk=pk)


@require_safe
def statement(request, pk):
    """A patient's account from one day to another, with the balance after each row."""
    patient, form = _patient(request, pk), PeriodForm(request.GET)
    found = statement_of(patient, *form.days())
    audit.viewed(patient, by=request.user, action="statement.viewed")
    context = {"patient": patient, "form": form, "statement": found, "mail_key": new_key()}
    return render(request, "billing/statement.html", context, status=422 if form.errors else 200)


@require_safe
def statement_pdf(request, pk):
    """The same on paper."""
    patient = _patient(request, pk)
    found = statement_of(patient, *PeriodForm(request.GET).days())
    audit.viewed(patient, by=request.user, action="statement.printed")
    name = f"statement-{patient.record_number}-{found.last:%Y-%m-%d}"
    return pdf.shown(account_papers.statement_pdf(patient, found), name)


@require_POST
def statement_mail(request, pk):
    """Mail it to the patient, as a job."""
    patient, form = _patient(request, pk), PeriodForm(request.POST)
    first, last = form.days()
    query = urlencode({"first": f"{first}", "last": f"{last}"})
    address = f"{reverse('billing:statement', args=[patient.pk])}?{query}"
    send = billing_letters.mail_statement
    return mail(request, send, patient, first, last, name=_("The statement"), address=address)


@require_safe
def invoice_reminder(request, pk):
    """The reminder that is next (or the last one again) on paper, for whoever has no e-mail address."""
    found = get_object_or_404(Invoice.objects.visible_to(request.user).with_people(), pk=pk)
    if not found.is_overdue(hospital().today()):
        messages.error(request, _("%(number)s is not overdue: there is nothing to remind of.") % {"number": found})
        return redirect("billing:invoice", found.pk)
    audit.viewed(found.patient, by=request.user, action="reminder.printed")
    step = min(reminding.steps_sent([found])[found.pk] + 1, reminding.STEPS)
    return pdf.shown(account_papers.reminder_pdf(found, step), f"{found.number}-reminder-{step}")


@require_safe
def shift_pdf(request, pk):
    """The sheet of a closed drawer."""
    found = get_object_or_404(Shift.objects.select_related("clerk").filter(closed_at__isnull=False), pk=pk)
    return pdf.shown(account_papers.drawer_pdf(found), f"drawer-{found.pk}")
