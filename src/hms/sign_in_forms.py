"""allauth's forms without what our fields say already: a label stands above each, so nothing stands inside it."""

from allauth.account import forms
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
    pass


class CodeForm(Plain, forms.ConfirmEmailVerificationCodeForm):
    pass


class ResetPasswordForm(Plain, forms.ResetPasswordForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("E-mail")


class ResetPasswordKeyForm(Plain, forms.ResetPasswordKeyForm):
    pass


class ChangePasswordForm(Plain, forms.ChangePasswordForm):
    pass


class ReauthenticateForm(Plain, forms.ReauthenticateForm):
    pass
