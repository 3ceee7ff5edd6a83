"""What a link in a letter opens, signed in or not: its token is the key."""

from django.urls import path

from portal.views import claim, prescriptions, visits

urlpatterns = [
    path("visit/<str:token>/", visits.visit_link, name="visit-link"),
    path("invitation/<str:token>/", claim.claim, name="invitation"),
    path("prescription/<str:token>/", prescriptions.prescription_check, name="prescription-check"),
]
