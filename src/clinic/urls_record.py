"""Patients, their records, and my hours."""

from django.urls import path

from clinic.views import hours, patients, record, record_side  # noqa: F401 (the last fills in)

urlpatterns = [
    path("patients/", patients.patients, name="patients"),
    path("patients/<int:pk>/", record.patient, name="patient"),
    path("patients/<int:pk>/print/", record.patient_print, name="patient-print"),
    path("patients/<int:pk>/record.pdf", record.patient_pdf, name="patient-pdf"),
    path("patients/<int:pk>/vitals/", record.patient_vitals, name="patient-vitals"),
    path("patients/<int:pk>/open/", record.record_open, name="patient-open"),
    path("break-glass/", patients.break_glass, name="patient-break-glass"),
    path("hours/", hours.hours, name="hours"),
    path("hours/week/", hours.week_edit, name="hours-week"),
    path("hours/leave/", hours.leave_new, name="hours-leave"),
    path("hours/leave/<int:pk>/withdraw/", hours.leave_withdraw, name="hours-leave-withdraw"),
    path("hours/extra/", hours.extra_new, name="hours-extra"),
    path("hours/extra/<int:pk>/remove/", hours.extra_remove, name="hours-extra-remove"),
]
