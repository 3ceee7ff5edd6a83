"""One settings file, reading the environment. The README holds the table of variables."""

import os
import secrets
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import dj_database_url
import pghistory
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from hms.errors import StartError
from hms.postgres import Embedded

BASE_DIR = Path(__file__).resolve().parent.parent.parent
if str(BASE_DIR) not in sys.path:
    sys.path.append(str(BASE_DIR))  # where theme/ is


def env(name, default=""):
    return os.environ.get(name, default).strip()


def flag(name, default):
    value = env(name).lower()
    return default if not value else value in {"1", "true", "yes", "on"}


DATA_DIR = Path(env("HMS_DATA_DIR") or BASE_DIR / "var").resolve()
DATABASE_URL = env("DATABASE_URL")
# Without a database of its own this is somebody trying HMS out.
DEMO = flag("HMS_DEMO", default=not DATABASE_URL)
DEBUG = flag("HMS_DEBUG", default=False)


def _secret_key():
    """The key from the environment; for the embedded database, one that is made once and kept beside it."""
    key = env("HMS_SECRET_KEY")
    if key:
        return key
    if DATABASE_URL and not DEMO:
        raise StartError("Set HMS_SECRET_KEY to a long random text, the same for every process.")
    path = DATA_DIR / "secret_key"
    try:
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError), open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as f:
            f.write(secrets.token_urlsafe(60))
        return path.read_text()
    except OSError as e:
        raise StartError(
            f"Cannot write to {DATA_DIR} ({e.strerror}). Make it writable, or set HMS_DATA_DIR to a folder that is."
        ) from e


SECRET_KEY = _secret_key()
# Behind a TLS proxy: how many proxies stand in front, each adding one X-Forwarded-For entry.
TRUSTED_PROXY_COUNT = int(env("HMS_TRUSTED_PROXY_COUNT", "0"))
SECURE = flag("HMS_SECURE", default=not DEMO)
ALLOWED_HOSTS = [h for h in env("HMS_ALLOWED_HOSTS").split(",") if h] or (
    ["localhost", "127.0.0.1", "[::1]"] if not SECURE else []
)
CSRF_TRUSTED_ORIGINS = [f"https://{h.lstrip('.')}" for h in ALLOWED_HOSTS if SECURE and h != "*"]

INSTALLED_APPS = [
    "hms",
    "frontdesk",
    "clinic",
    "portal",
    "billing",
    "theme",
    "hms.admin_site.Config",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_filters",
    "django_htmx",
    "django_tables2",
    "pghistory",
    "pgtrigger",
    "phonenumber_field",
    "procrastinate.contrib.django",
    "tailwind",
]
MIDDLEWARE = [
    "hms.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "hms.middleware.Requests",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "hms.middleware.SessionLimits",
    "hms.middleware.Doors",
    "hms.middleware.History",
    "hms.middleware.Paper",
]
ROOT_URLCONF = "hms.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["hms.templatetags.hms"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "hms.context.hms",
            ],
        },
    },
    # What is rendered by the hundred, five times faster here: cards and columns of the board, fields (jinja2/ folders).
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "APP_DIRS": True,
        "OPTIONS": {"environment": "hms.jinja.environment"},
    },
]
ASGI_APPLICATION = "hms.asgi.application"
FORM_RENDERER = "hms.forms.Renderer"

# Set-up steps that touch no data (building the theme, gathering static files) need no database.
JOIN_DATABASE = flag("HMS_JOIN_DATABASE", default=True)
EMBEDDED = None if DATABASE_URL else Embedded(DATA_DIR)
URL = DATABASE_URL or EMBEDDED.url
if URL.split(":")[0] not in {"postgres", "postgresql"}:
    raise StartError("DATABASE_URL must be a PostgreSQL address (postgresql://…); HMS runs on nothing else.")
# The address for LISTEN and migrations, where DATABASE_URL leads through a transaction pooler.
DATABASE_DIRECT_URL = env("DATABASE_DIRECT_URL") or URL
POOL_SIZE = int(env("HMS_DATABASE_POOL", "20"))
DATABASES = {
    "default": dj_database_url.parse(URL, conn_health_checks=True)
    | {"DISABLE_SERVER_SIDE_CURSORS": bool(env("DATABASE_DIRECT_URL"))}
}
DATABASES["default"].setdefault("OPTIONS", {})
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 5)
if POOL_SIZE:
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": POOL_SIZE,
        "timeout": 10,
        "reconnect_timeout": 10,
    }
PAGE_THREADS = int(env("HMS_THREADS", "8"))  # pages that one process works on at a time
# Seconds between a stream's keep-alives, at which its right to listen is asked again.
LIVE_BEAT = float(env("HMS_LIVE_BEAT", "10"))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "hms_cache"}}

