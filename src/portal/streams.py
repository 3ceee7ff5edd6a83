"""The portal's stream, under /live/."""

from django.urls import path

from portal.views import home

urlpatterns = [path("portal/", home.stream, name="live-portal")]
