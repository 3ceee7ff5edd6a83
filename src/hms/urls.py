"""The only place that names the audience apps."""

from django.contrib import admin
from django.urls import include, path

from hms import keys, outbox, views

handler400 = "hms.views.bad_request"
handler403 = "hms.views.forbidden"
handler404 = "hms.views.not_found"
handler500 = "hms.views.server_error"

urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("about/", views.about, name="about"),
    path("outbox/", outbox.demo_outbox, name="demo-outbox"),
    path("accounts/session/", views.session, name="session"),
    path("accounts/session/extend/", views.session_extend, name="session-extend"),
    path("accounts/2fa/webauthn/keys/<int:pk>/remove/", keys.remove_key, name="mfa_remove_webauthn"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("desk/", include("frontdesk.urls")),
    path("clinic/", include("clinic.urls")),
    path("portal/", include("portal.urls")),
    path("billing/", include("billing.urls")),
    path("live/", include("frontdesk.streams")),
    path("live/", include("billing.streams")),
    path("live/", include("clinic.streams")),
    path("live/", include("portal.streams")),
    path("p/", include("portal.public_urls")),
    path("display/", include("frontdesk.display_urls")),
]
