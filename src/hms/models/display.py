"""Wall screens: an address of their own instead of somebody's session."""

import hashlib
import secrets

import pghistory
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class DisplayManager(models.Manager):
    def open(self, *, name, by):
        """Make a display; returns ``(display, token)``. The token is shown once and kept only as a hash."""
        token = secrets.token_urlsafe(24)
        return self.create(name=name, token_hash=Display.hash(token), created_by=by), token

    def for_token(self, token):
        """The display that this token opens, or None if unknown or revoked."""
        return self.filter(token_hash=Display.hash(token), revoked_at=None).first()


@pghistory.track(exclude=["token_hash"])
class Display(models.Model):
    """A read-only screen in a corridor, without names in full. Revoking it ends it within seconds."""

    name = models.CharField(_("where it hangs"), max_length=100)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey("hms.User", on_delete=models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    objects = DisplayManager()

    class Meta:
        verbose_name = _("wall screen")
        verbose_name_plural = _("wall screens")
        ordering = ["-created_at"]

    def __str__(self):
        return self.name

    @staticmethod
    def hash(token):
        return hashlib.sha256(token.encode()).hexdigest()

    def revoke(self):
        self.revoked_at = self.revoked_at or timezone.now()
        self.save(update_fields=["revoked_at"])
