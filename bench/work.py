"""What is measured: the requests of each row of the table, the bare SQL of the same question, and the goal."""

from dataclasses import dataclass, field

from bench.data import MARK
from bench.server import request

# E, against which all is measured: the shell of every page (navigation, user's menu, palette) around a few words that
# are kept in memory. Session and user are its only queries, every role has it, and no feature will ever make it
# heavier. (Signing out has another, smaller shell; an audience's own pages grow.)
EMPTY = "/about/"
PAGE = 25  # rows of the patient list

# What people type, and why it may be hard.
SEARCHES = [
    ("record number", None),
    ("prefix, frequent", "ma"),
    ("prefix, rare", "nachti"),
    ("given and family", "meera krish"),
    ("fragment, frequent", "son"),
    ("two fragments", "ari sha"),
    ("one letter wrong", "ashwroth"),
    ("two words, both wrong", "saraswaty kulkarny"),
    ("nobody is called that", "xqzwvk"),
    ("phone", "7700 012"),
    ("birth date", "14-Jul-1985"),
]


@dataclass
class Work:
    """One row (or two: 1 and 8 clients) of the table."""

    name: str
    requests: list  # texts, taken in turn
    counts: dict  # clients → requests of a run
    goal: float = 0  # × E, 0: none
    expect: int = 200
    before: str = ""  # SQL before each request, outside of the clock
    bare: tuple = ()  # (SQL, parameters) of the same question
    once: bool = False  # a request can be sent only once
    warm: int = 3
    cold: bool = False  # on the server that keeps nothing
    path: str = ""  # whose queries are counted
    results: dict = field(default_factory=dict)  # clients → [run, …]


def searches(hospital, cookie, quick):
    """A row for each kind of search, and one of all kinds mixed."""
    (number,) = hospital.one("SELECT record_number FROM hms_patient ORDER BY id OFFSET 5000 LIMIT 1")
    kinds = [(name, text or number) for name, text in SEARCHES]
    htmx = {"HX_Request": "true", "HX_Source": "form#patients-filter"}

    def ask(text, where="/desk/patients/"):
        return request("GET", f"{where}?q={text.replace(' ', '+')}", cookie, **htmx)

    n = 10 if quick else 40
    works = [
        Work(
            f"search: {name}",
            [ask(text)],
            {1: n},
            goal=3,
            bare=_bare_search(name, text),
            path=f"/desk/patients/?q={text}",
        )
        for name, text in kinds
    ]
    mixed = [ask(text) for _name, text in kinds]
    works.append(Work("search: all kinds mixed", mixed, {1: n * 4, 8: n * 8}, goal=3))
    offered = [ask(text, "/desk/patients/options/") for _name, text in kinds]
    works.append(
        Work("search while booking, mixed", offered, {1: n * 2, 8: n * 4}, goal=3, path="/desk/patients/options/?q=ma")
    )
    works.append(
        Work("patients, first page", [ask("")], {1: n, 8: n * 4}, goal=3, path="/desk/patients/", bare=_bare_list())
    )
    return works


ROW = "p.id, p.record_number, p.date_of_birth, u.last_name, u.first_name, u.phone, u.email"
FROM = "FROM hms_patient p JOIN hms_user u ON u.id = p.user_id"


def _bare_list():
    sql = f"""SELECT {ROW} FROM (SELECT * FROM hms_user WHERE role = 'PATIENT'
        ORDER BY family_first COLLATE "C", id LIMIT {PAGE}) u JOIN hms_patient p ON p.user_id = u.id"""
    return sql, []


def _bare_search(name, text):
    """The question as one would ask it by hand: no ladder, no ranking."""
    if name == "record number":
        return f"SELECT {ROW} {FROM} WHERE p.record_number = %s", [text]
    if name.startswith("prefix"):
        sql = f"""SELECT {ROW} {FROM} WHERE u.role = 'PATIENT' AND u.family_first COLLATE "C" >= %s
            AND u.family_first COLLATE "C" < %s ORDER BY u.family_first COLLATE "C", u.id LIMIT {PAGE}"""
        return sql, [text, text + "\U0010ffff"]
    if name == "phone":
        sql = f"SELECT {ROW} {FROM} WHERE u.role = 'PATIENT' AND u.phone LIKE %s LIMIT {PAGE}"
        return sql, [f"%{text.replace(' ', '')}%"]
    if name == "birth date":
        return f"SELECT {ROW} {FROM} WHERE p.date_of_birth = %s LIMIT {PAGE}", [text]
    if name.startswith("fragment"):
        sql = f"""SELECT {ROW} {FROM} WHERE u.role = 'PATIENT' AND u.family_first LIKE %s
            ORDER BY u.family_first COLLATE "C" LIMIT {PAGE}"""
        return sql, [f"%{text}%"]
    return ()


def boards(hospital, cookie, quick):
    """The day of 500: every card new, one card new, nothing new; and the smaller pages around it."""
    n = 8 if quick else 30
    day = request("GET", "/desk/", cookie)
    begins, ends = hospital.bounds(hospital.today)
    bare = (
        f"""SELECT a.*, p.record_number, {ROW} FROM hms_appointment a JOIN hms_patient p ON p.id = a.patient_id
            JOIN hms_user u ON u.id = p.user_id WHERE a.appointment_date >= %s AND a.appointment_date < %s
            ORDER BY a.appointment_date""",
        [begins, ends],
    )
    one = hospital.touch_sql(f"AND id = {hospital.todays()[0]}")
    return [
        Work("day of 500, every card new", [day], {1: n, 8: n * 3}, 12, cold=True, bare=bare),
        Work("day of 500, one card changed", [day], {1: n}, 5, before=one),
        Work("day of 500, nothing changed", [day], {1: n * 4, 8: n * 8}, 5, path="/desk/", bare=bare),
        Work("month beside it", [request("GET", "/desk/month/", cookie)], {1: n}, path="/desk/month/"),
    ]


INSERT = """INSERT INTO hms_appointment (patient_id, doctor_id, appointment_date, duration, status, reason)
    VALUES (%s, %s, %s, '15 min', 'SCHEDULED', %s)"""


def booking(day, slots, cookie, quick):
    """Each request gives another free time to another patient."""
    return Work(
        "book an appointment",
        [book_request(day, slot, cookie) for slot in slots],
        {1: 15 if quick else 50, 8: 40 if quick else 120},
        goal=5,
        once=True,
        warm=0,
    )


def book_request(day, slot, cookie):
    doctor, start, patient = slot
    form = {
        "patient": patient,
        "doctor": doctor,
        "date": day.isoformat(),
        "time": f"{start:%H:%M}",
        "duration": 15,
        "reason": MARK,
    }
    headers = {"HX_Request": "true", "X_Board_Day": day.isoformat(), "HX_Source": "form#book"}
    return request("POST", "/desk/appointments/new/", cookie, form, **headers)
