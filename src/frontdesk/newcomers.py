"""What was typed into a search for somebody who is not there yet, as the fields that register them."""

from datetime import date
from urllib.parse import urlencode

from hms import names
from hms.dates import find_date, find_impossible
from hms.domain import search

IN_BOOKING = {"last_name": "new_family", "first_name": "new_given", "date_of_birth": "new_born", "phone": "new_phone"}


def new_patient(text):
    """``{field of the patient: value}``: name, phone, e-mail and birth date by their looks."""
    text = text[: search.LONGEST]
    day, text = find_date(text.replace(find_impossible(text) or "\0", " "))
    found = {"date_of_birth": day.isoformat()} if day else {}
    if "@" in text:
        return found | {"email": search.clean(text)}
    if not any(c.isalpha() for c in text):
        return found | ({"phone": search.clean(text)} if any(c.isdigit() for c in text) else {})
    family, given = names.split(" ".join("".join(c if c.isprintable() else " " for c in text).split()))
    return found | {"last_name": family, "first_name": given}


def query(text):
    """The same as the query of an address that opens the form; empty where nothing was typed."""
    found = {name: value for name, value in new_patient(text).items() if value}
    return "?" + urlencode(found) if found else ""


def booking_query(text):
    """The same for the booking panel's own fields, the birth date as people read it."""
    found = {IN_BOOKING[k]: v for k, v in new_patient(text).items() if v and k in IN_BOOKING}
    if born := found.get("new_born"):
        found["new_born"] = f"{date.fromisoformat(born):%d-%b-%Y}"
    return urlencode(found)
