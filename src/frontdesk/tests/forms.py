"""What the desk's forms send, and what their answers say."""

from hms.models import Appointment
from hms.testing import local, make_doctor, make_patient

NEW = "/desk/appointments/new/"


def url(appointment, what=""):
    return f"/desk/appointments/{appointment.pk}/{what}"


def at(moment):
    """Day and time fields of a moment."""
    moment = moment.astimezone(local().tzinfo)
    return {"date": f"{moment:%Y-%m-%d}", "time": f"{moment:%H:%M}"}


def booking(**fields):
    """What the booking form sends for a visit tomorrow at ten."""
    people = {"patient": make_patient, "doctor": make_doctor}
    people = {name: make().pk for name, make in people.items() if name not in fields}
    return at(local()) | {"duration": "30", "reason": "Cough", "notes": "Ring first"} | people | fields


def row(appointment):
    return Appointment.objects.filter(pk=appointment.pk).values().get()


def page(response):
    return response.content.decode()


def error_at(response, name):
    """The message at a field; with an empty name, those of the whole form. None if there is none."""
    errors = response.context["form"].errors
    return " ".join(errors[name or "__all__"]) if (name or "__all__") in errors else None
