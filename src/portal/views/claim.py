"""An invited patient opens the record that the desk made of them."""

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.account.utils import perform_login
from allauth.core import ratelimit
from django import forms
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from hms.domain import registration
from hms.errors import DomainError
from hms.forms import DateOfBirthField
from hms.models import Invitation
from portal.views.book import FORM


class ClaimForm(forms.Form):
    date_of_birth = DateOfBirthField(label=_("Your date of birth"))
    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    password = forms.CharField(
        label=_("Choose a password"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters"),
    )

    def clean_password(self):
        return get_adapter().clean_password(self.cleaned_data["password"])


@require_http_methods(FORM)
def claim(request, token):
    """The birthday proves who it is; then address and password are theirs."""
    invitation = Invitation.objects.for_token(token)
    if invitation is None:
        return render(request, "portal/claim.html", {"form": None}, status=404)
    form = ClaimForm(request.POST or None, initial={"email": invitation.patient.user.email})
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        # Each invitation ends at a few wrong birthdays; this stops who tries many of them.
        if not ratelimit.consume(request, action="claim", dry_run=True):
            form.add_error(
                None, _("There were many wrong dates from here. Wait ten minutes and try again, or call us.")
            )
            return render(request, "portal/claim.html", {"form": form}, status=429)
        data = form.cleaned_data
        try:
            user = registration.claim(
                invitation, email=data["email"], password=data["password"], born=data["date_of_birth"]
            )
        except DomainError as e:
            if e.field != "email":
                ratelimit.consume(request, action="claim")
            form.add_error(e.field if e.field in form.fields else None, str(e))
            status = 422
        else:
            # Whoever typed the address proves it by the code before the record opens (hms.adapters).
            EmailAddress.objects.filter(user=user).delete()
            EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
            return perform_login(request, user, email=user.email)
    return render(request, "portal/claim.html", {"form": form}, status=status)
