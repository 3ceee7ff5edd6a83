"""Mail: written in the transaction of what it tells of, sent afterwards by the worker, each letter once."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hms import jobs
from hms.errors import DomainError
from hms.models import OutboxAttachment, OutboxMail

Status = OutboxMail.Status
FAREWELL = "account.deleted"  # the letter to an address that is to be forgotten: also here, once it is sent
TIRED = 8  # attempts after which a letter is given up until somebody at the desk says "again"


def post(*, kind, to, subject, text, key, user=None, attachments=(), secret=False):
    """Write a letter and queue its sending; returns the OutboxMail, or None if ``key`` was posted before.

    Without an address (a patient who has none) nothing is written, and nobody else waits for it: returns None.
    ``attachments``: ``(file name, content type, bytes)`` each. ``secret``: it holds a code or link that lets one in.
    """
    if not to:
        return None
    subject = " ".join(subject.split())[:250]
    try:
        with transaction.atomic():  # a second one must not spoil the caller's transaction
            mail = OutboxMail.objects.create(
                key=key, kind=kind, to=to, user=user, subject=subject, text=text, secret=secret
            )
    except IntegrityError as e:
        if "key" not in str(e):
            raise
        return None
    OutboxAttachment.objects.bulk_create(
        OutboxAttachment(mail=mail, name=name, content_type=content_type, content=content)
        for name, content_type, content in attachments
    )
    jobs.later("outbox.send", once=f"mail:{mail.pk}", mail_id=mail.pk)
    return mail


def send(pk):
    """Send one letter, unless it is sent; raises what the mail server raised, to be tried again.

    The row is locked meanwhile: a second worker waits, and finds it sent. Killed in the middle, the lock goes with the
    process and the letter is sent by the next. Only between the server's "accepted" and our commit (a moment) would
    the next send it again; both then carry the same Message-ID, by which mail systems drop the second.
    """
    try:
        with transaction.atomic():
            mail = OutboxMail.objects.select_for_update().get(pk=pk)
            if mail.status != Status.WAITING:
                return
            _message(mail).send()
            mail.status, mail.sent_at, mail.error = Status.SENT, timezone.now(), ""
            mail.attempts += 1
            if mail.secret and not settings.DEMO:
                mail.text = ""
            if mail.kind == FAREWELL:
                mail.to = ""
            mail.save(update_fields=["status", "sent_at", "error", "attempts", "text", "to"])
    except OutboxMail.DoesNotExist:
        return
    except Exception as e:
        _failed(pk, e)
        raise


def _failed(pk, error):
    with transaction.atomic():
        mail = OutboxMail.objects.select_for_update().get(pk=pk)
        mail.attempts += 1
        mail.error = f"{type(error).__name__}: {error}"[:300]
        if mail.attempts >= TIRED:
            mail.status = Status.FAILED
        mail.save(update_fields=["attempts", "error", "status"])


def retry(mail, *, by):
    """Try a letter again that was given up. Refuses one that is sent."""
    with transaction.atomic():
        mail = OutboxMail.objects.select_for_update().get(pk=mail.pk)
        if mail.status == Status.SENT:
            raise DomainError(_("This mail has been sent."))
        mail.status, mail.attempts, mail.error = Status.WAITING, 0, ""
        mail.save(update_fields=["status", "attempts", "error"])
        jobs.later("outbox.send", once=f"mail:{mail.pk}", mail_id=mail.pk)
    return mail


def forget_addresses(before):
    """A farewell that could not be sent before this moment is given up, and its address forgotten."""
    late = OutboxMail.objects.filter(kind=FAREWELL, created_at__lt=before).exclude(to="")
    return late.update(to="", error="", status=Status.FAILED)


def _message(mail):
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    message = EmailMessage(
        mail.subject,
        mail.text,
        settings.DEFAULT_FROM_EMAIL,
        [mail.to],
        headers={"Message-ID": f"<{mail.pk}.{mail.created_at:%Y%m%d%H%M%S%f}@{host}>"},
    )
    for a in mail.attachments.all():
        message.attach(a.name, bytes(a.content), a.content_type)
    return message
