"""People: the user who signs in, and what makes a patient or a doctor of them."""

import pghistory
import pgtrigger
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Collate, Concat, Lower, Now, Reverse
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from hms import money, names
from hms.models.care import clinical_for, in_care_of
from hms.models.triggers import announce, append_only_but_for, touch


class Plain(models.Func):
    """Lower case, no accents, single spaces: how names are compared (SQL function ``hms_plain``, migration 0001)."""

    function = "hms_plain"
    output_field = models.TextField()


KEEP_NAME_TOKENS = (
    "PERFORM hms_add_name_tokens(array_agg(family_first)) FROM new_rows WHERE role = 'PATIENT'; RETURN NULL;"
)


class NextRecordNumber(models.Func):
    """The next medical record number, check digit included (SQL function, so that every path gets one)."""

    function = "hms_next_record_number"
    template = "%(function)s()"
    output_field = models.CharField()


class UserManager(BaseUserManager):
    use_in_migrations = True

    def create_user(self, email=None, password=None, **fields):
        """A user; without an address (a patient whom the desk registers) also without a password."""
        user = self.model(email=self.normalize_email(email) or None, **fields)
        if password:
            user.set_password(password)
        else:
            user.set_unusable_password()
        user.save(using=self._db)
        return user

    def create_superuser(self, email, password=None, **fields):
        return self.create_user(email, password, **({"role": User.Role.ADMIN} | fields))

    def normalize_email(self, email):
        return (email or "").strip().lower()


# What says who somebody is, and goes with their account.
USER_IDENTITY = ("first_name", "last_name", "email", "phone")
PATIENT_IDENTITY = ("emergency_contact", "desk_note")


@pghistory.track(
    exclude=["password", "last_login", "family_first", "given_first"],
    append_only=False,
    meta={"triggers": [append_only_but_for(*USER_IDENTITY, user="OLD.pgh_obj_id")]},
)
class User(AbstractUser):
    """Whoever signs in. Staff always have an address; a patient registered at the desk may have none."""

    class Role(models.TextChoices):
        ADMIN = "ADMIN", _("Administrator")
        DOCTOR = "DOCTOR", _("Doctor")
        PATIENT = "PATIENT", _("Patient")
        RECEPTIONIST = "RECEPTIONIST", _("Receptionist")

    username = None
    date_joined = None
    first_name = models.CharField(_("given name"), max_length=150, blank=True)
    last_name = models.CharField(_("family name"), max_length=150, blank=True)
    email = models.EmailField(_("e-mail"), unique=True, null=True, blank=True)
    role = models.CharField(_("role"), max_length=12, choices=Role.choices, default=Role.PATIENT)
    phone = PhoneNumberField(_("phone"), max_length=15, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("changed"), db_default=Now(), editable=False)
    # What searches compare with: the name in both orders.
    family_first = models.GeneratedField(
        expression=Plain(Concat("last_name", models.Value(" "), "first_name")),
        output_field=models.TextField(),
        db_persist=True,
    )
    given_first = models.GeneratedField(
        expression=Plain(Concat("first_name", models.Value(" "), "last_name")),
        output_field=models.TextField(),
        db_persist=True,
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
    objects = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_any_case",
                violation_error_message=_("This e-mail address is already used."),
            ),
            models.CheckConstraint(
                condition=models.Q(role="PATIENT") | models.Q(email__isnull=False),
                name="user_staff_have_email",
                violation_error_message=_("Staff need an e-mail address."),
            ),
            models.CheckConstraint(condition=~models.Q(email=""), name="user_email_not_empty"),
            models.CheckConstraint(
                condition=models.Q(role__in=["ADMIN", "DOCTOR", "PATIENT", "RECEPTIONIST"]), name="user_role_known"
            ),
        ]
        indexes = [
            # Prefixes in index order (COLLATE "C" lets LIKE 'abc%' and ORDER BY share it); fragments by trigram.
            models.Index(
                Collate("family_first", "C"), "id", name="user_family_first", condition=models.Q(role="PATIENT")
            ),
            models.Index(
                Collate("given_first", "C"), "id", name="user_given_first", condition=models.Q(role="PATIENT")
            ),
            # The beginning of a phone number, and its end, by which people are told apart.
            models.Index(Collate("phone", "C"), "id", name="user_phone", condition=models.Q(role="PATIENT")),
            models.Index(
                Collate(Reverse("phone"), "C"), "id", name="user_phone_end", condition=models.Q(role="PATIENT")
            ),
            GinIndex(
                OpClass("family_first", "gin_trgm_ops"),
                OpClass("phone", "gin_trgm_ops"),
                OpClass("email", "gin_trgm_ops"),
                name="user_search_trigrams",
                condition=models.Q(role="PATIENT"),
            ),
        ]
        triggers = [
            touch("first_name", "last_name", "email", "phone", "role", "is_active"),
            announce("user", columns=["first_name", "last_name", "is_active", "role", "password"]),
            pgtrigger.Trigger(
                name="name_tokens",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="new_rows"),
                func=KEEP_NAME_TOKENS,
            ),
            pgtrigger.Trigger(
                name="name_tokens_again",
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="new_rows"),
                func=KEEP_NAME_TOKENS,
            ),
        ]

    def get_full_name(self):
        """As its script writes it: Flora Nachtigall, but 王小明, without a space and the family first."""
        return names.joined(self.last_name, self.first_name)

    def __str__(self):
        return self.get_full_name() or self.email or f"#{self.pk}"

    def clean(self):
        super().clean()
        self.email = self.email or None  # no address is null; an empty one would not be unique

    def save(self, *args, **kwargs):
        self.email = User.objects.normalize_email(self.email) or None
        super().save(*args, **kwargs)

    @property
    def is_staff(self):
        """Django's word for: may enter the admin."""
        return self.is_admin

    @property
    def is_superuser(self):
        return self.is_admin

    @property
    def is_admin(self):
        return self.role == self.Role.ADMIN and self.is_active

    @property
    def is_patient(self):
        return self.role == self.Role.PATIENT

    @property
    def formal_name(self):
        """FAMILY, Given: how clinical screens name people (NHS patient banner guidance)."""
        return names.formal(self.last_name, self.first_name) or str(self)


