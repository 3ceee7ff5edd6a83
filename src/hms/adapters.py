"""What HMS decides differently from allauth's defaults."""

import uuid

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.stages import EmailVerificationStage
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from hms.domain import outbox
from hms.domain.settings import hospital
from hms.models import User


class VerifyOwnAddress(EmailVerificationStage):
    """allauth's stage, for the addresses that it keeps: those of people who signed up."""

    def handle(self):
        unproved = EmailAddress.objects.filter(user=self.login.user, verified=False).exists()
        return super().handle() if unproved or self.login.signup else (None, True)


CHANGES = {
    "password_changed": _("Your password was changed."),
    "password_set": _("A password was set."),
    "password_reset": _("Your password was chosen anew by the link of a mail."),
    "totp_activated": _("An authenticator app was added: signing in asks for its code."),
    "totp_deactivated": _("The authenticator app was removed."),
    "webauthn_added": _("A passkey or security key was added: it lets its owner sign in."),
    "webauthn_removed": _("A passkey or security key was removed."),
    "recovery_codes_generated": _("New recovery codes were made; the ones before are void."),
}


SAID = ("logged_in", "logged_out", "email_confirmation_sent")  # by the page that follows


class MFAAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("That is not the code. Enter the newest one of your app; each code works once.")
    }


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "incorrect_code": _("That is not the code. Enter the one in the newest mail.")
    }

    def send_mail(self, template_prefix, email, context):
        """Through the outbox as all mail: the page does not wait for a mail server, and a failure is seen and retried.

        Codes and links of allauth's mails let somebody in: nobody but the addressee reads them.
        """
        message = self.render_mail(template_prefix, email, {"email": email, "hospital": hospital()} | context)
        outbox.post(
            kind=f"account.{template_prefix.rpartition('/')[2]}",
            to=email,
            user=context.get("user"),
            subject=message.subject,
            text=message.body,
            key=f"account:{uuid.uuid4()}",
            secret=True,
        )

    def send_notification_mail(self, template_prefix, user, context=None, email=None):
        """Whoever signs in is told when what lets them in was changed: if it was not them, they know at once."""
        what = CHANGES.get(template_prefix.rpartition("/")[2], _("What lets you sign in was changed."))
        again = self.request.build_absolute_uri(reverse("account_reset_password"))
        context = {"user": user, "what": what, "password_reset_url": again}
        super().send_notification_mail("account/email/sign_in_changed", user, context, email)

    def format_email_subject(self, subject):
        """Without the name of a site in brackets: there is none."""
        return subject

    def is_open_for_signup(self, request):
        """To patients; staff accounts are made by an administrator."""
        return True

    def save_user(self, request, user, form, commit=True):
        """Whoever signs up is a patient, whatever was posted."""
        user.role = User.Role.PATIENT
        return super().save_user(request, user, form, commit)

    def get_reauthentication_methods(self, user):
        """A key before a code: codes are few, and meant for the day when the key is gone."""
        words = {"mfa_reauthenticate": _("Enter a code"), "mfa_reauthenticate:webauthn": _("Use your passkey or key")}
        found = super().get_reauthentication_methods(user)
        found = [method | {"description": words.get(method["id"], method["description"])} for method in found]
        return sorted(found, key=lambda method: method["id"] == "mfa_reauthenticate")

    def get_signup_redirect_url(self, request):
        """Whoever has just made a passkey is shown what lets them in without it."""
        if did_use_passwordless_login(request, request.user):
            return reverse("mfa_view_recovery_codes")
        return super().get_signup_redirect_url(request)

    def get_login_stages(self):
        """The address of whoever registered themself is proved before they are let in; others' were known before."""
        own = "hms.adapters.VerifyOwnAddress"
        return [own if stage.endswith(".EmailVerificationStage") else stage for stage in super().get_login_stages()]

    def add_message(self, request, level, message_template=None, message_context=None, extra_tags="", message=None):
        """Signing in and out and a code on its way need no message: the page that follows says it."""
        if message_template in {f"account/messages/{name}.txt" for name in SAID}:
            return
        super().add_message(request, level, message_template, message_context, extra_tags, message)
