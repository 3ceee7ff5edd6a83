from django.urls import path

from billing.views.home import home

app_name = "billing"
urlpatterns = [path("", home, name="home")]
