"""Django's admin as HMS uses it: for setting up the hospital, in the hospital's own time, and for nothing else."""

from functools import wraps

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Site(AdminSite):
    site_header = site_title = _("Set-up")
    index_title = _("Set up the hospital")
    site_url = None

    def register(self, model_or_iterable, admin_class=None, **options):
        """Only what hms.admin offers: packages would add tables here that the hospital's own pages look after."""
        if admin_class is not None and admin_class.__module__ == "hms.admin":
            super().register(model_or_iterable, admin_class, **options)

    def admin_view(self, view, cacheable=False):
        """Times are typed and shown as on the hospital's wall, also while the page is being rendered."""
        from hms.domain.settings import hospital

        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def in_hospital_time(request, *args, **kwargs):
            with timezone.override(hospital().zone):
                response = inner(request, *args, **kwargs)
                return response.render() if hasattr(response, "render") else response

        return in_hospital_time


class Config(AdminConfig):
    default_site = "hms.admin_site.Site"
