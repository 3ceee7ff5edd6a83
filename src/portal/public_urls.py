"""What a link in a letter opens, signed in or not: its token is the key."""

from django.urls import path

from portal.views import claim, link, prescriptions

urlpatterns = [
    path("visit/<str:token>/", link.visit_link, name="visit-link"),
    path("visit/<str:token>/move/", link.visit_link_move, name="visit-link-move"),
    path("invitation/<str:token>/", claim.claim, name="invitation"),
    path("prescription/<str:token>/", prescriptions.prescription_check, name="prescription-check"),
]
