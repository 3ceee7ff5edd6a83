"""The front desk's streams, under /live/."""

from django.urls import path

from frontdesk.views import day, displays

urlpatterns = [
    path("desk/<str:day>/", day.day_stream, name="live-desk"),
    path("display/<str:token>/", displays.display_stream, name="live-display"),
]
