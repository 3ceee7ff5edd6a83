"""Whatever is sent, through every form and every parameter: never a 500, nothing runs, nothing typed is lost."""

import re
from urllib.parse import quote, urlencode

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils.html import escape

from conftest import sign_in
from hms.models import Appointment, Department, Display, Hospital, Patient, User
from hms.testing import local, make_appointment, make_doctor, make_patient, make_user
from hms.tests.walk import Rows, places

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "attribute": '"><img src=x onerror=alert(1)>',
    "quote": "' onmouseover='alert(1)",
    "template": "{{ 7777*7777 }}{% debug %}${7777*7777}",
    "sql": "'; DROP TABLE hms_user; --",
    "sql number": "1 OR 1=1",
    "formula": '=HYPERLINK("http://evil.example","click")',
    "header": "a\r\nSet-Cookie: evil=1",
    "nul": "a\x00b",
    "escape": "a\x1b[31mb\x07",
    "emoji": "👩‍⚕️🤒",
    "right to left": "שלום עולם",
    "override": "abc\u202edef",
    "format": "%s%n%(x)s{0}{x}",
    "path": "../../../../etc/passwd",
    "minus": "-1",
    "thirty digits": "9" * 30,
    "not a number": "NaN",
    "too large": "1e309",
    "superscript": "²",
    "arabic digits": "٣",
    "spaces": "   ",
    "long": "x" * 5000,
    "no day": "2026-02-31",
    "date and time": "2026-11-22T10:00:00+00:00",
}
# Half a megabyte is more than anybody types and less than what is refused unread.
HUGE = "y" * 500_000
RUNS = ["<script>alert", "<img src=x", "onmouseover='alert", "60481729", "evil=1\r\n"]


@pytest.fixture
def rows(db):
    return Rows()


def at(moment):
    moment = moment.astimezone(local().tzinfo)
    return {"date": f"{moment:%Y-%m-%d}", "time": f"{moment:%H:%M}"}


def booking(rows):
    people = {
        "patient": make_patient().pk,
        "doctor": make_doctor().pk,
        "instead": "",
        "fold": "",
        "override_reason": "",
    }
    new = dict.fromkeys(["new_family", "new_given", "new_born", "new_phone"], "")
    return people | at(local(days=2)) | {"duration": "30", "reason": "typed reason", "notes": "typed notes"} | new


def moving(rows):
    fields = {"doctor": rows.appointment.doctor_id, "duration": "30", "fold": "", "instead": ""}
    return fields | at(local(days=2)) | {"override_reason": "", "version": rows.appointment.version}


def editing(rows):
    fields = {"reason": "typed reason", "notes": "typed notes", "duration": "30", "override_reason": ""}
    return fields | {"version": rows.appointment.version}


def person(rows):
    born = {"date_of_birth_day": "1", "date_of_birth_month": "2", "date_of_birth_year": "1980"}
    born |= {"date_of_birth_0": "1", "date_of_birth_1": "2", "date_of_birth_2": "1980"}
    fields = {"last_name": "typed family", "first_name": "typed given", "gender": "UNKNOWN", "phone": "", "email": ""}
    return fields | born | {"emergency_contact": "", "desk_note": "typed note", "version": ""}


# Address → what its form sends when it is well filled in.
FORMS = {
    "/desk/appointments/new/": booking,
    "/desk/appointments/{appointment}/move/": moving,
    "/desk/appointments/{appointment}/edit/": editing,
    "/desk/appointments/{appointment}/cancel/": lambda rows: {"reason": "typed reason"},
    "/desk/appointments/{appointment}/move-back/": lambda rows: {"back": "1@20261122T1015Z"},
    "/desk/displays/": lambda rows: {"name": "typed name"},
    "/desk/patients/new/": person,
    "/desk/patients/{patient}/edit/": person,
    "/accounts/login/": lambda rows: {"login": "typed@hms.example", "password": "wrong", "next": "/desk/"},
    "/accounts/password/reset/": lambda rows: {"email": "typed@hms.example"},
    "/accounts/password/change/": lambda rows: {"oldpassword": "a", "password1": "b" * 12, "password2": "c" * 12},
    "/accounts/reauthenticate/": lambda rows: {"password": "wrong", "next": "/desk/"},
}
QUERIES = {
    "/desk/": ["day", "department", "doctor", "known"],
    "/desk/month/": ["day"],
    "/desk/free-times/": ["doctor", "department", "duration", "after", "patient"],
    "/desk/appointments/new/": ["doctor", "patient", "at", "until"],
    "/desk/patients/": ["q", "sort", "page", "per_page", "department", "doctor", "age_from", "age_to", "last_visit"],
    "/desk/patients/options/": ["q"],
    "/desk/patients/duplicates/check/": [
        "last_name",
        "new_family",
        "email",
        "new_born",
        "new_phone",
        "phone",
        "exclude",
    ],
    "/desk/patients/new/": ["last_name", "first_name", "phone", "email", "date_of_birth"],
    "/desk/patients/{patient}/": ["page"],
    "/accounts/login/": ["next"],
    "/accounts/session/": ["next"],
}


