"""What patients do themselves: answers on the way to a record, times held, invitations, wishes, files of all data."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hms.models.triggers import announce


class Online(models.TextChoices):
    """What a department lets patients do themselves."""

    VIEW = "VIEW", _("See visits only")
    REQUEST = "REQUEST", _("Ask for a time; the desk answers")
    BOOK = "BOOK", _("Book directly")


class Registration(models.Model):
    """The answers of somebody who registers themself, until all are there. Then they become a Patient."""

    user = models.OneToOneField("hms.User", on_delete=models.CASCADE, related_name="registration")
    answers = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")

    def __str__(self):
        return str(self.user)


class SlotHold(models.Model):
    """A time that a patient holds while deciding. One each; who comes second gets another time."""

    patient = models.OneToOneField("hms.Patient", on_delete=models.CASCADE, related_name="slot_hold")
    doctor = models.ForeignKey("hms.Doctor", on_delete=models.CASCADE, related_name="+")
    start = models.DateTimeField(_("from"))
    end = models.DateTimeField(_("until"))
    expires_at = models.DateTimeField(_("held until"))

    class Meta:
        verbose_name = _("held time")
        verbose_name_plural = _("held times")
        constraints = [
            models.CheckConstraint(condition=models.Q(end__gt=models.F("start")), name="hold_end_after_start"),
            # Those that have run out are removed before a new one is made.
            ExclusionConstraint(
                name="hold_doctor_free",
                expressions=[
                    ("doctor", "="),
                    (models.Func("start", "end", models.Value("[)"), function="tstzrange"), "&&"),
                ],
            ),
        ]

    def __str__(self):
        return f"{self.start:%d-%b-%Y %H:%M}"

    @property
    def seconds_left(self):
        return max(0, int((self.expires_at - timezone.now()).total_seconds()))


class InvitationQuerySet(models.QuerySet):
    def waiting(self):
        """Neither used, withdrawn nor expired; some may have been stopped by wrong dates of birth."""
        return self.filter(used_at=None, revoked_at=None, expires_at__gt=timezone.now())

    def issue(self, patient, *, by, days=14):
        """A new invitation and its token, which only the patient gets to see; earlier ones no longer open anything."""
        self.filter(patient=patient, used_at=None, revoked_at=None).update(revoked_at=timezone.now())
        token = secrets.token_urlsafe(18)
        made = self.create(
            patient=patient, token_hash=_hash(token), created_by=by, expires_at=timezone.now() + timedelta(days=days)
        )
        return made, token

    def for_token(self, token):
        """The invitation that this token still opens, or None."""
        found = self.waiting().filter(token_hash=_hash(token), tries__lt=Invitation.TRIES)
        return found.select_related("patient__user").first()


def _hash(token):
    return hashlib.sha256(token.encode()).hexdigest()


class Invitation(models.Model):
    """A patient whom the desk registered may open their own record: once, within two weeks, knowing their birthday."""

    TRIES = 5  # wrong birthdays after which it opens nothing any more

    patient = models.ForeignKey("hms.Patient", on_delete=models.CASCADE, related_name="invitations")
    token_hash = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey("hms.User", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self):
        return f"#{self.pk}"

    @property
    def is_stopped(self):
        return self.tries >= self.TRIES


class Wish(models.Model):
    """Something that a patient asks of the hospital: mend what is wrong in the record, or delete the account."""

    class Kind(models.TextChoices):
        CORRECT = "CORRECT", _("Something in the record is wrong")
        DELETE = "DELETE", _("Delete my account")

    patient = models.ForeignKey("hms.Patient", on_delete=models.PROTECT, related_name="wishes")
    kind = models.CharField(_("kind"), max_length=7, choices=Kind.choices)
    text = models.TextField(_("text"), max_length=2000, blank=True)
    created_at = models.DateTimeField(_("asked"), db_default=Now(), editable=False)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    done_by = models.ForeignKey("hms.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    answer = models.CharField(_("answer"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("wish")
        verbose_name_plural = _("wishes")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient"], condition=models.Q(kind="DELETE", done_at=None), name="wish_delete_once"
            )
        ]
        triggers = [announce("wish")]

    def __str__(self):
        return self.get_kind_display()


class DataExport(models.Model):
    """Everything that is kept of a patient, as files for them: made by a job, gone after some days."""

    class Status(models.TextChoices):
        WAITING = "WAITING", _("Being made")
        READY = "READY", _("Ready")
        FAILED = "FAILED", _("Failed")

    patient = models.ForeignKey("hms.Patient", on_delete=models.CASCADE, related_name="exports")
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.WAITING)
    progress = models.PositiveSmallIntegerField(default=0)  # percent
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    made_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    # The files. They lie here, since any process may be asked for them and no disk of a process lasts.
    data = models.BinaryField(null=True, blank=True)
    paper = models.BinaryField(null=True, blank=True)

    class Meta:
        verbose_name = _("data export")
        verbose_name_plural = _("data exports")
        constraints = [
            models.UniqueConstraint(
                fields=["patient"], condition=models.Q(status="WAITING"), name="export_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=~models.Q(status="READY") | models.Q(made_at__isnull=False, expires_at__isnull=False),
                name="export_ready_expires",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="export_expires")]
        triggers = [announce("export", columns=["status", "progress"])]

    def __str__(self):
        return f"#{self.pk}"

    @property
    def is_open(self):
        """Whether the files can be fetched now."""
        return self.status == self.Status.READY and self.expires_at > timezone.now()
