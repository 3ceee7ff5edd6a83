"""allauth's forms without what our fields say already: a label stands above each, so nothing stands inside it."""

from allauth.account import forms
from allauth.mfa.adapter import get_adapter
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.forms import AddWebAuthnForm, SignupWebAuthnForm
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


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
    pass


class ResetPasswordForm(Plain, forms.ResetPasswordForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail")

    def clean_email(self):
        """Only who had a way in gets a new one; whom the desk registered comes by invitation and birthday."""
        email = super().clean_email()
        self.users = [user for user in self.users if user.has_usable_password() or is_mfa_enabled(user)]
        return email


class ResetPasswordKeyForm(Plain, forms.ResetPasswordKeyForm):
    pass


class ChangePasswordForm(Plain, forms.ChangePasswordForm):
    pass


class SetPasswordForm(Plain, forms.SetPasswordForm):
    pass


class ReauthenticateForm(Plain, forms.ReauthenticateForm):
    pass
