"""Whose clinical data a doctor may read: patients in their care, and for a while those for whom they gave a reason."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from hms.models.triggers import append_only


class BreakGlassQuerySet(models.QuerySet):
    def open(self):
        """Those that have not ended, by the database's clock."""
        return self.filter(expires_at__gt=Now())


class BreakGlass(models.Model):
    """A doctor opened the record of somebody who is not in their care, said why, and may read it for a while."""

    user = models.ForeignKey("hms.User", verbose_name=_("who"), on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey("hms.Patient", verbose_name=_("patient"), on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(_("reason"), max_length=500)
    at = models.DateTimeField(_("when"), db_default=Now(), editable=False)
    expires_at = models.DateTimeField(_("until"))

    objects = BreakGlassQuerySet.as_manager()

    class Meta:
        verbose_name = _("break-glass access")
        verbose_name_plural = _("break-glass accesses")
        constraints = [
            models.CheckConstraint(condition=models.Q(expires_at__gt=models.F("at")), name="break_glass_ends_later"),
            models.CheckConstraint(
                condition=models.Q(expires_at__lte=models.F("at") + models.Value("1 day", models.DurationField())),
                name="break_glass_at_most_a_day",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="break_glass_has_reason"),
        ]
        indexes = [models.Index(fields=["user", "patient", "-expires_at"], name="break_glass_user_patient")]
        triggers = [append_only()]

    def __str__(self):
        return f"{self.user}, {self.patient_id}, {self.at:%d-%b-%Y %H:%M}"


def in_care_of(user, patient="pk"):
    """Condition: the doctor has or had an appointment with the patient whose id stands in the field ``patient``.

    A cancelled one gives no relation: nobody met, and anybody can be booked and called off again. A missed one does:
    the doctor prepares it, and asks why nobody came.
    """
    from hms.models import Appointment

    visits = Appointment.objects.filter(doctor__user=user, patient=models.OuterRef(patient))
    return models.Exists(visits.exclude(status=Appointment.Status.CANCELLED))


def glass_broken_by(user, patient="pk"):
    """Condition: the doctor's break-glass access to this patient has not ended."""
    return models.Exists(BreakGlass.objects.open().filter(user=user, patient=models.OuterRef(patient)))


def clinical_for(user, patient="pk"):
    """Condition for rows of clinical data, ``patient`` being the field that holds the patient's id.

    A doctor reads those of patients in their care and of those for whom they broke the glass; a patient their own;
    nobody else any.
    """
    if user.role == "DOCTOR":
        return models.Q(in_care_of(user, patient) | glass_broken_by(user, patient))
    if user.role == "PATIENT":
        prefix = "" if patient == "pk" else f"{patient.removesuffix('_id')}__"
        return models.Q(**{f"{prefix}user": user})
    return models.Q(pk__in=[])
