"""Pages that belong to no audience: the way in, health, errors."""

from django.core.exceptions import RequestDataTooBig
from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from hms import access, send_again
from hms.middleware import expires_at


@require_safe
def home(request):
    """To one's own door."""
    return redirect(access.DOOR[request.user.role])


@require_safe
def healthz(request):
    """This process answers."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def readyz(request):
    """This process can serve: the database answers too."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:
        return HttpResponse("database not reachable", status=503, content_type="text/plain")
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def session(request):
    """Whose session this is and until when (seconds since 1970, 0: signed out), for the page's warning."""
    signed_in = request.user.is_authenticated
    return JsonResponse(
        {
            "user": request.user.pk if signed_in else None,
            "expires": expires_at(request.session, request.user) if signed_in else 0,
            "csrf": get_token(request),
        }
    )


@require_POST
def session_extend(request):
    """Somebody at the screen wants to stay. The middleware has noted the request; answer as ``session`` does."""
    return session_answer(request)


def session_answer(request):
    return JsonResponse(
        {"user": request.user.pk, "expires": expires_at(request.session, request.user), "csrf": get_token(request)}
    )


@require_safe
def about(request):
    """Where the hospital is and how to reach it: for everybody who is signed in, and nothing is looked up for it."""
    return render(request, "hms/about.html")


# --- errors: a page, or for htmx a lasting notice beside the untouched page


def error(request, status, title, text):
    template = "hms/_error_notice.html" if getattr(request, "htmx", False) else "hms/error.html"
    return render(request, template, {"status": status, "title": title, "text": text}, status=status)


def bad_request(request, exception=None):
    if isinstance(exception, RequestDataTooBig):
        return error(
            request,
            413,
            _("That is too long to be sent"),
            _("Nothing was changed. What you typed is still in the form: go back, shorten it and send it again."),
        )
    return error(
        request,
        400,
        _("That could not be read"),
        _("The page sent something this system cannot read. Nothing was changed; go back and try again."),
    )


def forbidden(request, exception=None):
    return error(
        request, 403, _("Not for your role"), _("Your account may not do this. If it should, ask an administrator.")
    )


def not_found(request, exception=None):
    return error(request, 404, _("Nothing here"), _("This page does not exist, or is not yours to see."))


def server_error(request):
    try:
        return error(
            request,
            500,
            _("Something broke on our side"),
            _("Nothing was saved by this step. Try again; if it stays, tell your administrator the time."),
        )
    except Exception:  # whatever broke may break the page that says so
        return HttpResponse("Something broke on our side. Try again.", status=500, content_type="text/plain")


def csrf_failure(request, reason=""):
    """A token from before the last sign-in. What a page of ours sent is handed back, to be sent once more."""
    if not send_again.sent_by_us(request):
        return error(
            request,
            403,
            _("This page was open for too long"),
            _("You have signed in again since, or your browser blocks cookies. Reload the page and send it once more."),
        )
    if request.htmx:
        response = error(
            request,
            403,
            _("Your sign-in changed while this page was open"),
            _("What you typed is still here, but was not saved: send it again."),
        )
        response["X-Stale-Token"] = "1"  # csrf.js takes the new one, and sends it again by itself
        return response
    return send_again.page(request, status=403)
