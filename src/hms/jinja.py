"""The Jinja2 environment of what is rendered by the hundred. Everything else is a Django template."""

from django.urls import reverse
from django.utils import translation
from jinja2 import Environment, StrictUndefined

from hms.templatetags import hms as tags


def environment(**options):
    options.pop("undefined", None)
    env = Environment(  # noqa: S701 (Django's backend passes autoescape=True)
        **options, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"]
    )
    env.install_gettext_translations(translation, newstyle=True)
    env.globals["url"] = reverse
    env.filters |= {"control": tags.control, "is_checkbox": tags.is_checkbox}
    return env
