"""Who may enter where. Deny by default: a URL that no line below names is refused to everybody.

Whether somebody may see a particular row is asked elsewhere: ``Model.objects.visible_to(user)``.
"""

from hms.models import User

ADMIN, DOCTOR, PATIENT, RECEPTIONIST = User.Role.ADMIN, User.Role.DOCTOR, User.Role.PATIENT, User.Role.RECEPTIONIST
EVERYBODY = frozenset({"signed out", ADMIN, DOCTOR, PATIENT, RECEPTIONIST})
SIGNED_IN = EVERYBODY - {"signed out"}
DESK = frozenset({RECEPTIONIST, ADMIN})

# A namespace, or one URL name within or outside of one; the longer name rules.
TABLE = {
    "frontdesk": DESK,
    "frontdesk:drugs": frozenset({ADMIN}),
    "frontdesk:drugs-export": frozenset({ADMIN}),
    "clinic": frozenset({DOCTOR}),
    "portal": frozenset({PATIENT}),
    "billing": DESK,
    "admin": frozenset({ADMIN}),
    "live-desk": DESK,
    "live-billing": DESK,
    "live-portal": frozenset({PATIENT}),
    "visit-link": EVERYBODY,  # the token in the address is the key; unknown or expired: 404
    "visit-link-move": EVERYBODY,
    "invitation": EVERYBODY,
    "prescription-check": EVERYBODY,  # whoever holds the paper: genuine or not, nothing of the patient
    "live-clinic": frozenset({DOCTOR}),
    "live-visit": frozenset({DOCTOR}),
    "live-display": EVERYBODY,  # the token in the address is the key; unknown or revoked: 404
    "display": EVERYBODY,
    "home": SIGNED_IN,
    "about": SIGNED_IN,
    "demo-outbox": EVERYBODY,  # 404 outside demo mode
    "session": EVERYBODY,  # says how long one stays signed in; to the signed-out, that they are
    "session-extend": SIGNED_IN,
    "healthz": EVERYBODY,
    "readyz": EVERYBODY,
    # allauth: signing in and out, one's own password, sessions and second factor
    "account_login": EVERYBODY,
    "account_signup": EVERYBODY,
    "account_signup_by_passkey": EVERYBODY,
    "account_inactive": EVERYBODY,
    "account_reset_password": EVERYBODY,
    "account_reset_password_done": EVERYBODY,
    "account_reset_password_from_key": EVERYBODY,
    "account_reset_password_from_key_done": EVERYBODY,
    "account_confirm_login_code": EVERYBODY,
    "account_email_verification_sent": EVERYBODY,
    "account_logout": EVERYBODY,
    "account_reauthenticate": SIGNED_IN,
    "account_change_password": SIGNED_IN,
    "account_set_password": SIGNED_IN,
    "account_email": frozenset(),  # an administrator changes a sign-in address, so that nobody moves an account away
    "mfa_authenticate": EVERYBODY,
    "mfa_reauthenticate": SIGNED_IN,
    "mfa_index": SIGNED_IN,
    "mfa_activate_totp": SIGNED_IN,
    "mfa_deactivate_totp": SIGNED_IN,
    "mfa_generate_recovery_codes": SIGNED_IN,
    "mfa_view_recovery_codes": SIGNED_IN,
    "mfa_download_recovery_codes": SIGNED_IN,
    "mfa_login_webauthn": EVERYBODY,
    "mfa_signup_webauthn": EVERYBODY,
    "mfa_list_webauthn": SIGNED_IN,
    "mfa_add_webauthn": SIGNED_IN,
    "mfa_edit_webauthn": SIGNED_IN,
    "mfa_remove_webauthn": SIGNED_IN,
    "mfa_reauthenticate_webauthn": SIGNED_IN,
    "usersessions_list": SIGNED_IN,
}

# Where each role is let in after signing in.
DOOR = {ADMIN: "frontdesk:day", RECEPTIONIST: "frontdesk:day", DOCTOR: "clinic:home", PATIENT: "portal:home"}


def allowed(view_name):
    """The roles (and perhaps "signed out") that may enter a URL, by its name; nobody if it is not in the table."""
    if view_name in TABLE:
        return TABLE[view_name]
    namespace, colon, _name = (view_name or "").partition(":")
    return TABLE.get(namespace, frozenset()) if colon else frozenset()


def who(user):
    """A user's line in the table."""
    return user.role if user.is_authenticated else "signed out"
