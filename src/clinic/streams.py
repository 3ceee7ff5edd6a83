"""The clinic's streams, under /live/."""

from django.urls import path

from clinic.views import consultation, day

urlpatterns = [
    path("clinic/", day.day_stream, name="live-clinic"),
    path("visit/<int:pk>/", consultation.consultation_stream, name="live-visit"),
]
