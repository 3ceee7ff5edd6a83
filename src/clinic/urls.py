from django.urls import include, path, re_path

from clinic.views import consultation, day, notes, services, signing

app_name = "clinic"
one = "appointments/<int:pk>/"
steps = "|".join(day.STEPS)
urlpatterns = [
    path("", day.home, name="home"),
    path("next/", day.call_next, name="call-next"),
    path(one, consultation.consultation, name="consultation"),
    re_path(rf"^appointments/(?P<pk>[0-9]+)/(?P<step>{steps})/$", day.appointment_step, name="appointment-step"),
    path(f"{one}note/", notes.note_save, name="note-save"),
    path(f"{one}note/presence/", notes.note_presence, name="note-presence"),
    path(f"{one}follow-up/", consultation.follow_up, name="follow-up"),
    path(f"{one}sign/", signing.record_sign, name="record-sign"),
    path(f"{one}addenda/", signing.record_addend, name="record-addend"),
    path("", include("clinic.urls_record")),
    path(f"{one}drafts/", signing.record_drafts, name="record-drafts"),
    path(f"{one}services/", services.service_tick, name="service-tick"),
    path(f"{one}services/<int:service>/remove/", services.service_untick, name="service-untick"),
]
