"""The clinic's rows: the consultation, saving a note, a code search, the record of somebody who came 1,000 times."""

from bench.server import request
from bench.work import Work

DOCTOR = "doctor@hms.example"
VISITS = 1_000
WRITTEN = 16  # visits whose notes are saved in turn
BORN = "1931-05-04"  # of the patient who came so often
SEARCHES = ["hyp", "diab type 2", "fracture radius", "J45", "pneumnia", "chest pain"]


class Clinic:
    """A doctor of the hospital and a patient with a long record, made once."""

    def __init__(self, hospital):
        self.db = hospital.db
        (self.user, self.doctor) = hospital.one(
            "SELECT u.id, d.id FROM hms_user u JOIN hms_doctor d ON d.user_id = u.id WHERE u.email = %s", [DOCTOR]
        )
        found = hospital.one(
            "SELECT p.id FROM hms_patient p JOIN hms_appointment a ON a.patient_id = p.id"
            " WHERE p.date_of_birth = %s AND a.reason = 'Bench: long record' LIMIT 1",
            [BORN],
        )
        with hospital._no_triggers():
            self.patient = found[0] if found else self._make(hospital)
        self.visits = [
            pk
            for (pk,) in hospital.all(
                "SELECT id FROM hms_appointment WHERE patient_id = %s AND status = 'IN_PROGRESS' ORDER BY id",
                [self.patient],
            )
        ]
        with hospital._no_triggers():  # sequence numbers begin anew
            self.db.execute(
                "DELETE FROM hms_editingsession WHERE record_id IN"
                " (SELECT id FROM hms_medicalrecord WHERE appointment_id = ANY(%s))",
                [self.visits],
            )

    def _make(self, hospital):
        values = {"doctor": self.doctor, "user": self.user, "visits": VISITS, "written": WRITTEN, "born": BORN}
        (patient,) = hospital.one(
            "SELECT p.id FROM hms_patient p JOIN hms_user u ON u.id = p.user_id WHERE u.is_active"
            " AND NOT EXISTS (SELECT FROM hms_appointment a WHERE a.patient_id = p.id) ORDER BY p.id DESC LIMIT 1"
        ) or hospital.one("SELECT max(id) FROM hms_patient")
        values["patient"] = patient
        for statement in MADE:
            self.db.execute(statement, values)
        for table in ("appointment", "medicalrecord", "vitals", "diagnosis", "prescription", "prescriptionline"):
            self.db.execute(f"ANALYZE hms_{table}")
        return patient


MADE = [
    "UPDATE hms_patient SET date_of_birth = %(born)s WHERE id = %(patient)s",
    # A visit every third day before 2015, and a few that are going on: long ago, so that nothing of today changes.
    """INSERT INTO hms_appointment (patient_id, doctor_id, appointment_date, duration, status, reason)
    SELECT %(patient)s, %(doctor)s, timestamptz '2014-12-01 05:00Z' - n * interval '3 days', '15 min', 'COMPLETED',
        'Bench: long record' FROM generate_series(1, %(visits)s) n""",
    """INSERT INTO hms_appointment (patient_id, doctor_id, appointment_date, duration, status, started_at, reason)
    SELECT %(patient)s, %(doctor)s, timestamptz '2015-02-01 05:00Z' + n * interval '1 day', '15 min', 'IN_PROGRESS',
        now(), 'Bench: written now' FROM generate_series(1, %(written)s) n""",
    """INSERT INTO hms_medicalrecord (patient_id, doctor_id, appointment_id, diagnosis, treatment, prescription, notes,
        created_at, signed_at, signed_by_id)
    SELECT patient_id, doctor_id, id, 'I10 Essential (primary) hypertension', 'Amlodipine raised; less salt.',
        'Amlodipine 10 mg tablet, 1, once a day, 30 days', repeat('Feels well, sleeps well, walks every day. ', 12)
        || CASE WHEN id %% 97 = 0 THEN 'Œdème of both ankles.' ELSE '' END, appointment_date,
        appointment_date, %(user)s FROM hms_appointment WHERE patient_id = %(patient)s AND status = 'COMPLETED'""",
    """INSERT INTO hms_vitals (patient_id, record_id, taken_at, taken_by_id, pulse, systolic, diastolic, weight, height)
    SELECT patient_id, id, created_at, %(user)s, 60 + id %% 30, 120 + id %% 40, 70 + id %% 20, 70, 175
    FROM hms_medicalrecord WHERE patient_id = %(patient)s""",
    """INSERT INTO hms_diagnosis (record_id, text, is_primary, created_at)
    SELECT id, 'Essential (primary) hypertension', true, created_at FROM hms_medicalrecord
    WHERE patient_id = %(patient)s""",
    """INSERT INTO hms_prescription (record_id, token) SELECT id, md5(id::text) FROM hms_medicalrecord
    WHERE patient_id = %(patient)s""",
    """INSERT INTO hms_prescriptionline (prescription_id, patient_id, drug_name, strength, form, dose, frequency, days,
        quantity, instructions, created_at)
    SELECT p.id, r.patient_id, 'Amlodipine', '10 mg', 'tablet', '1', 'once a day', 30, '30', '', r.created_at
    FROM hms_prescription p JOIN hms_medicalrecord r ON r.id = p.record_id WHERE r.patient_id = %(patient)s""",
    """INSERT INTO hms_allergy (patient_id, substance, severity, noted_by_id)
    VALUES (%(patient)s, 'Penicillin', 'SEVERE', %(user)s)""",
    """INSERT INTO hms_problem (patient_id, text, onset, noted_by_id)
    SELECT %(patient)s, 'Problem ' || n, date '2001-01-01' + n, %(user)s FROM generate_series(1, 8) n""",
]


