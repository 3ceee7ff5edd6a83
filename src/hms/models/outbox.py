"""Mail on its way: a row for each letter, written in the transaction of what it tells of."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class OutboxMail(models.Model):
    """One letter to one address. Its ``key`` is what it is about: the same key is never posted twice."""

    class Status(models.TextChoices):
        WAITING = "WAITING", _("Waiting")
        SENT = "SENT", _("Sent")
        FAILED = "FAILED", _("Failed")

    key = models.CharField(_("key"), max_length=200, unique=True)
    kind = models.CharField(_("kind"), max_length=60)  # noun.past-tense: appointment.booked
    user = models.ForeignKey(
        "hms.User", verbose_name=_("person"), null=True, blank=True, on_delete=models.PROTECT, related_name="mails"
    )
    to = models.EmailField(_("to"), max_length=254)
    subject = models.CharField(_("subject"), max_length=250)
    text = models.TextField(_("text"))
    # Holds a code or a link that lets somebody in: staff never read it, and it is wiped once sent (but in the demo).
    secret = models.BooleanField(_("secret"), default=False)
    status = models.CharField(
        _("status"), max_length=7, choices=Status.choices, default=Status.WAITING, db_default=Status.WAITING
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0, db_default=0)
    error = models.CharField(_("what went wrong"), max_length=300, blank=True, db_default="")
    created_at = models.DateTimeField(_("written"), db_default=Now(), editable=False)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("outbox")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status="SENT", sent_at__isnull=False)
                | (~models.Q(status="SENT") & models.Q(sent_at=None)),
                name="mail_sent_at_when_sent",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["WAITING", "SENT", "FAILED"]), name="mail_status_known"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="mail_status"),
            models.Index(fields=["user", "-id"], name="mail_user"),
        ]

    def __str__(self):
        return f"{self.kind} → {self.to}"


class OutboxAttachment(models.Model):
    """What goes along with a letter."""

    mail = models.ForeignKey(OutboxMail, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(_("file name"), max_length=100)
    content_type = models.CharField(_("kind of file"), max_length=100)
    content = models.BinaryField(_("content"))

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")

    def __str__(self):
        return self.name
