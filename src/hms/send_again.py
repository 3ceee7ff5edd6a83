"""What was typed into a page and could not be taken, handed back to who sent it: the browser keeps it, nobody else."""

from urllib.parse import urlsplit

from django.core import signing
from django.shortcuts import render, resolve_url

WRITER = "typed-by"  # the field that says, sealed, whose session the text was typed in
SALT = "hms.send_again"


def page(request, *, status):
    """The page with what this request brought, to be sent once more by one button; signed out: after signing in."""
    fields = [
        (name, text)
        for name, texts in request.POST.lists()
        if name not in ("csrfmiddlewaretoken", WRITER)
        for text in texts
    ]
    secret = request.path.startswith("/accounts/") or any("password" in name for name, _text in fields)
    writer = _writer(request)
    foreign = request.user.is_authenticated and writer not in (None, request.user.pk)
    again = not (secret or request.FILES or foreign)
    if again and writer is not None:
        fields.append((WRITER, signing.dumps(writer, salt=SALT)))
    context = {"fields": fields if again else [], "again": again, "foreign": foreign}
    context["sign_in"] = resolve_url("account_login")
    return render(request, "hms/send_again.html", context, status=status)


def is_worth_it(request):
    """Whether this was sent by a form of ours, with more in it than the button that was pressed."""
    return sent_by_us(request) and any(name != "csrfmiddlewaretoken" and text for name, text in request.POST.items())


def sent_by_us(request):
    """Whether one of our own pages sent this, as far as the browser says."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    page = request.headers.get("Origin") or request.headers.get("Referer") or ""
    return urlsplit(page).netloc == request.get_host()


def _writer(request):
    """The id of the user in whose session it was typed; None where nobody knows."""
    try:
        return signing.loads(request.POST[WRITER], salt=SALT)
    except (KeyError, signing.BadSignature):
        return getattr(request, "ended_for", None)
