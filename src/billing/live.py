"""How billing's screens hear of changes: by a signal, upon which each list or invoice gets itself again."""

from django.utils.html import format_html

from hms.domain.settings import forget

NEW_PAGE = {"hospital", "department"}


def render(changes, key):
    """An ``<hx-partial>`` that says which kinds of things changed; <live-section> elements listen for theirs."""
    nouns = sorted({c.noun for c in changes if c.noun in NOUNS | NEW_PAGE})
    if not nouns:
        return ""
    if NEW_PAGE & set(nouns):
        forget()
    stamp = "-".join(f"{c.noun}{c.pk}" for c in changes)[:60]
    return format_html(
        '<hx-partial hx-target="#live-signal" hx-swap="innerHTML"><i data-nouns="{}" data-stamp="{}"></i></hx-partial>',
        " ".join(nouns),
        stamp,
    )


# What billing's tables announce (hms.models.triggers), and visits, which stand beside what is owed on a patient's page.
NOUNS = {"invoice", "credit_note", "payment", "shift", "appointment"}
