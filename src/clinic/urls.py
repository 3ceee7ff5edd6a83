from django.urls import path

from clinic.views.home import home

app_name = "clinic"
urlpatterns = [path("", home, name="home")]
