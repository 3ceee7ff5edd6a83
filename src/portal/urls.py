from django.urls import path

from portal.views import book, contact, export, home, invoices, prescriptions, privacy, record, register, visits

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
    path("invoices/", invoices.invoices, name="invoices"),
    path("invoices/<int:pk>/", invoices.invoice, name="invoice"),
    path("invoices/<int:pk>.pdf", invoices.invoice_pdf, name="invoice-pdf"),
    path("invoices/credit-notes/<int:pk>.pdf", invoices.credit_note_pdf, name="credit-note-pdf"),
    path("invoices/receipts/<int:pk>.pdf", invoices.receipt_pdf, name="receipt-pdf"),
    path("privacy/", privacy.privacy, name="privacy"),
    path("contact/", contact.contact, name="contact"),
    path("contact/email/", contact.email, name="email"),
    path("contact/email/code/", contact.email_code, name="email-code"),
    path("delete/", privacy.delete, name="delete"),
]
