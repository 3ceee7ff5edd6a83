"""Set-up, for administrators only: the hospital, departments, doctors with their hours and leave, users.

Patients and appointments are the desk's, records the doctors': none of them can be reached from here.
"""

from itertools import combinations

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from hms.domain.settings import hospital
from hms.forms import PhoneField
from hms.models import AccessLog, Department, Doctor, Hospital, TimeOff, User, WorkingHours

STAFF = [choice for choice in User.Role.choices if choice[0] != User.Role.PATIENT]


@admin.register(Hospital)
class HospitalAdmin(admin.ModelAdmin):
    """One row: its list is the row itself, and there is neither adding nor deleting."""

    fieldsets = [
        (None, {"fields": ["name", "address", "phone", "time_zone", "currency", "slot_minutes", "change_hours"]}),
        (
            _("Billing"),
            {
                "fields": [
                    "tax_number",
                    "payment_days",
                    "payment_terms",
                    "fee_tax_rate",
                    "discount_limit",
                    "cash_rounding",
                ]
            },
        ),
    ]

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def changelist_view(self, request, extra_context=None):
        return redirect(reverse("admin:hms_hospital_change", args=[hospital().pk]))


@admin.register(Department)
class DepartmentAdmin(admin.ModelAdmin):
    list_display = ["name", "head_doctor", "doctors", "online"]
    list_filter = ["online"]
    list_select_related = ["head_doctor__user"]
    search_fields = ["name", "description"]
    autocomplete_fields = ["head_doctor"]
    fieldsets = [
        (None, {"fields": ["name", "description", "head_doctor"]}),
        (
            _("What patients may do themselves"),
            {"fields": ["online", "online_days", "online_notice", "online_most"]},
        ),
    ]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(how_many=Count("doctor"))

    @admin.display(description=_("doctors"), ordering="how_many")
    def doctors(self, department):
        return department.how_many


class HoursFormSet(forms.BaseInlineFormSet):
    def clean(self):
        """Rows that are typed together must not overlap each other; those that are there check themselves."""
        super().clean()
        rows = [
            form.cleaned_data
            for form in self.forms
            if getattr(form, "cleaned_data", None) and not form.cleaned_data.get("DELETE")
        ]
        rows = [row for row in rows if all(row.get(k) is not None for k in ("weekday", "start", "end", "valid_from"))]
        for one, other in combinations(rows, 2):
            if (
                one["weekday"] == other["weekday"]
                and one["start"] < other["end"]
                and other["start"] < one["end"]
                and not (one.get("valid_until") and one["valid_until"] < other["valid_from"])
                and not (other.get("valid_until") and other["valid_until"] < one["valid_from"])
            ):
                raise ValidationError(
                    _("Two of these overlap: %(start)s and %(other)s on the same weekday."),
                    params={"start": f"{one['start']:%H:%M}", "other": f"{other['start']:%H:%M}"},
                )


class LabelledInline(admin.TabularInline):
    """Rows whose fields say their column to screen readers too; Django writes it above them for the eye alone."""

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field:
            parts = getattr(field.widget, "widgets", [field.widget])
            words = [_("date"), _("time")] if len(parts) == 2 else [""]
            for part, word in zip(parts, words, strict=True):
                part.attrs["aria-label"] = f"{field.label} {word}".strip()
        return field


class WorkingHoursInline(LabelledInline):
    model = WorkingHours
    formset = HoursFormSet
    extra = 1


class TimeOffInline(LabelledInline):
    model = TimeOff
    extra = 1


@admin.register(Doctor)
class DoctorAdmin(admin.ModelAdmin):
    list_display = ["name", "department", "specialization", "license_number", "is_available"]
    list_filter = ["department", "is_available"]
    list_select_related = ["user", "department"]
    search_fields = ["user__first_name", "user__last_name", "user__email", "license_number", "specialization"]
    ordering = ["user__last_name", "user__first_name", "pk"]
    inlines = [WorkingHoursInline, TimeOffInline]
    fields = [
        "user",
        "department",
        "specialization",
        "license_number",
        "consultation_fee",
        "experience_years",
        "is_available",
    ]

    @admin.display(description=_("name"), ordering="user__last_name")
    def name(self, doctor):
        return doctor.user.formal_name

    def has_delete_permission(self, request, obj=None):
        return False  # their patients' history names them: switch off "takes appointments", or the user

    def get_readonly_fields(self, request, obj=None):
        return ["user"] if obj else []

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "user":
            free = User.objects.filter(role=User.Role.DOCTOR, doctor=None, is_active=True)
            kwargs["queryset"] = free.order_by("last_name", "first_name")
            kwargs["help_text"] = _("A user with the role of a doctor. Make the user first.")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class _CheckedHere(forms.ModelForm):
    """The form checks these two its own way: the model's checks stumble over a missing address and a spaced number."""

    phone = PhoneField(label=_("Phone"), required=False)

    def _get_validation_exclusions(self):
        return super()._get_validation_exclusions() | {"email", "phone"}


