"""The list of drugs that doctors choose from, kept by an administrator."""

from django.contrib import messages
from django.shortcuts import redirect
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from hms import csv_files, drug_import
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
    rows = (
        (drug.name, *(", ".join(getattr(drug, name)) for name in drug_import.SEVERAL)) for drug in Drug.objects.all()
    )
    return csv_files.download("drugs", drug_import.COLUMNS, rows)
