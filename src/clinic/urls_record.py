"""Patients, their records, and my hours."""

from django.urls import path

from clinic.views import patients, record

urlpatterns = [
    path("patients/", patients.patients, name="patients"),
    path("patients/<int:pk>/", record.patient, name="patient"),
    path("patients/<int:pk>/print/", record.patient_print, name="patient-print"),
    path("patients/<int:pk>/open/", record.record_open, name="record-open"),
    path("break-glass/", patients.break_glass, name="break-glass"),
]
