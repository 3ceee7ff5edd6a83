"""What HMS decides differently from allauth's defaults."""

import uuid

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.stages import EmailVerificationStage

from hms.domain import outbox
from hms.models import User


class VerifyOwnAddress(EmailVerificationStage):
    """allauth's stage, for the addresses that it keeps: those of people who signed up."""

    def handle(self):
        unproved = EmailAddress.objects.filter(user=self.login.user, verified=False).exists()
        return super().handle() if unproved or self.login.signup else (None, True)


class AccountAdapter(DefaultAccountAdapter):
    def send_mail(self, template_prefix, email, context):
        """Through the outbox as all mail: the page does not wait for a mail server, and a failure is seen and retried.

        Codes and links of allauth's mails let somebody in: nobody but the addressee reads them.
        """
        message = self.render_mail(template_prefix, email, {"email": email} | context)
        outbox.post(
            kind=f"account.{template_prefix.rpartition('/')[2]}",
            to=email,
            user=context.get("user"),
            subject=message.subject,
            text=message.body,
            key=f"account:{uuid.uuid4()}",
            secret=True,
        )

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

    def get_login_stages(self):
        """The address of whoever registered themself is proved before they are let in; others' were known before."""
        own = "hms.adapters.VerifyOwnAddress"
        return [own if stage.endswith(".EmailVerificationStage") else stage for stage in super().get_login_stages()]

    def add_message(self, request, level, message_template=None, message_context=None, extra_tags="", message=None):
        """Signing in and out needs no congratulation: the page that follows says it."""
        if message_template in {"account/messages/logged_in.txt", "account/messages/logged_out.txt"}:
            return
        super().add_message(request, level, message_template, message_context, extra_tags, message)