def fill(path, rows):
    return path.format(appointment=rows.appointment.pk, patient=rows.patient.pk)


def send(client, path, data, htmx=False):
    """Post a form as a browser encodes it; whatever it did is taken back."""
    headers = {"HX-Request": "true"} if htmx else {}
    with transaction.atomic():
        body = urlencode(data, doseq=True)
        response = client.post(path, body, content_type="application/x-www-form-urlencoded", headers=headers)
        response.content
        transaction.set_rollback(True)
    return response


def problems(response, value):
    """What is wrong with an answer, whatever was asked."""
    found = []
    if response.status_code not in {200, 204, 302, 400, 401, 403, 404, 405, 409, 413, 422, 429}:
        found.append(f"status {response.status_code}")
    # Data for scripts is written as JSON, in which a quote is only a quote.
    text = re.sub(r'<script[^>]*type="application/json"[^>]*>[^<]*</script>', "", response.content.decode())
    found += [f"runs {run!r}" for run in RUNS if run in text]
    if "evil" in response.cookies or any("\n" in v for v in response.headers.values()):
        found.append("a header")
    where = response.headers.get("Location") or response.headers.get("HX-Redirect") or ""
    if where.startswith(("//", "http:", "https:", "javascript:")):
        found.append(f"leads to {where}")
    return found


def is_kept(text, value):
    """Whether what was typed stands in the page, as text."""
    lines = [escape(line) for line in re.split(r"[\r\n\x00]+", value.strip()) if line]
    return all(line in text for line in lines)


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("htmx", [True, False], ids=["htmx", "plain"])
def test_every_field_takes_everything(rows, reception, path, htmx):
    reception.raise_request_exception = False
    good, address, wrong = FORMS[path](rows), fill(path, rows), []
    for field in good:
        for name in corpus(path, htmx):
            value = HOSTILE[name]
            response = send(reception, address, good | {field: value}, htmx)
            found = problems(response, value)
            if response.status_code in {409, 422} and path.startswith("/desk/"):
                found += lost(response, good, field, value)
            wrong += [f"{field} {name} {response.status_code}: {problem}" for problem in found]
    assert not wrong, "\n".join(wrong)


def corpus(path, htmx):
    """Everything for the two forms with every kind of field; of the rest, what differs from field to field."""
    if not htmx:
        return ["script", "header", "nul", "long"]  # the page around the form is the difference
    if path in {"/desk/appointments/new/", "/desk/patients/new/"}:
        return list(HOSTILE)
    return [
        "script",
        "sql",
        "header",
        "nul",
        "override",
        "thirty digits",
        "not a number",
        "superscript",
        "long",
        "no day",
    ]


def lost(response, good, field, value):
    """Which of the typed texts are not in the form that comes back, and whether the message is at its field."""
    text, form = response.content.decode(), response.context and response.context.get("form")
    if form is None:
        return []
    found = [f"lost {k}" for k, v in good.items() if k != field and str(v).startswith("typed") and v not in text]
    chosen = {"doctor", "patient", "fold", "instead", "gender", "version"}  # not typed
    if field not in chosen and field in form.fields and value.strip() and not is_kept(text, value):
        found.append("lost what was typed")
    if field in form.fields and not form.errors:
        found.append("no message")
    return found


@pytest.mark.parametrize("path", FORMS)
def test_huge_texts_are_refused_in_words(rows, reception, path):
    reception.raise_request_exception = False
    good, address = FORMS[path](rows), fill(path, rows)
    for field in good:
        response = send(reception, address, good | {field: HUGE}, htmx=True)
        assert not problems(response, HUGE), field
        assert response.status_code != 500


LONGEST = [
    ("/desk/appointments/new/", "reason", 500),
    ("/desk/appointments/new/", "notes", 2000),
    ("/desk/appointments/{appointment}/edit/", "reason", 500),
    ("/desk/appointments/{appointment}/cancel/", "reason", 200),
    ("/desk/patients/new/", "desk_note", 200),
]