class StaffCreationForm(_CheckedHere, AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "first_name", "last_name", "role", "phone")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = STAFF
        self.fields["role"].initial = User.Role.RECEPTIONIST
        for name in ("email", "last_name"):
            self.fields[name].required = True
        choice = self.fields["usable_password"]
        choice.label, choice.help_text = _("First password"), ""
        choice.choices = [
            ("true", _("Set here, and told to them")),
            ("false", _("None: they choose one by “Forgot your password?” on the sign-in page")),
        ]

    def clean_email(self):
        return _free_address(self.cleaned_data["email"])


class PersonChangeForm(_CheckedHere, UserChangeForm):
    class Meta:
        model = User
        fields = ("email", "password", "first_name", "last_name", "phone", "role", "is_active")
        field_classes = {}

    def clean_email(self):
        return _free_address(self.cleaned_data["email"], but=self.instance)

    def clean(self):
        """Nobody locks themselves out, and a role stays with those whose rows depend on it."""
        data = super().clean()
        role, active = data.get("role", self.instance.role), data.get("is_active", self.instance.is_active)
        if self.instance.pk == self.by.pk and (role != User.Role.ADMIN or not active):
            raise ValidationError(_("You cannot take the administrator's rights, or the account, from yourself."))
        if role != User.Role.PATIENT and "email" in self.fields and not data.get("email") and not self.errors:
            self.add_error("email", _("Staff need an e-mail address."))
        return data


def _free_address(email, but=None):
    email = User.objects.normalize_email(email) or None
    if email and User.objects.filter(email__iexact=email).exclude(pk=but and but.pk).exists():
        raise ValidationError(_("This e-mail address is already used."))
    return email


@admin.register(User)
class PersonAdmin(DjangoUserAdmin):
    """Whoever signs in. Staff are made here, patients at the desk."""

    form, add_form = PersonChangeForm, StaffCreationForm
    list_display = ["name", "email", "role", "is_active", "last_login"]
    list_filter = ["role", "is_active"]
    search_fields = ["email", "first_name", "last_name"]
    ordering = ["role", "last_name", "first_name", "pk"]
    show_full_result_count = False
    filter_horizontal = ()
    readonly_fields = ["last_login", "created_at"]
    fieldsets = [
        (None, {"fields": ["email", "password"]}),
        (_("Person"), {"fields": ["first_name", "last_name", "phone"]}),
        (_("Access"), {"fields": ["role", "is_active", "last_login", "created_at"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["email", "first_name", "last_name", "role", "phone"]}),
        (_("Password"), {"fields": ["usable_password", "password1", "password2"]}),
    ]
    actions = ["unlock", "remove_second_factor", "activate", "deactivate"]

    @admin.display(description=_("name"), ordering="last_name")
    def name(self, user):
        return user.formal_name

    def has_delete_permission(self, request, obj=None):
        return False  # history names them: deactivate instead

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        form.by = request.user
        return form

    def get_readonly_fields(self, request, obj=None):
        """The role of patients and of doctors with hours is theirs for good: their rows would lose their owner."""
        fixed = obj and (obj.role == User.Role.PATIENT or Doctor.objects.filter(user=obj).exists())
        return [*self.readonly_fields, *(["role"] if fixed else [])]

    def formfield_for_choice_field(self, db_field, request, **kwargs):
        if db_field.name == "role":
            kwargs["choices"] = STAFF
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    @transaction.atomic
    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        EmailAddress.objects.filter(user=obj).exclude(email=obj.email or "").delete()
        if obj.email:
            address, _created = EmailAddress.objects.get_or_create(user=obj, email=obj.email)
            EmailAddress.objects.filter(pk=address.pk).update(verified=True, primary=True)

    @admin.action(description=_("Unlock: forget failed sign-ins"))
    def unlock(self, request, queryset):
        for user in queryset.exclude(email=None):
            get_adapter(request)._delete_login_attempts_cached_email(request, email=user.email)
        self._done(request, queryset, _("May try to sign in again"))

    @admin.action(description=_("Remove the second factor (lost phone or key)"))
    def remove_second_factor(self, request, queryset):
        Authenticator.objects.filter(user__in=queryset).delete()
        self._done(request, queryset, _("Signs in with the password alone"))

    @admin.action(description=_("Activate"))
    def activate(self, request, queryset):
        queryset.update(is_active=True)
        self._done(request, queryset, _("Active"))

    @admin.action(description=_("Deactivate: sign out everywhere and let in no more"))
    def deactivate(self, request, queryset):
        queryset = queryset.exclude(pk=request.user.pk)  # not oneself
        queryset.update(is_active=False)
        for session in UserSession.objects.filter(user__in=queryset):
            session.end()
        self._done(request, queryset, _("Deactivated"))

    def _done(self, request, queryset, what):
        number = queryset.count()
        text = ngettext("%(what)s: %(number)d user.", "%(what)s: %(number)d users.", number)
        self.message_user(request, text % {"what": what, "number": number}, messages.SUCCESS)


@admin.register(AccessLog)
class AccessLogAdmin(admin.ModelAdmin):
    """Who looked at what. To read, never to change."""

    list_display = ["at", "user", "role", "action", "patient", "detail"]
    list_filter = ["role", "action", "at"]
    list_select_related = ["user", "patient__user"]
    search_fields = ["user__email", "user__last_name", "patient__record_number__exact"]
    search_help_text = _("Staff by e-mail or family name, patients by record number.")
    ordering = ["-at", "-pk"]
    show_full_result_count = False

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
