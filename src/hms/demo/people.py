"""Who is there: the sample logins, twelve doctors, four hundred patients."""

import random
import re
import unicodedata
from collections import namedtuple
from datetime import date, timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password

from hms.demo import clinical, history, names, rota, texts
from hms.models import Department, Doctor, Patient, TimeOff, User, WorkingHours

PASSWORD = "demo-hospital-2026"
PATIENTS = 400
STAFF = [
    ("admin@hms.example", "Ruth", "Adeyemi", User.Role.ADMIN),
    ("reception@hms.example", "Marta", "Kowalska", User.Role.RECEPTIONIST),
    ("reception2@hms.example", "James", "Whitaker", User.Role.RECEPTIONIST),
]
LOGINS = [
    ("Administrator", "admin@hms.example"),
    ("Reception", "reception@hms.example"),
    ("Doctor", "doctor@hms.example"),
    ("Patient", "patient@hms.example"),
]
# Numbers that the British regulator keeps for films and novels: valid in form, nobody's telephone.
PHONES = [
    f"+44{area}{number:03}"
    for area in (
        "2079460", "1134960", "1144960", "1164960", "1174960", "1184960",
        "1214960", "1314960", "1414960", "1514960", "1614960", "1914980",
    )
    for number in range(1000)
]  # fmt: skip

Staff = namedtuple("Staff", "admin desk")
Guest = namedtuple("Guest", "pk born woman weight")  # what the planning of days needs to know of a patient


def doctors():
    """The demo's doctors in the order of ``texts.DOCTORS``, or an empty list before the first load."""
    by_licence = {d.license_number: d for d in Doctor.objects.select_related("user", "department")}
    return [by_licence[line[7]] for line in texts.DOCTORS if line[7] in by_licence]


def staff():
    """The sample administrator and receptionists: who did what stands in the history."""
    by_email = {u.email: u for u in User.objects.filter(email__in=[line[0] for line in STAFF])}
    users = [by_email[line[0]] for line in STAFF]
    return Staff(users[0], users[1:])


def guests(seed):
    """The demo's patients, each with how often they come (the same for the same seed)."""
    events = Patient.events.rel.related_model.objects.filter(pgh_label="insert", pgh_context__has_key="demo")
    rng = random.Random(f"{seed}:visits")  # noqa: S311
    rows = Patient.objects.filter(pk__in=events.values("pgh_obj_id"), user__is_active=True).order_by("pk")
    return [
        Guest(pk, born, gender == "FEMALE", 1.2 if email == "patient@hms.example" else min(rng.paretovariate(2), 3))
        for pk, born, gender, email in rows.values_list("pk", "date_of_birth", "gender", "user__email")
    ]


def create(seed, today):
    """Everybody and their rota, as they stood when the demo's history begins."""
    rng = random.Random(f"{seed}:people")  # noqa: S311
    password = make_password(PASSWORD)
    opened = _moment(today - timedelta(days=9 * 365))
    logins = [
        User(email=email, first_name=given, last_name=family, role=role, password=password, created_at=opened)
        for email, given, family, role in STAFF
    ]
    taken = set(User.objects.filter(email__in=[u.email for u in logins]).values_list("email", flat=True))
    _insert(User, [u for u in logins if u.email not in taken], by=None)
    team = staff()
    departments = _departments(team.admin, opened)
    doctors = _doctors(departments, password, opened, rng, team.admin)
    for index, name in enumerate(texts.DEPARTMENTS):
        departments[name].head_doctor = doctors[2 * index]
        departments[name].save(update_fields=["head_doctor"])
    _insert(WorkingHours, rota.weekly_hours(doctors, today - timedelta(days=2 * 365)), by=team.admin)
    _insert(TimeOff, rota.leave(doctors, today), by=team.admin)
    _patients(rng, today, password, team, doctors)
    clinical.phrases(doctors)
    for user in User.objects.filter(email__in=[*taken, *(u.email for u in logins), *(e for _r, e in LOGINS)]):
        EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    return doctors


def _insert(model, rows, *, by):
    with history.own_history(model):
        model.objects.bulk_create(rows)
    if rows:
        history.record_inserts(model, rows, by=by or rows[0])
    return rows


def _departments(admin, opened):
    have = {d.name: d for d in Department.objects.filter(name__in=texts.DEPARTMENTS)}
    new = [
        Department(
            name=name,
            description=description,
            created_at=opened,
            # A heart is no matter for a click: the desk answers.
            online="REQUEST" if name == "Cardiology" else "BOOK",
        )
        for name, (description, _who, _reasons) in texts.DEPARTMENTS.items()
        if name not in have
    ]
    return have | {d.name: d for d in _insert(Department, new, by=admin)}


