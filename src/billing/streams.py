"""Billing's stream, under /live/."""

from django.urls import path

from billing.views import invoices

urlpatterns = [path("billing/", invoices.invoices_stream, name="live-billing")]
