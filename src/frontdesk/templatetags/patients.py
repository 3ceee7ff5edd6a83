"""What the templates of patients need beside the tags that every template has."""

from django import template

from hms.domain import audit, search
from hms.models import Patient

register = template.Library()
OFFERED = 20  # radio buttons


@register.filter
def phone_end(number):
    """The last four digits: enough to tell two people apart, too few to overlook somebody's number."""
    return str(number)[-4:]


@register.simple_tag(takes_context=True)
def picker_options(context):
    """The patients that a text sent with the form (``q``) means, None if there was none: the picker without scripts."""
    request = context["request"]
    text = request.POST.get("q", "")
    if not search.clean(text):
        return None
    users = [match.user_id for match in search.patients(text, limit=OFFERED).matches]
    rows = Patient.objects.visible_to(request.user).filter(user_id__in=users).select_related("user")
    rows = {row.user_id: row for row in rows.defer("allergies", "medical_history", "blood_type")}
    if rows:
        audit.searched(len(rows), by=request.user, detail="while booking")
    return [rows[user] for user in users if user in rows]
