from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from hms.views import not_built_yet


@require_safe
def home(request):
    return not_built_yet(
        request,
        _("Your portal"),
        _("Booking and reading your record will be possible here. Until then, please call the front desk."),
    )
