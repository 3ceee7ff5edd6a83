from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from hms.views import not_built_yet


@require_safe
def home(request):
    return not_built_yet(request, _("Billing"), _("Invoices, payments and reports will be here."))
