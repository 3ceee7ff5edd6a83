"""A clerk's drawer: opened with a float, closed by counting; what differs is explained, and stays as it was signed."""

from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Count, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from hms import money
from hms.domain import cash, payments
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import Shift

# Coins and notes by currency; others are counted as a sum.
COINS = {
    "GBP": "50 20 10 5 2 1 0.50 0.20 0.10 0.05 0.02 0.01",
    "EUR": "500 200 100 50 20 10 5 2 1 0.50 0.20 0.10 0.05 0.02 0.01",
    "USD": "100 50 20 10 5 2 1 0.50 0.25 0.10 0.05 0.01",
    "JPY": "10000 5000 2000 1000 500 100 50 10 5 1",
    "CHF": "1000 200 100 50 20 10 5 2 1 0.50 0.20 0.10 0.05",
    "SEK": "1000 500 200 100 50 20 10 5 2 1",
    "AUD": "100 50 20 10 5 2 1 0.50 0.20 0.10 0.05",
    "CAD": "100 50 20 10 5 2 1 0.25 0.10 0.05",
    "INR": "500 200 100 50 20 10 5 2 1",
    "KWD": "20 10 5 1 0.500 0.250 0.100 0.050 0.020 0.010 0.005",
}


def coins():
    """The hospital's coins and notes, the largest first; the smallest coin alone where they are not known."""
    currency, smallest = hospital().currency, hospital().cash_rounding
    known = [Decimal(text) for text in COINS.get(currency, "").split()]
    return [coin for coin in known if coin >= smallest] or [smallest or money.unit(currency)]


def open_(*, by, opening_float):
    """Open a drawer with this much in it. Refuses a second one."""
    if opening_float < 0:
        raise DomainError(_("Write how much is in the drawer now."), field="opening_float")
    cash.check_unit(opening_float, hospital().currency, field="opening_float")
    cash.check(opening_float, field="opening_float")
    if opening_float > money.MOST:
        raise DomainError(_("No drawer holds so much."), field="opening_float")
    try:
        with transaction.atomic():
            return Shift.objects.create(clerk=by, opening_float=opening_float)
    except IntegrityError as e:
        raise DomainError(_("Your drawer is open already.")) from e


def counted(shift):
    """``[(coin or note, how many), …]`` of a closed drawer, the largest first."""
    return sorted(((Decimal(coin), n) for coin, n in shift.counted.items()), reverse=True)


def totals(shift):
    """``{method: (in, out, rows)}`` of a shift, every method named; rounding where cash was rounded."""
    found = {}
    for method, label in payments.Method.choices:
        if method == payments.Method.ROUNDING and not shift.payments.filter(method=method).exists():
            continue
        rows = shift.payments.filter(method=method)
        taken = rows.filter(value__gt=0).aggregate(sum=Sum("value"))["sum"] or Decimal(0)
        given = rows.filter(value__lt=0).aggregate(sum=Sum("value"))["sum"] or Decimal(0)
        found[str(label)] = (taken, -given, rows.aggregate(n=Count("pk"))["n"])
    return found


def totals_kept(shift):
    """The same of a closed drawer, as they were kept; methods in their order, which the database does not keep."""
    order = [str(label) for _method, label in payments.Method.choices]
    names = [*(name for name in order if name in shift.totals), *(name for name in shift.totals if name not in order)]
    return {name: shift.totals[name] for name in names}


def close(shift, *, counted, by, explanation=""):
    """Close the drawer as counted, ``{coin: how many}``; a difference needs its explanation. It cannot be undone."""
    explanation = " ".join(explanation.split())[:300]
    with transaction.atomic():
        shift = Shift.objects.select_for_update().get(pk=shift.pk)
        if shift.closed_at:
            raise DomainError(_("This drawer has been closed already."))
        if shift.clerk_id != by.pk:
            raise DomainError(_("Only %(clerk)s closes this drawer.") % {"clerk": shift.clerk})
        if any(n < 0 for n in counted.values()):
            raise DomainError(_("Nothing is there less than no times."))
        total = sum((Decimal(coin) * n for coin, n in counted.items()), Decimal(0))
        if total > money.MOST:
            raise DomainError(_("No drawer holds so much. Count again."))
        expected, currency = payments.drawer(shift), hospital().currency
        if total != expected and not explanation:
            raise DomainError(
                _("Counted %(total)s, expected %(expected)s. Count again, or say why it differs.")
                % {"total": money.shown(total, currency), "expected": money.shown(expected, currency)},
                field="explanation",
            )
        shift.closed_at = timezone.now()
        shift.counted = {str(coin): n for coin, n in counted.items() if n}
        shift.counted_total, shift.expected = total, expected
        shift.explanation = explanation if total != expected else ""
        shift.totals = {name: [str(taken), str(given), n] for name, (taken, given, n) in totals(shift).items()}
        shift.save()
        return shift
