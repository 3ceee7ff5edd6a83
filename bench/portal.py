"""The portal's rows: a patient's own page, the pages of booking, and the free times of a department for a month."""

from bench.server import request
from bench.work import Work


def patient(hospital):
    """The address of a patient with nothing to come, who may book."""
    (email,) = hospital.one(
        "SELECT u.email FROM hms_user u JOIN hms_patient p ON p.user_id = u.id WHERE u.is_active AND u.email <> ''"
        " AND NOT EXISTS (SELECT FROM hms_appointment a WHERE a.patient_id = p.id AND a.appointment_date > now())"
        " ORDER BY p.id DESC LIMIT 1"
    )
    return email


def hold(hospital, doctor):
    """Let the patient hold a time of this doctor, years from now and for the whole run: there is something to check."""
    hospital.db.execute("DELETE FROM hms_slothold WHERE start > now() + interval '10 years'")
    hospital.db.execute(
        'INSERT INTO hms_slothold (patient_id, doctor_id, start, "end", expires_at)'
        " SELECT p.id, %s, now() + interval '20 years', now() + interval '20 years 1 hour', now() + interval '1 day'"
        " FROM hms_patient p JOIN hms_user u ON u.id = p.user_id WHERE u.email = %s"
        ' ON CONFLICT (patient_id) DO UPDATE SET doctor_id = excluded.doctor_id, start = excluded.start, "end" ='
        ' excluded."end", expires_at = excluded.expires_at',
        [doctor, patient(hospital)],
    )


def works(hospital, cookie, quick):
    """A row for each page that a patient waits for while booking: five empty pages at most, six for a department."""
    department, doctor = hospital.one(
        "SELECT d.department_id, min(d.id) FROM hms_doctor d JOIN hms_department p ON p.id = d.department_id"
        " JOIN hms_user u ON u.id = d.user_id WHERE d.is_available AND u.is_active AND p.online <> 'VIEW'"
        " GROUP BY d.department_id ORDER BY count(*) DESC, d.department_id LIMIT 1"
    )
    hold(hospital, doctor)
    n = 8 if quick else 30
    base = f"/portal/book/{department}/"
    pages = [
        ("portal: my care", "/portal/"),
        ("portal: book, where", "/portal/book/"),
        ("portal: book, with whom", base),
        ("portal: book, what about", f"{base}{doctor}/"),
        ("portal: a month of one doctor", f"{base}{doctor}/time/"),
        ("portal: a month of a department", f"{base}0/time/"),
        ("portal: book, check", "/portal/book/check/"),
    ]
    return [
        Work(name, [request("GET", path, cookie)], {1: n, 8: n * 2}, 6 if path.endswith("/0/time/") else 5, path=path)
        for name, path in pages
    ]
