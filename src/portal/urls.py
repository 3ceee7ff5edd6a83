from django.urls import path

from portal.views.home import home

app_name = "portal"
urlpatterns = [path("", home, name="home")]