PGHISTORY_APPEND_ONLY = True
# Who and why stand in the event's own row: no second table to write at each change or join at each reading.
PGHISTORY_CONTEXT_FIELD = pghistory.ContextJSONField()
PGHISTORY_DEFAULT_TRACKERS = (pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())

# --- Who signs in, and for how long
AUTH_USER_MODEL = "hms.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "hms.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "hms.sign_in_forms.LoginForm",
    "signup": "hms.sign_in_forms.SignupForm",
    "confirm_email_verification_code": "hms.sign_in_forms.CodeForm",
    "reset_password": "hms.sign_in_forms.ResetPasswordForm",
    "reset_password_from_key": "hms.sign_in_forms.ResetPasswordKeyForm",
    "change_password": "hms.sign_in_forms.ChangePasswordForm",
    "set_password": "hms.sign_in_forms.SetPasswordForm",
    "reauthenticate": "hms.sign_in_forms.ReauthenticateForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # of those who sign up (hms.adapters)
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_RATE_LIMITS = {
    "claim": "20/10m/ip",  # wrong birthdays at invitations
    "manage_email": "5/m/user,20/d/user",  # each sends a mail to whatever address was typed
}
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
MFA_ADAPTER = "hms.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = MFA_PASSKEY_SIGNUP_ENABLED = True
MFA_FORMS = {
    "add_webauthn": "hms.sign_in_forms.AddPasskeyForm",
    "signup_webauthn": "hms.sign_in_forms.SignupPasskeyForm",
    "authenticate": "hms.sign_in_forms.SecondStepForm",
    "reauthenticate": "hms.sign_in_forms.SecondStepAgainForm",
    "activate_totp": "hms.sign_in_forms.AppForm",
}
MFA_TOTP_ISSUER = "HMS"
USERSESSIONS_TRACK_ACTIVITY = False

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_LIMIT = timedelta(hours=float(env("HMS_SESSION_HOURS", "12")))
SESSION_COOKIE_AGE = int(SESSION_LIMIT.total_seconds())
IDLE_STAFF = timedelta(minutes=float(env("HMS_IDLE_MINUTES_STAFF", "480" if DEMO else "15")))
IDLE_PATIENT = timedelta(minutes=float(env("HMS_IDLE_MINUTES_PATIENT", "480" if DEMO else "30")))
IDLE_WARNING = timedelta(seconds=120)
# How long a doctor may read the record of somebody who is not in their care, once they said why.
BREAK_GLASS = timedelta(minutes=min(float(env("HMS_BREAK_GLASS_MINUTES", "60")), 24 * 60))

# --- Security (trust.md lists the promises; README the settings)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "hms-session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "hms-csrf"
LANGUAGE_COOKIE_NAME = "hms-language"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "hms.views.csrf_failure"
SECURE_HSTS_SECONDS = 63072000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
# A pasted book reaches its form, whose field refuses it and keeps it; what is larger still is refused unread.
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024

# --- Language, time, money. The Hospital row rules once it exists.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
FORMAT_MODULE_PATH = ["hms.formats"]
LOCALE_PATHS = [BASE_DIR / "src" / "hms" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"  # times are stored and computed in UTC; people see the hospital's zone
HOSPITAL_TIME_ZONE = env("HMS_TIME_ZONE", "Europe/London")
HOSPITAL_CURRENCY = env("HMS_CURRENCY", "GBP")
PHONENUMBER_DEFAULT_REGION = env("HMS_PHONE_REGION", "GB")
PHONENUMBER_DB_FORMAT = "E164"
PHONENUMBER_DEFAULT_FORMAT = "INTERNATIONAL"

# --- Static files, the theme
TAILWIND_APP_NAME = "theme"
NPM_BIN_PATH = env("HMS_NPM", "npm")
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "hms.staticfiles.Storage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

DJANGO_TABLES2_TEMPLATE = "hms/_table.html"

# --- Mail
# Where links in letters lead to.
SITE_URL = env("HMS_SITE_URL") or (
    f"https://{ALLOWED_HOSTS[0]}" if SECURE and ALLOWED_HOSTS else f"http://127.0.0.1:{env('PORT') or 8000}"
)
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env("HMS_MAIL_FROM", "hms@localhost")
EMAIL_HOST = env("HMS_MAIL_HOST")
EMAIL_PORT = int(env("HMS_MAIL_PORT", "587"))
EMAIL_HOST_USER = env("HMS_MAIL_USER")
EMAIL_HOST_PASSWORD = env("HMS_MAIL_PASSWORD")
EMAIL_USE_TLS = flag("HMS_MAIL_TLS", default=True)
EMAIL_TIMEOUT = 10
# The demo's mails are read on a page (/outbox/) instead of being sent.
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if EMAIL_HOST
    else f"django.core.mail.backends.{'dummy' if DEMO else 'console'}.EmailBackend"
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env("HMS_LOG_LEVEL", "WARNING")},
}
