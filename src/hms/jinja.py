"""The Jinja2 environment of what is rendered by the hundred. Everything else is a Django template."""

from functools import lru_cache

from django.template import defaultfilters
from django.urls import reverse
from django.utils import translation
from jinja2 import Environment, StrictUndefined

from hms.templatetags import hms as tags

DATES = ["clinical_date", "clinical_datetime", "clinical_time", "minutes", "waited", "waiting_look"]
FIELDS = ["control", "is_checkbox"]


def _url(name, args=()):
    """The address of a view, found once: a page has dozens, and the visits of a day are drawn again and again."""
    return _address(name, tuple(args))


@lru_cache(maxsize=20_000)
def _address(name, args):
    return reverse(name, args=args)


def environment(**options):
    options.pop("undefined", None)
    env = Environment(  # noqa: S701 (Django's backend passes autoescape=True)
        **options, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"]
    )
    env.install_gettext_translations(translation, newstyle=True)
    env.globals |= {"url": _url, "icon": tags.icon, "form_errors": tags.form_errors}
    env.filters |= {name: tags.register.filters[name] for name in DATES + FIELDS}
    env.filters |= {name: getattr(defaultfilters, name) for name in ("capfirst", "linebreaksbr", "truncatechars")}
    return env
