"""Who opened whose record in the demo hospital: the desk as the patient arrived, the doctor as the visit began."""

from datetime import timedelta

from django.db import connection

# As hms.domain.audit writes them; a patient whom somebody has really opened around then gets no second entry.
LOOKS = """
INSERT INTO hms_accesslog (at, user_id, role, patient_id, action)
SELECT seen.at, u.id, u.role, seen.patient_id, seen.action FROM (
    SELECT checked_in_at AS at, %(desk)s AS user_id, patient_id, 'patient.viewed' AS action FROM hms_appointment
    WHERE doctor_id = ANY(%(doctors)s) AND checked_in_at > %(since)s AND status = 'COMPLETED'
    UNION ALL
    SELECT started_at, d.user_id, patient_id, 'record.viewed'
    FROM hms_appointment JOIN hms_doctor d ON d.id = doctor_id
    WHERE doctor_id = ANY(%(doctors)s) AND started_at > %(since)s AND status = 'COMPLETED'
) seen JOIN hms_user u ON u.id = seen.user_id
WHERE seen.at <= %(now)s AND NOT EXISTS (
    SELECT FROM hms_accesslog l WHERE l.patient_id = seen.patient_id AND l.user_id = seen.user_id
        AND l.at BETWEEN seen.at - interval '1 hour' AND seen.at + interval '1 hour'
) ORDER BY 1"""


def write(doctors, desk, now):
    """Add what is missing of the last year; nothing that is there changes."""
    asked = {"doctors": [d.pk for d in doctors], "desk": desk.pk, "since": now - timedelta(days=366), "now": now}
    with connection.cursor() as cursor:
        cursor.execute(LOOKS, asked)
