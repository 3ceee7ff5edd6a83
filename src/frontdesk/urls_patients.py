"""Everything under /desk/patients/."""

from django.urls import path

from frontdesk.views import online, patients

urlpatterns = [
    path("<int:pk>/invite/", online.patient_invite, name="patient-invite"),
    path("", patients.patients, name="patients"),
    path("new/", patients.patient_new, name="patient-new"),
    path("duplicates/", patients.patient_duplicates, name="patient-duplicates"),
    path("options/", patients.patient_options, name="patient-options"),
    path("<int:pk>/", patients.patient, name="patient"),
    path("<int:pk>/edit/", patients.patient_edit, name="patient-edit"),
]
