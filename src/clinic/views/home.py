from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from hms.views import not_built_yet


@require_safe
def home(request):
    return not_built_yet(
        request,
        _("The clinic"),
        _("Your day, your patients and your notes will be here. Until then, the desk sees your appointments."),
    )
