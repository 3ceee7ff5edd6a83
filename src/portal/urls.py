from django.urls import path

from portal.views import book, export, home, prescriptions, record, register, visits

app_name = "portal"
urlpatterns = [
    path("", home.home, name="home"),
    path("register/", register.register, name="register"),
    path("register/<slug:step>/", register.register_step, name="register-step"),
    path("book/", book.book, name="book"),
    path("book/check/", book.book_check, name="book-check"),
    path("book/<int:department>/", book.book_doctor, name="book-doctor"),
    path("book/<int:department>/<int:doctor>/", book.book_reason, name="book-reason"),
    path("book/<int:department>/<int:doctor>/time/", book.book_time, name="book-time"),
    path("visits/<int:pk>/", visits.visit, name="visit"),
    path("visits/<int:pk>/visit.ics", visits.visit_calendar, name="visit-calendar"),
    path("visits/<int:pk>/move/", visits.visit_move, name="visit-move"),
    path("visits/<int:pk>/cancel/", visits.visit_cancel, name="visit-cancel"),
    path("visits/<int:pk>/confirm/", visits.visit_confirm, name="visit-confirm"),
    path("visits/<int:pk>/check-in/", visits.visit_check_in, name="visit-check-in"),
    path("record/", record.record, name="record"),
    path("record/prescriptions/<int:pk>.pdf", prescriptions.prescription_pdf, name="prescription-pdf"),
    path("record/download/", export.download, name="download"),
    path("record/download/<int:pk>.json", export.download_data, name="download-data"),
    path("record/download/<int:pk>.pdf", export.download_paper, name="download-paper"),
    path("invoices/", record.invoices, name="invoices"),
    path("invoices/<int:pk>/", record.invoice, name="invoice"),
    path("privacy/", record.privacy, name="privacy"),
    path("contact/", record.contact, name="contact"),
    path("delete/", record.delete, name="delete"),
]