class NameToken(models.Model):
    """Every word that occurs in a patient's name: what a misspelled search word is compared with.

    Kept by a trigger. A word says nothing of who bears it, and is left when the last bearer goes.
    """

    token = models.TextField(primary_key=True)

    class Meta:
        indexes = [GinIndex(OpClass("token", "gin_trgm_ops"), name="name_token_trigrams")]

    def __str__(self):
        return self.token


class PatientQuerySet(models.QuerySet):
    def visible_to(self, user):
        """The patients whose page this user may open: the desk all, a doctor their own, a patient themself."""
        if user.role in {User.Role.ADMIN, User.Role.RECEPTIONIST}:
            return self
        if user.role == User.Role.DOCTOR:
            return self.filter(in_care_of(user))
        return self.filter(user=user)

    def clinical_for(self, user):
        """The patients whose clinical data this user may read; the desk none, a doctor also by break-glass."""
        return self.filter(clinical_for(user))


@pghistory.track(append_only=False, meta={"triggers": [append_only_but_for(*PATIENT_IDENTITY, user="OLD.user_id")]})
class Patient(models.Model):
    class Gender(models.TextChoices):
        FEMALE = "FEMALE", _("Female")
        MALE = "MALE", _("Male")
        OTHER = "OTHER", _("Other")
        UNKNOWN = "UNKNOWN", _("Not stated")

    class BloodType(models.TextChoices):
        A_POSITIVE = "A+", "A+"
        A_NEGATIVE = "A-", "A−"
        B_POSITIVE = "B+", "B+"
        B_NEGATIVE = "B-", "B−"
        AB_POSITIVE = "AB+", "AB+"
        AB_NEGATIVE = "AB-", "AB−"
        O_POSITIVE = "O+", "O+"
        O_NEGATIVE = "O-", "O−"

    user = models.OneToOneField(User, verbose_name=_("user"), on_delete=models.PROTECT)
    record_number = models.CharField(
        _("record number"), max_length=12, unique=True, editable=False, db_default=NextRecordNumber()
    )
    date_of_birth = models.DateField(_("date of birth"))
    gender = models.CharField(_("gender"), max_length=10, choices=Gender.choices, default=Gender.UNKNOWN)
    blood_type = models.CharField(_("blood type"), max_length=3, choices=BloodType.choices, blank=True)
    allergies = models.TextField(_("allergies"), blank=True)
    emergency_contact = PhoneNumberField(_("emergency contact, phone"), max_length=15, blank=True)
    medical_history = models.TextField(_("medical history"), blank=True)
    # Somebody asked and there are none: not the same as that nobody asked.
    no_allergies_at = models.DateTimeField(_("no known allergies, stated"), null=True, blank=True, editable=False)
    desk_note = models.CharField(
        _("note for the desk"), max_length=200, blank=True, help_text=_("Wheelchair, interpreter, … Nothing clinical.")
    )
    created_at = models.DateTimeField(_("registered"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("changed"), db_default=Now(), editable=False)

    objects = PatientQuerySet.as_manager()

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        constraints = [
            models.CheckConstraint(condition=models.Q(date_of_birth__gt="1900-01-01"), name="patient_born_after_1900"),
            models.CheckConstraint(
                # The latest calendar day anywhere on earth when the row was made (UTC+14).
                condition=models.lookups.LessThanOrEqual(
                    models.F("date_of_birth"),
                    models.Func(
                        models.F("created_at"),
                        template="((%(expressions)s AT TIME ZONE 'UTC') + interval '14 hours')::date",
                        output_field=models.DateField(),
                    ),
                ),
                name="patient_born_before_registered",
            ),
            models.CheckConstraint(
                condition=models.lookups.Exact(
                    models.Func(
                        models.F("record_number"), function="hms_record_number_ok", output_field=models.BooleanField()
                    ),
                    True,
                ),
                name="patient_record_number_check_digit",
            ),
        ]
        indexes = [
            models.Index(fields=["date_of_birth"], name="patient_born"),
            models.Index(Collate("record_number", "C"), name="patient_number"),
            models.Index(Collate(Reverse("record_number"), "C"), name="patient_number_end"),
            models.Index(fields=["created_at", "id"], name="patient_registered"),
        ]
        triggers = [touch(), announce("patient", columns=["desk_note", "date_of_birth"])]

    def __str__(self):
        return str(self.user)


class DoctorQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Everybody who is signed in may know who works here."""
        return self

    def in_order(self):
        return self.select_related("user", "department").order_by("user__last_name", "user__first_name", "pk")


@pghistory.track()
class Doctor(models.Model):
    user = models.OneToOneField(User, verbose_name=_("user"), on_delete=models.PROTECT)
    license_number = models.CharField(_("licence number"), max_length=50, unique=True)
    specialization = models.CharField(_("specialization"), max_length=100)
    department = models.ForeignKey("hms.Department", verbose_name=_("department"), on_delete=models.PROTECT)
    consultation_fee = models.DecimalField(
        _("consultation fee"), default=0, validators=[MinValueValidator(0)], **money.COLUMN
    )
    experience_years = models.PositiveSmallIntegerField(_("years of experience"), default=0)
    is_available = models.BooleanField(
        _("takes appointments"), default=True, help_text=_("Off: nobody can book; what is booked stays.")
    )
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("changed"), db_default=Now(), editable=False)
    patients = models.ManyToManyField(Patient, through="hms.Appointment", related_name="doctors")

    objects = DoctorQuerySet.as_manager()

    class Meta:
        verbose_name = _("doctor")
        verbose_name_plural = _("doctors")
        constraints = [
            models.CheckConstraint(condition=models.Q(consultation_fee__gte=0), name="doctor_fee_not_negative"),
            models.CheckConstraint(condition=~models.Q(license_number=""), name="doctor_license_not_empty"),
        ]
        triggers = [touch(), announce("doctor", doctors="jsonb_build_array(NEW.id)")]

    def __str__(self):
        return _("Dr %(name)s") % {"name": self.user}
