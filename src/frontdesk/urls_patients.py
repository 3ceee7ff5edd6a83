"""Everything under /desk/patients/."""

from django.urls import path

from frontdesk.views import merging, online, patients

urlpatterns = [
    path("<int:pk>/invite/", online.patient_invite, name="patient-invite"),
    path("invitations/<int:pk>/withdraw/", online.invitation_revoke, name="invitation-revoke"),
    path("", patients.patients, name="patients"),
    path("new/", patients.patient_new, name="patient-new"),
    path("duplicates/", merging.patient_pairs, name="patient-pairs"),
    path("duplicates/check/", patients.patient_duplicates, name="patient-duplicates"),
    path("<int:pk>/merge/<int:gone>/", merging.patient_merge, name="patient-merge"),
    path("merges/<int:pk>/undo/", merging.merge_undo, name="merge-undo"),
    path("options/", patients.patient_options, name="patient-options"),
    path("<int:pk>/", patients.patient, name="patient"),
    path("<int:pk>/edit/", patients.patient_edit, name="patient-edit"),
]