def works(hospital, cookie, quick, runs):
    """A row for each thing that a doctor waits for."""
    clinic = Clinic(hospital)
    n = 8 if quick else 30
    visit, record = f"/clinic/appointments/{clinic.visits[0]}/", f"/clinic/patients/{clinic.patient}/"

    def page(path, **headers):
        return [request("GET", path, cookie, **headers)]

    older = _older(clinic, hospital)
    htmx = {"HX_Request": "true"}
    codes = [f"{visit}diagnoses/options/?diagnosis={text.replace(' ', '+')}" for text in SEARCHES]
    bare = (
        """SELECT a.*, r.* FROM hms_appointment a LEFT JOIN hms_medicalrecord r ON r.appointment_id = a.id
        WHERE a.patient_id = %s ORDER BY a.appointment_date DESC LIMIT 25""",
        [clinic.patient],
    )
    return [
        Work("consultation page", page(visit), {1: n, 8: n * 4}, 6, path=visit),
        _saving(clinic, cookie, quick, runs),
        Work(
            "ICD-10 search, mixed",
            [page(code, **htmx)[0] for code in codes],
            {1: n * 2, 8: n * 4},
            3,
            path=codes[0],
        ),
        Work("record of 1,000 visits", page(record), {1: n, 8: n * 2}, 12, path=record, bare=bare),
        Work("… older page", page(f"{record}?before={older}", **htmx), {1: n, 8: n * 2}, 12),
        Work("… word search", page(f"{record}?q=oedeme"), {1: n, 8: n * 2}, path=f"{record}?q=oedeme"),
        Work("my patients", page("/clinic/patients/"), {1: n, 8: n * 2}, path="/clinic/patients/"),
    ]


def _older(clinic, hospital):
    """The cursor of a page deep in the record."""
    pk, at = hospital.one(
        "SELECT id, round(extract(epoch FROM appointment_date) * 1000000)::bigint FROM hms_appointment"
        " WHERE patient_id = %s AND status = 'COMPLETED' ORDER BY appointment_date DESC OFFSET 500 LIMIT 1",
        [clinic.patient],
    )
    return f"{at}.visit.{pk}"


def _saving(clinic, cookie, quick, runs):
    """Each request saves another text, in turn of several visits, as <auto-save> does."""
    counts = {1: 15 if quick else 50, 8: 40 if quick else 120}
    requests = []
    for n in range(sum(counts.values()) * runs):
        form = {"notes": f"Saved {n}. " + "What the patient says. " * 40, "version": 999_999}
        form |= {"session": f"bench{n % WRITTEN}", "sequence": n // WRITTEN + 1}
        path = f"/clinic/appointments/{clinic.visits[n % WRITTEN]}/note/"
        requests.append(request("POST", path, cookie, form, X_Note="1"))
    return Work("save a note", requests, counts, 4, once=True, warm=0)