def _doctors(departments, password, opened, rng, admin):
    users, phones = [], rng.sample(PHONES, len(texts.DOCTORS))
    for line, phone in zip(texts.DOCTORS, phones, strict=True):
        login, given, family = line[:3]
        user = User(email=f"{login}@hms.example", first_name=given, last_name=family, role="DOCTOR", phone=phone)
        user.created_at = opened + timedelta(days=rng.randrange(2000))
        user.password = password if login == "doctor" else make_password(None)
        users.append(user)
    _insert(User, users, by=admin)
    rows = [
        Doctor(
            user=user,
            department=departments[department],
            specialization=specialization,
            consultation_fee=fee,
            experience_years=years,
            license_number=licence,
            created_at=user.created_at,
        )
        for user, (_l, _g, _f, department, specialization, fee, years, licence, _w) in zip(
            users, texts.DOCTORS, strict=True
        )
    ]
    return _insert(Doctor, rows, by=admin)


def _patients(rng, today, password, team, doctors):
    phones = rng.sample(PHONES, PATIENTS)
    users, patients = [], []
    for number, phone in enumerate(phones):
        woman = rng.random() < 0.54
        given, family = names.person(rng, woman)
        born = _birth(rng, today)
        made = _moment(max(today - timedelta(days=rng.randint(60, 3000)), born + timedelta(days=1)), rng)
        user = User(first_name=given, last_name=family, role="PATIENT", phone=phone, created_at=made, updated_at=made)
        user.email = _email(rng, number, given, family, born) if rng.random() < 0.62 else None
        user.password = make_password(None)
        patient = Patient(user=user, date_of_birth=born, created_at=made, updated_at=made)
        patient.gender = "FEMALE" if woman else "MALE"
        _describe(patient, rng, today)
        users.append(user)
        patients.append(patient)
    _two_of_a_name(users)
    _sample_patient(users[0], patients[0], today, password)
    _insert(User, users, by=team.desk[0])
    with history.own_history(Patient):
        lists = [clinical.describe(patient, rng, today) for patient in patients]
        Patient.objects.bulk_create(patients)
    for clerk, half in ((team.desk[0], patients[::2]), (team.desk[1], patients[1::2])):
        history.record_inserts(Patient, half, by=clerk, action="patient.registered")
    clinical.write_lists(lists, doctors)


def _describe(patient, rng, today):
    age = (today - patient.date_of_birth).days // 365
    if rng.random() < 0.6:
        patient.blood_type = rng.choices(
            ["O+", "A+", "B+", "AB+", "O-", "A-", "B-", "AB-"], [38, 30, 15, 5, 5, 4, 2, 1]
        )[0]
    patient.allergies = rng.choices([rng.choice(texts.ALLERGIES), texts.NO_ALLERGIES, ""], [18, 57, 25])[0]
    if rng.random() < 0.7 or age < 16:
        patient.emergency_contact = rng.choice(PHONES)
    if rng.random() < min(age / 90, 0.7):
        patient.medical_history = rng.choice(texts.HISTORIES)
    if rng.random() < 0.1:
        patient.desk_note = rng.choice(texts.DESK_NOTES)
    if rng.random() < 0.02:
        patient.gender = rng.choice(["OTHER", "UNKNOWN"])


def _sample_patient(user, patient, today, password):
    """Whom patient@hms.example signs in as."""
    user.first_name, user.last_name, user.email, user.password = "Elena", "Marchetti", "patient@hms.example", password
    patient.date_of_birth, patient.gender = date(today.year - 41, 3, 14), "FEMALE"
    patient.allergies, patient.blood_type = "Penicillin (rash)", "A+"
    patient.desk_note = patient.medical_history = ""


def _two_of_a_name(users):
    """Every hospital has them: two people of one name, told apart by birth date and record number."""
    for one, other in ((10, 11), (50, 51)):
        users[other].first_name, users[other].last_name = users[one].first_name, users[one].last_name


def _birth(rng, today):
    low, high = rng.choices([(0, 4), (5, 15), (16, 39), (40, 64), (65, 84), (85, 98)], [9, 11, 27, 27, 21, 5])[0]
    return today - timedelta(days=rng.randint(low * 365 + 90, high * 365 + 360))


def _email(rng, number, given, family, born):
    plain = unicodedata.normalize("NFKD", f"{given} {family}").encode("ascii", "ignore").decode().lower()
    words = [w for w in re.split("[^a-z]+", plain) if w] if len(plain) > len(given + family) // 2 else []
    local = rng.choice([".", "", "_"]).join(words) if len(words) > 1 else f"home{born:%y}"
    return f"{local}{number}@mail.example"


def _moment(day, rng=None):
    from hms.demo.clock import at

    return at(day, rng.randint(8 * 60, 17 * 60) if rng else 9 * 60)
