"""What every request passes, outermost first."""

import logging
import time
from urllib.parse import urlencode, urlsplit

import pghistory
from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from hms import access, pdf, send_again
from hms.models import User

logger = logging.getLogger(__name__)

SEEN_EVERY = 30  # seconds; a session's last use is written down at most this often


class SecurityHeaders:
    """Headers that Django and django-csp do not set: on pages, errors, static files and streams alike."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        )
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        if not request.path.startswith(settings.STATIC_URL):
            # Personal pages stay in no cache; pages without a person cost nothing to fetch again.
            response.headers.setdefault("Cache-Control", "no-store")
        return response


class Requests:
    """NUL, which no text in the database can hold: no address has it, and from a search it is left out."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if "\x00" in request.path:
            return HttpResponse("The address holds a character that cannot be.", status=400, content_type="text/plain")
        request.META["QUERY_STRING"] = request.META.get("QUERY_STRING", "").replace("%00", "")
        return self.get_response(request)


class SessionLimits:
    """End sessions that were idle or open for too long. Streams and other background requests never extend one."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.user.is_authenticated:
            now = time.time()
            if now >= expires_at(request.session, request.user):
                ended_for = request.user.pk
                logout(request)
                request.ended_for = ended_for
            elif not is_background(request) and now - request.session["seen_at"] > SEEN_EVERY:
                request.session["seen_at"] = now
        return self.get_response(request)


def is_background(request):
    """A request that a page made by itself, without anybody at the screen."""
    return request.headers.get("X-Background") == "1" or request.path.startswith("/live/")


def idle_limit(user):
    """Seconds that a session of this user may stay unused."""
    return (settings.IDLE_PATIENT if user.role == User.Role.PATIENT else settings.IDLE_STAFF).total_seconds()


def expires_at(session, user):
    """When (seconds since 1970) this session ends if nobody uses it from now on.

    A session without its two times was not made by signing in here, and has ended.
    """
    seen, start = session.get("seen_at"), session.get("signed_in_at")
    if seen is None or start is None:
        return 0
    return min(seen + idle_limit(user) + SEEN_EVERY, start + settings.SESSION_LIMIT.total_seconds())


class Doors:
    """Let in whom hms.access lets in; send the signed-out to the sign-in page, refuse the rest with 403."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        allowed = access.allowed(request.resolver_match.view_name)
        if access.who(request.user) in allowed:
            return None
        if not request.user.is_authenticated and allowed:
            return to_sign_in(request)
        raise PermissionDenied


def to_sign_in(request):
    """The sign-in page, and back here afterwards; an htmx request leaves its page instead of swapping this in.

    What a form brings is not thrown away for that: its page says to sign in beside it, and to send it again.
    """
    sign_in = resolve_url(settings.LOGIN_URL)
    if request.path.startswith("/live/"):
        return HttpResponse(status=401)
    if request.htmx:
        if request.headers.get("X-Background") == "1":
            return HttpResponse(status=401)
        page = urlsplit(request.htmx.current_url or "/")
        back = page.path + (f"?{page.query}" if page.query else "")
        # The page offers to sign in without leaving it (session-watch); only without that does it leave.
        return HttpResponseClientRedirect(f"{sign_in}?{urlencode({'next': back})}")
    if request.method == "POST" and send_again.is_worth_it(request):
        return send_again.page(request, status=401)
    back = request.get_full_path() if request.method == "GET" else "/"
    return redirect(f"{sign_in}?{urlencode({'next': back})}")


class History:
    """Who changed it stands beside every change that a request makes."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.method in {"GET", "HEAD", "OPTIONS"} or not request.user.is_authenticated:
            return self.get_response(request)
        with pghistory.context(user=request.user.pk):
            return self.get_response(request)


class Paper:
    """What a view cannot go on without, said in words: a document that could not be set, a doctor's missing row."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if isinstance(exception, User.doctor.RelatedObjectDoesNotExist):
            context = {
                "status": 403,
                "title": _("Your account is not finished yet"),
                "text": _("It has the role of a doctor, but no department and licence number. Ask an administrator."),
            }
            return render(request, "hms/error.html", context, status=403)
        if not isinstance(exception, pdf.NoPaper):
            return None
        logger.error("no paper for %s: %s", request.path, exception)
        context = {
            "status": 503,
            "title": _("The paper could not be set"),
            "text": _("Nothing was changed. Try again in a moment; if it stays, tell your administrator the time."),
        }
        return render(request, "hms/error.html", context, status=503)
