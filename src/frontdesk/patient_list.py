"""The rows of the patient list: a page of ids first, whatever the order, then that page's rows with their visits."""

from collections import namedtuple

from django.db import connection
from django.db.models import Exists, F, OuterRef, Subquery
from django.db.models.functions import Collate
from django.utils import timezone
from django_tables2.data import TableData

from hms.domain import search
from hms.domain.settings import hospital
from hms.models import Appointment, Patient

CAME = (Appointment.Status.IN_PROGRESS, Appointment.Status.COMPLETED)  # the statuses of a visit that took place
NAME = Collate(F("user__family_first"), "C")  # as the index has it
ORDERS = {
    "name": [NAME, F("user_id")],
    "record_number": [F("record_number")],
    "born": [F("date_of_birth"), F("id")],
    "registered": [F("created_at"), F("id")],
}
Row = namedtuple(
    "Row",
    "pk user_id record_number date_of_birth desk_note created_at last_name first_name email phone is_active"
    " last_visit next_visit found_by",
)
ROWS = """
    SELECT p.id, p.user_id, p.record_number, p.date_of_birth, p.desk_note, p.created_at,
        u.last_name, u.first_name, u.email, u.phone, u.is_active,
        (SELECT max(a.appointment_date) FROM hms_appointment a WHERE a.patient_id = p.id
            AND a.status IN ('IN_PROGRESS', 'COMPLETED') AND a.appointment_date <= %s),
        (SELECT min(a.appointment_date) FROM hms_appointment a WHERE a.patient_id = p.id
            AND a.status IN ('SCHEDULED', 'CONFIRMED') AND a.appointment_date >= %s)
    FROM hms_patient p JOIN hms_user u ON u.id = p.user_id WHERE p.{} = ANY(%s)"""


def visits(now=None):
    """Appointments that took place."""
    return Appointment.objects.filter(status__in=CAME, appointment_date__lte=now or timezone.now())


def with_visits(patients):
    """These patients with ``last_visit`` and ``next_visit`` (moments or None)."""
    now = timezone.now()
    today, _tomorrow = hospital().day_bounds(hospital().today())
    theirs = {"patient": OuterRef("pk")}
    last = visits(now).filter(**theirs).order_by("-appointment_date")
    coming = Appointment.objects.filter(
        status__in=Appointment.WAITING_TO_HAPPEN, appointment_date__gte=today, **theirs
    ).order_by("appointment_date")
    return patients.annotate(
        last_visit=Subquery(last.values("appointment_date")[:1]),
        next_visit=Subquery(coming.values("appointment_date")[:1]),
    )


class PatientData(TableData):
    """What the table pages through. Reads a page and one row more, never all of them.

    ``queryset`` holds the filters, ``filtered`` says whether there are any, ``text`` is what was searched for.
    """

    def __init__(self, queryset, *, text="", filtered=False):
        super().__init__(queryset)
        self.text, self.filtered = search.clean(text), filtered
        self.sort = None
        self.found = search.Found()

    def set_table(self, table):
        self.table = table

    def order_by(self, aliases):
        """Called by the table with aliases that it knows; the first one counts."""
        self.sort = aliases[0] if aliases else None

    def __getitem__(self, key):
        start, stop = key.start or 0, key.stop
        if self.text:
            return self._searched(start, stop)
        return self._rows("id", self._browsed(start, stop))

    def _rows(self, field, values):
        """What a row shows of the patients whose ``field`` (id or user_id) is one of these, in their order.

        Written in SQL, and no model is made of it: a page has 25 of them at each letter that somebody types.
        """
        today, _tomorrow = hospital().day_bounds(hospital().today())
        with connection.cursor() as cursor:
            cursor.execute(ROWS.format(field), [timezone.now(), today, list(values)])
            found = cursor.fetchall()
        reasons = self.found.reasons()
        rows = {row[1] if field == "user_id" else row[0]: Row(*row, reasons.get(row[1], "")) for row in found}
        return [rows[value] for value in values if value in rows]

    def _searched(self, start, stop):
        within = self.data.values("user_id") if self.filtered else None
        limit = search.CAP if self.sort else min(stop, search.CAP)
        self.found = search.patients(self.text, limit=limit, within=within)
        users = [match.user_id for match in self.found.matches]
        if self.sort:
            users = list(self._sorted(Patient.objects.filter(user_id__in=users)).values_list("user_id", flat=True))
        return self._rows("user_id", users[start:stop])

    def _browsed(self, start, stop):
        if self.sort and self.sort.lstrip("-") == "last_visit":
            return self._by_last_visit(start, stop)
        return list(self._sorted(self.data.filter(user__role="PATIENT")).values_list("pk", flat=True)[start:stop])

    def _sorted(self, patients):
        sort = self.sort or "name"
        if sort.lstrip("-") == "last_visit":
            last = F("last_visit")
            order = [last.desc(nulls_last=True) if sort.startswith("-") else last.asc(nulls_last=True), F("id").asc()]
            patients = with_visits(patients)
        else:
            order = [e.desc() if sort.startswith("-") else e.asc() for e in ORDERS[sort.lstrip("-")]]
        return patients.order_by(*order)

    def _by_last_visit(self, start, stop):
        """Walks the visits in order of time, so that nobody's last visit is computed to be sorted away.

        Those who never came follow at the end.
        """
        way = "DESC" if self.sort.startswith("-") else "ASC"
        within, params = "", []
        if self.filtered:
            sql, params = self.data.values("pk").query.sql_with_params()
            within = f"AND p.id IN ({sql})"
        took_place = "status IN ('IN_PROGRESS', 'COMPLETED') AND {0}.appointment_date <= %s"
        now = timezone.now()
        sql = f"""
            (SELECT p.id FROM hms_appointment a JOIN hms_patient p ON p.id = a.patient_id
             WHERE a.{took_place.format("a")} {within} AND NOT EXISTS (
                SELECT FROM hms_appointment b WHERE b.patient_id = a.patient_id
                AND b.{took_place.format("b")} AND b.appointment_date > a.appointment_date)
             ORDER BY a.appointment_date {way}, a.id {way})
            UNION ALL
            (SELECT p.id FROM hms_patient p WHERE NOT EXISTS (
                SELECT FROM hms_appointment b WHERE b.patient_id = p.id AND b.{took_place.format("b")}) {within}
             ORDER BY p.id)
            LIMIT %s OFFSET %s"""  # noqa: S608 (constants, and the filters as Django wrote them)
        with connection.cursor() as cursor:
            cursor.execute(sql, [now, *params, now, now, *params, stop - start, start])
            return [row[0] for row in cursor.fetchall()]


def has_visit(**conditions):
    """A condition: had a visit that meets these."""
    return Exists(visits().filter(patient=OuterRef("pk"), **conditions))
