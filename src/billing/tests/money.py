"""Taking money as a browser would."""


def text(response):
    return response.content.decode()


def pay(client, invoice, key="k1", **fields):
    """Post the form of the patient's account: this much by ``cash``, ``card`` or ``transfer``, for this invoice."""
    return client.post(f"/billing/patients/{invoice.patient_id}/", {"key": key, "invoice": invoice.pk} | fields)
