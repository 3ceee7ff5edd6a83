from django.urls import include, path

from frontdesk.views import appointments, day, displays, drugs, online, outbox, steps, to_move

app_name = "frontdesk"
one = "appointments/<int:pk>/"
urlpatterns = [
    path("", day.day, name="day"),
    path("month/", day.month, name="month"),
    path("free-times/", appointments.free_times, name="free-times"),
    path("appointments/new/", appointments.appointment_new, name="appointment-new"),
    path(one, appointments.appointment, name="appointment"),
    path(f"{one}edit/", appointments.appointment_edit, name="appointment-edit"),
    path(f"{one}move/", appointments.appointment_move, name="appointment-move"),
    path(f"{one}move-back/", appointments.appointment_move_back, name="appointment-move-back"),
    path(f"{one}cancel/", appointments.appointment_cancel, name="appointment-cancel"),
    path(f"{one}confirm/", steps.appointment_confirm, name="appointment-confirm"),
    path(f"{one}unconfirm/", steps.appointment_unconfirm, name="appointment-unconfirm"),
    path(f"{one}check-in/", steps.appointment_check_in, name="appointment-check-in"),
    path(f"{one}undo-check-in/", steps.appointment_undo_check_in, name="appointment-undo-check-in"),
    path(f"{one}start/", steps.appointment_start, name="appointment-start"),
    path(f"{one}undo-start/", steps.appointment_undo_start, name="appointment-undo-start"),
    path(f"{one}complete/", steps.appointment_complete, name="appointment-complete"),
    path(f"{one}reopen/", steps.appointment_reopen, name="appointment-reopen"),
    path(f"{one}no-show/", steps.appointment_no_show, name="appointment-no-show"),
    path(f"{one}reinstate/", steps.appointment_reinstate, name="appointment-reinstate"),
    path("to-move/", to_move.to_move, name="to-move"),
    path("to-move/notice/", to_move.to_move_notice, name="to-move-notice"),
    path("to-move/<int:pk>/keep/", to_move.visit_keep, name="visit-keep"),
    path("displays/", displays.displays, name="displays"),
    path("displays/<int:pk>/revoke/", displays.display_revoke, name="display-revoke"),
    path("requests/", online.requests, name="requests"),
    path("requests/<int:pk>/approve/", online.request_approve, name="request-approve"),
    path("requests/<int:pk>/decline/", online.request_decline, name="request-decline"),
    path("wishes/<int:pk>/delete-account/", online.account_delete, name="account-delete"),
    path("door/", online.door, name="door"),
    path("drugs/", drugs.drugs, name="drugs"),
    path("drugs/export/", drugs.drugs_export, name="drugs-export"),
    path("outbox/", outbox.outbox, name="outbox"),
    path("outbox/<int:pk>/retry/", outbox.mail_retry, name="mail-retry"),
    path("patients/", include("frontdesk.urls_patients")),
]