@pytest.mark.parametrize("htmx", [True, False], ids=["htmx", "plain"])
@pytest.mark.parametrize(("path", "field", "most"), LONGEST, ids=[f"{p}{f}" for p, f, _most in LONGEST])
def test_ten_megabytes_are_refused_at_the_field_and_kept(rows, reception, path, field, most, htmx):
    data = FORMS[path](rows) | {field: "z" * 10_000_000}
    response = send(reception, fill(path, rows), data, htmx)
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {field}
    page = response.content.decode()
    assert page.count("z" * 10_000_000) == 1
    message = page[page.index(f'id="id_{field}_error"') :][:300]
    assert f"at most {most} characters, and has 10000000" in message


@pytest.mark.parametrize("htmx", [True, False], ids=["htmx", "plain"])
def test_more_than_any_form_takes_is_refused_with_a_way_back_to_what_was_typed(rows, reception, htmx):
    data = booking(rows) | {"reason": "z" * 17_000_000}
    response = send(reception, "/desk/appointments/new/", data, htmx)
    assert response.status_code == 413
    assert "too long" in response.content.decode()
    assert "still in the form" in response.content.decode()


def test_a_browser_cuts_nothing_off_what_is_pasted(reception):
    page = reception.get("/desk/appointments/new/").content.decode()
    assert "maxlength" not in re.search(r'<input[^>]*name="reason"[^>]*>', page)[0]
    assert "maxlength" not in re.search(r'<textarea[^>]*name="notes"[^>]*>', page)[0]


def test_the_message_stands_at_the_field(rows, reception):
    for field in ("reason", "notes", "date", "time", "duration"):
        response = send(reception, "/desk/appointments/new/", booking(rows) | {field: "a\x00b"}, htmx=True)
        assert response.status_code == 422
        assert set(response.context["form"].errors) == {field}
        page = response.content.decode()
        assert 'aria-invalid="true"' in page
        assert f'href="#id_{field}' in page  # the summary leads to it


@pytest.mark.parametrize("path", QUERIES)
def test_every_parameter_takes_everything(rows, reception, path):
    reception.raise_request_exception = False
    address, wrong = fill(path, rows), []
    for parameter in QUERIES[path]:
        for name, value in (HOSTILE | {"huge": HUGE[:20_000]}).items():
            kinds = [{"HX-Request": "true"}, {}] if name == "script" else [{"HX-Request": "true"}]
            for htmx in kinds:
                response = reception.get(f"{address}?{urlencode({parameter: value})}", headers=htmx)
                wrong += [f"{parameter} {name}: {problem}" for problem in problems(response, value)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "address", ["/desk/patients/?q={}", "/desk/?day={}", "/desk/patients/?age_from={}", "/billing/?q={}"]
)
def test_control_characters_in_a_search_are_left_out(rows, reception, address):
    for character in ["%00", "%01", "%1B", "%7F", "%C2%85", "%E2%80%AE"]:
        for text in (character, f"{rows.patient.user.last_name}{character}"):
            response = reception.get(address.format(text))
            assert response.status_code == 200, (address, text)
            assert "<main" in response.content.decode()


def test_a_search_with_a_control_character_finds(rows, reception):
    name = rows.patient.user.last_name
    for character in ["%00", "%01", "%7F"]:
        page = reception.get(f"/desk/patients/?q={name[:3]}{character}{name[3:]}").content.decode()
        assert f"/desk/patients/{rows.patient.pk}/" in page, character


@pytest.mark.parametrize(
    "raw", ["%", "%zz", "%FF%FE", "%ED%A0%80", "a[]=1&a[b]=2", "&&&===", "day=1&day=2&day=3", "=", "?"]
)
def test_addresses_that_are_no_text_are_answered(rows, reception, raw):
    reception.raise_request_exception = False
    for path in QUERIES:
        address = fill(path, rows)
        parameter = QUERIES[path][0]
        for query in (raw, f"{parameter}={raw}"):
            assert reception.get(f"{address}?{query}").status_code < 500


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"reason": 1}'),
        ("application/json", b"{" * 10_000),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        ("multipart/form-data; boundary=" + "x" * 500, b""),
        ("application/x-www-form-urlencoded", b"reason=%ff%fe&date=%00"),
        ("application/x-www-form-urlencoded", b"&".join(b"f%d=1" % i for i in range(5000))),
        ("text/plain", b"hello"),
        ("application/x-www-form-urlencoded; charset=utf-7", b"reason=+ADw-script+AD4-alert(1)"),
        ("application/x-www-form-urlencoded; charset=nonsense", b"reason=a"),
    ],
    ids=range(10),
)
def test_bodies_that_no_form_sends_are_answered(rows, reception, kind, body):
    reception.raise_request_exception = False
    for path in FORMS:
        response = reception.generic("POST", fill(path, rows), body, content_type=kind)
        assert response.status_code < 500, path
        assert not problems(response, "")
    assert Appointment.objects.count() == 1


