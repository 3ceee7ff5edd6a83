"""Wall screens, under /display/: the token in the address is all they have."""

from django.urls import path

from frontdesk.views import displays

urlpatterns = [path("<str:token>/", displays.display, name="display")]
