"""The list of drugs that doctors choose from, kept by an administrator."""

import csv

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from hms import csv_files, drug_import
from hms.domain.settings import hospital
from hms.models import Drug


@require_http_methods(["GET", "HEAD", "POST"])
def drugs(request):
    """How many there are; a file is previewed, and the same content, signed, comes back with the second button."""
    shown = {"known": Drug.objects.count(), "cells": "frontdesk/_drug_cells.html"}
    page, done = csv_files.page(request, drug_import, "frontdesk/drugs.html", shown)
    if page:
        return page
    messages.success(request, ngettext("%(n)d drug is kept.", "%(n)d drugs are kept.", done) % {"n": done})
    return redirect("frontdesk:drugs")


@require_safe
def drugs_export(request):
    """All drugs as CSV, in the columns that an import reads."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="drugs-{hospital().today():%Y-%m-%d}.csv"'
    response.write("\ufeff")
    writer = csv.writer(response)
    writer.writerow(drug_import.COLUMNS)
    for drug in Drug.objects.all():
        cells = (drug.name, *(", ".join(getattr(drug, name)) for name in drug_import.SEVERAL))
        writer.writerow([csv_files.safe(cell) for cell in cells])
    return response