@pytest.mark.parametrize(
    "name", ["X-Board-Day", "HX-Current-URL", "HX-Target", "HX-Trigger-Name", "Accept-Language", "Referer"]
)
def test_headers_take_everything(rows, reception, name):
    reception.raise_request_exception = False
    for value in HOSTILE.values():
        value = quote(value, safe=" <>\"'=;:()/{}%") if not value.isascii() or "\n" in value else value
        for headers in ({name: value}, {name: value, "HX-Request": "true"}):
            for path in ("/desk/", f"/desk/appointments/{rows.appointment.pk}/", "/nothing/"):
                assert not problems(reception.get(path, headers=headers), value)
            step = f"/desk/appointments/{rows.appointment.pk}/unconfirm/"
            assert not problems(reception.post(step, headers=headers), value)


@pytest.mark.parametrize("cookie", ["hms-zoom", "hms-session", "hms-csrf", "hms-language", "messages"])
def test_cookies_take_everything(rows, cookie):
    for value in HOSTILE.values():
        client = sign_in(Client(raise_request_exception=False), make_user())
        client.cookies[cookie] = quote(value)
        assert not problems(client.get("/desk/"), value)


@pytest.mark.parametrize(
    "part", ["0", "-1", "9" * 30, "1.5", "abc", "1 OR 1=1", "%00", "..%2f..", "²", "<script>", "é", "1/2"]
)
def test_addresses_of_nothing_are_not_found(rows, reception, part):
    reception.raise_request_exception = False
    for path in (
        "/desk/appointments/{}/",
        "/desk/patients/{}/",
        "/desk/displays/{}/revoke/",
        "/display/{}/",
        "/live/desk/{}/",
    ):
        response = reception.get(path.format(quote(part, safe="%")))
        assert response.status_code in {400, 403, 404, 405}, path
        assert not problems(response, part)


# --- what is in the database already


def test_hostile_texts_in_the_database_are_shown_as_text_everywhere(rows, admin):
    value = HOSTILE["script"] + HOSTILE["attribute"] + HOSTILE["quote"]
    spoil(rows, value)
    for place in places(rows):
        for headers in ({}, {"HX-Request": "true"}):
            if place.name != "account_logout":
                response = admin.get(place.path, headers=headers)
                if "Content-Disposition" in response:
                    continue  # a file or paper: no page, and no browser guesses that it is one (nosniff)
                assert not problems(response, value), f"{place.name}: {problems(response, value)}"


def test_hostile_texts_are_pushed_as_text(rows, reception):
    from hms.live import RENDERERS, Change

    spoil(rows, HOSTILE["script"] + "\r\nevent: ended\r\n")
    changes = [Change("appointment", rows.appointment.pk, (rows.appointment.doctor_id,))]
    day = rows.appointment.appointment_date.astimezone(local().tzinfo).date().isoformat()
    html = RENDERERS["desk"](changes, day) + RENDERERS["display"](changes, "today")
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


def spoil(rows, value):
    """Write a hostile text into everything that pages show, past every form."""
    short = value[:90]
    User.objects.update(first_name=short, last_name=short)
    Patient.objects.update(desk_note=short)
    Department.objects.filter(pk=rows.appointment.doctor.department_id).update(name=short)
    Display.objects.update(name=short)
    Hospital.objects.current()
    Hospital.objects.update(name=short, address=short)
    Appointment.objects.update(reason=short, notes=value, cancel_reason=short, override_reason=short)


def test_names_in_any_script_are_kept_as_they_were_typed(reception):
    for family, given in [("Ó Súilleabháin", "Seán"), ("李", "小龍"), ("محمد", "علی\u200cرضا"), ("𝒳", "👶"), ("X", "")]:
        data = person(None) | {"last_name": family, "first_name": given}
        response = reception.post("/desk/patients/new/", data)
        assert response.status_code == 302, response.content.decode()[:3000]
        user = Patient.objects.latest("pk").user
        assert (user.last_name, user.first_name) == (family, given)
        page = reception.get(response.headers["Location"]).content.decode()
        assert family.upper() in page


def test_nothing_was_dropped(db):
    assert "hms_user" in connection.introspection.table_names()
    make_appointment()
