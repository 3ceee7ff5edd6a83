"""Everything that is kept of me, as files: asked for, made while I do something else, fetched by nobody but me."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from hms.domain import audit, exports
from hms.models import DataExport
from portal.own import own
from portal.views.book import FORM


@require_http_methods(FORM)
@own
def download(request):
    """How far the files are; or a button that has them made."""
    if request.method == "POST":
        exports.ask(request.patient, by=request.user)
        return redirect("portal:download")
    return render(request, "portal/download.html", {"export": exports.latest(request.patient)})


@require_safe
@own
def download_data(request, pk):
    """For machines: JSON."""
    return _file(request, pk, "data", "application/json; charset=utf-8", "json")


@require_safe
@own
def download_paper(request, pk):
    """To read and to print: PDF."""
    return _file(request, pk, "paper", "application/pdf", "pdf")


def _file(request, pk, field, content_type, ending):
    found = get_object_or_404(
        DataExport.objects.filter(patient=request.patient).only("status", "expires_at", field), pk=pk
    )
    if not found.is_open:
        return render(request, "portal/download.html", {"export": found}, status=410)
    audit.viewed(request.patient, by=request.user, action="record.downloaded", detail=ending)
    response = HttpResponse(bytes(getattr(found, field)), content_type=content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="my-record.{ending}"'
    return response
