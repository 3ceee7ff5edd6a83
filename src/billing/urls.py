from django.urls import include, path

from billing.views import drafts, invoice, invoices, papers, payments, reports, shift

app_name = "billing"
urlpatterns = [
    path("", invoices.home, name="home"),
    path("totals/", invoices.invoices_totals, name="invoices-totals"),
    path("export/<str:kind>/", invoices.invoices_export, name="invoices-export"),
    path("remind/", invoices.invoices_remind, name="invoices-remind"),
    path("drafts/", drafts.drafts, name="drafts"),
    path("drafts/issue/", drafts.drafts_issue, name="drafts-issue"),
    path("invoices/new/", invoice.invoice_new, name="invoice-new"),
    path("invoices/<int:pk>/", invoice.invoice, name="invoice"),
    path("invoices/<int:pk>/discard/", invoice.invoice_discard, name="invoice-discard"),
    path("invoices/<int:pk>/credit/", invoice.invoice_credit, name="invoice-credit"),
    path("invoices/<int:pk>/mail/", invoice.invoice_mail, name="invoice-mail"),
    path("invoices/<int:pk>/pdf/", invoice.invoice_pdf, name="invoice-pdf"),
    path("invoices/<int:pk>/reminder/", papers.invoice_reminder, name="invoice-reminder"),
    path("credit-notes/<int:pk>/", invoice.credit_note, name="credit-note"),
    path("credit-notes/<int:pk>/pdf/", invoice.credit_note_pdf, name="credit-note-pdf"),
    path("payments/", payments.payments, name="payments"),
    path("payments/export/", payments.payments_export, name="payments-export"),
    path("payments/<int:pk>/", payments.receipt, name="receipt"),
    path("payments/<int:pk>/pdf/", payments.receipt_pdf, name="receipt-pdf"),
    path("payments/<int:pk>/mail/", payments.receipt_mail, name="receipt-mail"),
    path("payments/<int:pk>/refund/", payments.payment_refund, name="payment-refund"),
    path("payments/<int:pk>/reverse/", payments.payment_reverse, name="payment-reverse"),
    path("patients/<int:pk>/", payments.account, name="account"),
    path("patients/<int:pk>/statement/", papers.statement, name="statement"),
    path("patients/<int:pk>/statement/pdf/", papers.statement_pdf, name="statement-pdf"),
    path("invoices/<int:pk>/from-credit/", payments.credit_apply, name="credit-apply"),
    path("shift/", shift.shift, name="shift"),
    path("shifts/<int:pk>/", shift.shift_closed, name="shift-closed"),
    path("shifts/<int:pk>/pdf/", papers.shift_pdf, name="shift-pdf"),
    path("reports/", reports.reports, name="reports"),
    path("reports/ageing/", reports.ageing, name="ageing"),
    path("prices/", include("billing.urls_prices")),
]
