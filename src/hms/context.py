"""What every template may use."""

from django.conf import settings

from hms.domain.settings import hospital


def hms(request):
    return {"hospital": hospital(), "demo": settings.DEMO}
