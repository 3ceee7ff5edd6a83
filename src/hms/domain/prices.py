"""The price list: what something costs on a day, new prices, and when a second visit costs less."""

from datetime import timedelta

import pghistory
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from hms import money
from hms.domain.settings import hospital
from hms.errors import DomainError, Stale
from hms.models import Appointment, FollowUpRule, InvoiceLine, Service


def in_force(date):
    """The price list of a calendar day, by code."""
    return Service.objects.on(date).select_related("department").order_by("code")


def find(code, date):
    """What the code costs on a day, or None."""
    return Service.objects.on(date).filter(code=code).select_related("department").first()


def check_amount(amount, *, field=None):
    """Refuse what the hospital's currency cannot pay: below zero, more than a column holds, finer than its coins."""
    currency = hospital().currency
    if amount < 0:
        raise DomainError(_("An amount is never below zero."), field=field)
    if amount > money.MOST:
        raise DomainError(_("This is more than %(most)s.") % {"most": money.shown(money.MOST, currency)}, field=field)
    if not money.is_whole(amount, currency):
        places = money.digits(currency)
        raise DomainError(
            _("%(currency)s has no decimals.") % {"currency": currency}
            if not places
            else _("%(currency)s has %(places)s decimals, not more.") % {"currency": currency, "places": places},
            field=field,
        )
    return amount


def set_price(*, code, name, department, price, tax_rate, valid_from, valid_until=None, by):
    """A code costs this from a day on (until another): a new code, or a new price that ends the one before.

    Another row that begins on the same day is replaced if no invoice used it; rows that begin later are left, and the
    new price ends the day before the first of them.
    """
    wanted = {"code": code, "name": name, "department": department, "price": price, "tax_rate": tax_rate}
    return set_prices([wanted | {"valid_from": valid_from, "valid_until": valid_until}], by=by)[0]


def set_prices(wanted, *, by):
    """The same of many, in a few statements, all or none; a refusal says by ``error.n`` which of them it is."""
    wanted = [values | {"code": values["code"].strip().upper()} for values in wanted]
    with transaction.atomic(), pghistory.context(user=by.pk, action="price.set"):
        rows = {}
        codes = {values["code"] for values in wanted}
        for row in Service.objects.select_for_update().filter(code__in=codes).order_by("code", "valid_from"):
            rows.setdefault(row.code, []).append(row)
        days = {(values["code"], values["valid_from"]) for values in wanted}
        same_day = [row.pk for of_code in rows.values() for row in of_code if (row.code, row.valid_from) in days]
        used = Service.objects.filter(pk__in=same_day).filter(
            Exists(InvoiceLine.objects.filter(service=OuterRef("pk")))
        )
        used, changed, placed = set(used.values_list("pk", flat=True)), {}, []
        for n, values in enumerate(wanted):
            try:
                placed.append(_place(rows.setdefault(values["code"], []), values, used, changed))
            except DomainError as e:
                e.n = n
                raise
        # Those that end make room for the new ones.
        Service.objects.bulk_update(changed.values(), [*VALUES, "valid_until"], batch_size=500)
        try:
            with transaction.atomic():
                Service.objects.bulk_create({id(row): row for row in placed if row.pk is None}.values(), batch_size=500)
        except IntegrityError as e:  # somebody set a price of the same code in this moment
            raise Stale(_("Somebody else has just changed the price of this code. Look at it again.")) from e
        return placed


VALUES = ["name", "department", "price", "tax_rate"]


def _place(rows, values, used, changed):
    """Put a price among the ``rows`` of its code, in their order; what was there and changes goes to ``changed``."""
    begins, ends = values["valid_from"], values["valid_until"]
    check_amount(values["price"], field="price")
    if ends and ends < begins:
        raise DomainError(_("“Valid until” must not come before “valid from”."), field="valid_until")
    later = next((row for row in rows if row.valid_from > begins), None)
    if later and (ends is None or ends >= later.valid_from):
        ends = later.valid_from - timedelta(days=1)
    found = next((row for row in rows if row.valid_from == begins), None)
    if found is None:
        for row in rows:
            if row.valid_from < begins and (row.valid_until is None or row.valid_until >= begins):
                row.valid_until = begins - timedelta(days=1)
                _note(row, changed)
        found = Service(code=values["code"], valid_from=begins)
        rows.insert(rows.index(later) if later else len(rows), found)
    elif found.pk in used and (found.price, found.tax_rate) != (values["price"], values["tax_rate"]):
        raise DomainError(
            _("Invoices use the price of %(day)s already. Let the new one begin on another day.")
            % {"day": f"{begins:%d-%b-%Y}"},
            field="valid_from",
        )
    for name in VALUES:
        setattr(found, name, values[name])
    found.valid_until = ends
    _note(found, changed)
    return found


def _note(row, changed):
    if row.pk:
        changed[row.pk] = row


def end(service, *, last_day, by):
    """A service is not offered after this day."""
    with transaction.atomic(), pghistory.context(user=by.pk, action="price.ended"):
        service = Service.objects.select_for_update().get(pk=service.pk)
        if last_day < service.valid_from:
            raise DomainError(_("That is before this price began."), field="valid_until")
        if service.valid_until and service.valid_until < last_day:
            raise DomainError(_("It ends earlier already."), field="valid_until")
        service.valid_until = last_day
        service.save(update_fields=["valid_until"])
        return service


# --- follow-up


def set_follow_up(*, doctor=None, department=None, days, percent, by):
    """A second visit to the same doctor within ``days`` costs this share of the fee. Replaces the rule there was."""
    if doctor and department:
        raise DomainError(_("A rule is for a doctor or for a department, not for both."), field="department")
    with transaction.atomic(), pghistory.context(user=by.pk, action="follow_up.set"):
        rule, _made = FollowUpRule.objects.update_or_create(
            doctor=doctor, department=department, defaults={"days": days, "percent": percent}
        )
    return rule


def end_follow_up(rule, *, by):
    """No rule any more: every visit costs the full fee (or what a wider rule says)."""
    with transaction.atomic(), pghistory.context(user=by.pk, action="follow_up.ended"):
        FollowUpRule.objects.filter(pk=rule.pk).delete()


def rule_of(doctor):
    """The rule that a doctor's visits fall under: their own, or their department's, or the hospital's; or None."""
    rules = FollowUpRule.objects.filter(
        Q(doctor=doctor) | Q(department=doctor.department_id) | Q(doctor=None, department=None)
    )
    return min(rules, key=lambda r: (r.doctor_id is None, r.department_id is None), default=None)


def followed_up(appointment):
    """``(rule, earlier visit)`` if this visit is a follow-up of one at the full fee, else ``(None, None)``.

    Days are counted on the hospital's calendar. A follow-up does not begin the days anew: otherwise a patient who
    comes every week would pay once.
    """
    rule = rule_of(appointment.doctor)
    if rule is None:
        return None, None
    zone = hospital().zone
    day = appointment.appointment_date.astimezone(zone).date()
    since, _end = hospital().day_bounds(day - timedelta(days=rule.days))
    earlier = (
        Appointment.objects.filter(
            doctor=appointment.doctor_id,
            patient=appointment.patient_id,
            status=Appointment.Status.COMPLETED,
            appointment_date__gte=since,
            appointment_date__lt=appointment.appointment_date,
        )
        .exclude(invoice__lines__kind=InvoiceLine.Kind.FOLLOW_UP)
        .order_by("-appointment_date")
        .first()
    )
    return (rule, earlier) if earlier else (None, None)
