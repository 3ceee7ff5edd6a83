"""allauth's forms without what our fields say already: a label stands above each, so nothing stands inside it."""

from allauth.account import forms
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.forms import AddWebAuthnForm, SignupWebAuthnForm
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from hms.models import Patient, User


class Plain:
    """No placeholders."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class LoginForm(Plain, forms.LoginForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail")
        self.fields["login"].error_messages["required"] = _("Enter your e-mail address.")
        self.fields["password"].error_messages["required"] = _("Enter your password.")
        self.fields["password"].help_text = ""  # the page has its own link for a forgotten password


class SignupForm(Plain, forms.SignupForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail")
        self.fields["email"].error_messages["required"] = _("Enter your e-mail address.")
        if "password1" in self.fields:
            self.fields["password1"].error_messages["required"] = _("Choose a password.")
            self.fields["password1"].help_text = _("At least 12 characters")

    def try_save(self, request):
        """The answer to a known address takes as long as the one to a new: a password is hashed for both."""
        if self.account_already_exists and not self.by_passkey:
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)


class Readable:
    """What a key is said to have answered may be anything: refused, where fido2's parsers would stumble over it."""

    def clean(self):
        try:
            return super().clean()
        except ValidationError:
            raise
        except Exception as e:
            raise get_adapter().validation_error("incorrect_code") from e


class SignupPasskeyForm(Readable, SignupWebAuthnForm):
    pass


class AddPasskeyForm(Readable, AddWebAuthnForm):
    pass


class CodeForm(Plain, forms.ConfirmEmailVerificationCodeForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].error_messages["required"] = _("Enter the code from the mail.")
        self.fields["code"].help_text = _("Letters and digits, as in the newest mail")


class ResetPasswordForm(Plain, forms.ResetPasswordForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail")

    def clean_email(self):
        """Only who had a way in gets a new one; whom the desk registered comes by invitation and birthday."""
        email = super().clean_email()
        self.users = [user for user in self.users if self._had_a_way_in(user)]
        return email

    @staticmethod
    def _had_a_way_in(user):
        if user.has_usable_password() or is_mfa_enabled(user):
            return True
        # Stopped before making the passkey: the address is proved, and there is no record yet that it could open.
        proved = EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists()
        return proved and user.role == User.Role.PATIENT and not Patient.objects.filter(user=user).exists()


class NewPassword(Plain):
    """One rule is told beforehand; what else is wrong with a password, when it is."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["password1"].label = _("New password")
        self.fields["password1"].help_text = _("At least 12 characters")
        self.fields["password2"].label = _("New password again")


class ResetPasswordKeyForm(NewPassword, forms.ResetPasswordKeyForm):
    pass


class ChangePasswordForm(NewPassword, forms.ChangePasswordForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = _("Password now")
        self.fields["oldpassword"].help_text = ""


class SetPasswordForm(NewPassword, forms.SetPasswordForm):
    pass


class ReauthenticateForm(Plain, forms.ReauthenticateForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""  # the page has its own link
        self.fields["password"].error_messages["required"] = _("Enter your password.")


class AnyCode(Plain):
    """A code of the app, or one of the recovery codes."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("A code from your app, or a recovery code")
        self.fields["code"].error_messages["required"] = _("Enter a code.")


class SecondStepForm(AnyCode, mfa_forms.AuthenticateForm):
    pass


class SecondStepAgainForm(AnyCode, mfa_forms.ReauthenticateForm):
    pass


class AppForm(Plain, ActivateTOTPForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("Code from the app")
        self.fields["code"].error_messages["required"] = _("Enter the code that the app shows.")
