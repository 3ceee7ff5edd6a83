"""Two records of one person made one: what was moved, so that it can be moved back."""

import pgtrigger
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Merge(models.Model):
    """``gone`` was the same person as ``kept``. ``moved`` is the snapshot by which an undo restores both."""

    kept = models.ForeignKey("hms.Patient", verbose_name=_("kept"), on_delete=models.PROTECT, related_name="+")
    gone = models.ForeignKey("hms.Patient", verbose_name=_("merged"), on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey("hms.User", verbose_name=_("merged by"), on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(_("when"), db_default=Now(), editable=False)
    moved = models.JSONField(_("moved"), default=dict)
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    undone_by = models.ForeignKey("hms.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(kept=models.F("gone")), name="merge_of_two"),
            models.UniqueConstraint(fields=["gone"], condition=models.Q(undone_at=None), name="merge_gone_once"),
            models.CheckConstraint(
                condition=models.Q(undone_at=None, undone_by=None)
                | models.Q(undone_at__isnull=False, undone_by__isnull=False),
                name="merge_undone_by_somebody",
            ),
        ]
        triggers = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]

    def __str__(self):
        return f"{self.gone_id} → {self.kept_id}"
