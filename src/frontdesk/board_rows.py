"""What the day board reads: plain tuples in few statements, and hashes that tell which columns have changed."""

import hashlib
from collections import namedtuple
from datetime import UTC, datetime, timedelta

from django.db import connection

from hms.models import Appointment, Doctor

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Moments but ``start`` are seconds since 1970: five hundred rows of datetimes cost as much as all the rest.
Row = namedtuple("Row", "pk doctor start minutes status arrived reason family given desk_note updated online")
Staff = namedtuple("Staff", "pk name department department_name bookable active")
# ``doctors``: {doctor id: (has appointments, has hours, hash of all that their column shows)}
Prints = namedtuple("Prints", "day staff doctors edges")


def is_live(row):
    """Whether the appointment holds its time."""
    return row.status not in Appointment.FREES_TIME


def _all(sql, params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def bounds(date, begins, ends):
    """The parameters of the statements below for one calendar day."""
    return {"date": date, "weekday": date.weekday(), "begins": begins, "ends": ends}


def rows(day, doctors):
    """The appointments of these doctors (ids), in order of time."""
    moments = {}  # appointments share their starts
    found = _all(ROWS, day | {"doctors": doctors})
    for _pk, _doctor, start, *_rest in found:
        if start not in moments:
            moments[start] = EPOCH + timedelta(seconds=start)
    return [Row(pk, doctor, moments[start], *rest) for pk, doctor, start, *rest in found]


def queue(day):
    """Who has arrived and waits, longest first: ``(id, arrived, start, family, given, doctor's name)``."""
    return _all(QUEUE, day)


def edges(day):
    """``(opens, closes, first, last)`` of the whole hospital: times of day, then seconds; each pair may be None."""
    return _all(EDGES, day)[0]


def prints(day):
    """Hashes of everything that the board shows; equal hashes, equal boards."""
    doctors, hashed, outermost = {}, "", None
    for pk, booked, works, value, *times in _all(PRINTS, day):
        if pk is None:
            hashed, outermost = value, times
        else:
            doctors[pk] = booked, works, value
    text = repr((sorted(doctors.items()), hashed)).encode()
    return Prints(hashlib.blake2b(text, digest_size=12).hexdigest(), hashed, doctors, outermost)


def staff(only=None):
    """Who works here (``only``: of these ids), in the order of the columns."""
    doctors = Doctor.objects.in_order() if only is None else Doctor.objects.in_order().filter(pk__in=only)
    return [
        Staff(pk, f"{given} {family}".strip() or email, department, name, available and active, active)
        for pk, given, family, email, department, name, available, active in doctors.values_list(
            "pk", "user__first_name", "user__last_name", "user__email", "department_id", "department__name",
            "is_available", "user__is_active",
        )
    ]  # fmt: skip


ROWS = """
SELECT a.id, a.doctor_id, date_part('epoch', a.appointment_date), date_part('epoch', a.duration) / 60, a.status,
    date_part('epoch', a.checked_in_at), a.reason, u.last_name, u.first_name, p.desk_note,
    date_part('epoch', a.updated_at), a.online
FROM hms_appointment a JOIN hms_patient p ON p.id = a.patient_id JOIN hms_user u ON u.id = p.user_id
WHERE a.appointment_date >= %(begins)s AND a.appointment_date < %(ends)s AND a.doctor_id = ANY(%(doctors)s)
ORDER BY a.appointment_date, a.id
"""
QUEUE = """
SELECT a.id, a.checked_in_at, a.appointment_date, u.last_name, u.first_name, s.first_name || ' ' || s.last_name
FROM hms_appointment a JOIN hms_patient p ON p.id = a.patient_id JOIN hms_user u ON u.id = p.user_id
    JOIN hms_doctor d ON d.id = a.doctor_id JOIN hms_user s ON s.id = d.user_id
WHERE a.appointment_date >= %(begins)s AND a.appointment_date < %(ends)s
    AND a.status IN ('SCHEDULED', 'CONFIRMED') AND a.checked_in_at IS NOT NULL
ORDER BY a.checked_in_at, a.id
"""
EDGES = """
SELECT h.opens, h.closes, a.first, a.last
FROM (SELECT min(start) AS opens, max("end") AS closes FROM hms_workinghours
      WHERE weekday = %(weekday)s AND valid_from <= %(date)s AND (valid_until IS NULL OR valid_until >= %(date)s)) h,
     (SELECT date_part('epoch', min(appointment_date)) AS first,
             date_part('epoch', max(appointment_date + duration)) AS last FROM hms_appointment
      WHERE appointment_date >= %(begins)s AND appointment_date < %(ends)s
        AND status NOT IN ('CANCELLED', 'NO_SHOW')) a
"""
# The rows' versions are hashed as they are: as text this would take three times as long.
PRINTS = """
WITH part AS (
    SELECT a.doctor_id AS doctor, 1 AS kind,
        hash_record_extended((a.id, a.updated_at, p.updated_at, u.updated_at), 0) AS hash,
        NULL::time AS opens, NULL::time AS closes, CASE WHEN a.status NOT IN ('CANCELLED', 'NO_SHOW')
            THEN a.appointment_date END AS start, a.duration
    FROM hms_appointment a JOIN hms_patient p ON p.id = a.patient_id JOIN hms_user u ON u.id = p.user_id
    WHERE a.appointment_date >= %(begins)s AND a.appointment_date < %(ends)s
    UNION ALL
    SELECT doctor_id, 2, hash_record_extended(h, 0), start, "end", NULL, NULL FROM hms_workinghours h
    WHERE weekday = %(weekday)s AND valid_from <= %(date)s AND (valid_until IS NULL OR valid_until >= %(date)s)
    UNION ALL
    SELECT doctor_id, 3, hash_record_extended(t, 0), NULL, NULL, NULL, NULL FROM hms_timeoff t
    WHERE t.start < %(ends)s AND t."end" > %(begins)s)
SELECT doctor, bool_or(kind = 1), bool_or(kind = 2), bit_xor(hash) || '-' || count(*),
    NULL::time, NULL::time, NULL::float8, NULL::float8
FROM part GROUP BY doctor
UNION ALL
SELECT NULL, NULL, NULL, concat_ws('.',
    (SELECT bit_xor(hash_record_extended((d.id, d.updated_at, u.updated_at, d.department_id), 0))
       FROM hms_doctor d JOIN hms_user u ON u.id = d.user_id),
    (SELECT bit_xor(hash_record_extended((id, name), 0)) FROM hms_department)),
    min(opens), max(closes), date_part('epoch', min(start)), date_part('epoch', max(start + duration))
FROM part
"""
