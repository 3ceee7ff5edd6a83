"""How the hospital reaches me: phones, and the address by which I sign in, which is proved before it counts."""

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.forms import BaseConfirmCodeForm
from allauth.account.internal.flows.email_verification import handle_verification_email_rate_limit
from allauth.account.internal.flows.email_verification_by_code import EmailVerificationProcess
from allauth.decorators import rate_limit
from django import forms
from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from hms.domain import contacts
from hms.errors import DomainError
from hms.models import User
from hms.sign_in_forms import Plain
from portal.forms import ContactForm
from portal.own import own
from portal.views.book import FORM


@require_http_methods(FORM)
@own
def contact(request):
    """My phone and whom to call in an emergency."""
    initial = {"phone": request.user.phone, "emergency_contact": request.patient.emergency_contact}
    form = ContactForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        contacts.change(request.patient, **form.cleaned_data, by=request.user)
        messages.success(request, _("Your contact data are saved."))
        return redirect("portal:contact")
    return render(request, "portal/contact.html", {"form": form}, status=422 if form.errors else 200)


class EmailForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("New e-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
        error_messages={"required": gettext_lazy("Write the new address.")},
    )

    def clean_email(self):
        return User.objects.normalize_email(get_adapter().clean_email(self.cleaned_data["email"]))


class CodeForm(Plain, BaseConfirmCodeForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].error_messages["required"] = _("Type the code from the mail.")


class Change(EmailVerificationProcess):
    """allauth's code process (tries, time), apart from that of signing up: in the session under its own name."""

    KEY = "portal_email_change"

    def persist(self):
        self.request.session[self.KEY] = self.state

    def abort(self):
        self.request.session.pop(self.KEY, None)

    def send(self, skip_enumeration_mails=False):
        handle_verification_email_rate_limit(self.request, self.email)
        contacts.send_code(self.email, self.code, by=self.request.user)

    @classmethod
    def begin(cls, request, email):
        process = cls(request, cls.initial_state(request.user, email), user=request.user)
        process.generate_code()
        process.send()
        process.persist()

    @classmethod
    def of(cls, request):
        """The one that was begun in this session and is still good, or None."""
        state = request.session.get(cls.KEY)
        return cls(request, state).abort_if_invalid() if state else None


@require_http_methods(FORM)
@own
@reauthentication_required
@rate_limit(action="manage_email")
def email(request):
    """A new address: a code goes there. The answer is the same whether or not somebody else signs in with it."""
    form = EmailForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        new = form.cleaned_data["email"]
        if new == request.user.email:
            form.add_error("email", _("This is your address already."))
        else:
            Change.begin(request, new)
            return redirect("portal:email-code")
    return render(request, "portal/email.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(FORM)
@own
def email_code(request):
    """The code from the mail; then the address counts, and the old one is told."""
    change = Change.of(request)
    if change is None or change.state["user_id"] != str(request.user.pk):
        messages.error(request, _("That took too long. Ask for a new code."))
        return redirect("portal:email")
    form = CodeForm(request.POST or None, code=change.code)
    if request.method == "POST":
        if form.is_valid():
            change.abort()  # a code is good once
            try:
                contacts.change_email(request.user, email=change.email, by=request.user)
            except DomainError as e:
                messages.error(request, str(e))
                return redirect("portal:email")
            messages.success(request, _("Your new address is saved. You sign in with it from now on."))
            return redirect("portal:contact")
        if "code" in form.data and form.data["code"].strip() and not change.record_invalid_attempt():
            messages.error(request, _("The code was wrong too often. Ask for a new one."))
            return redirect("portal:email")
    context = {"form": form, "email": change.email}
    return render(request, "portal/email_code.html", context, status=422 if form.errors else 200)
