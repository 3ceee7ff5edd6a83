"""Coins: what can be paid in cash where it is rounded to the smallest coin that there is, and what that leaves over."""

from decimal import Decimal

from django.utils.translation import gettext as _

from hms import money
from hms.domain.settings import hospital
from hms.errors import DomainError
from hms.models import Payment


def is_rounded():
    """Whether cash is rounded here, or once was."""
    return bool(hospital().cash_rounding) or Payment.objects.filter(kind=Payment.Kind.ROUNDING).exists()


def in_cash(amount):
    """What is paid in coins and notes for an amount: rounded by the hospital's rule."""
    return money.to_step(amount, hospital().cash_rounding)


def check_unit(amount, currency, field="amount"):
    """Refuse what is finer than the currency's smallest coin, however it is paid."""
    if not money.is_whole(amount, currency):
        raise DomainError(
            _("%(currency)s has no coin smaller than %(unit)s.")
            % {"currency": currency, "unit": money.shown(money.unit(currency), currency)},
            field=field,
        )


def check(amount, field="amount"):
    """Refuse what cannot be paid in cash, where the smallest coins are gone."""
    if amount != in_cash(amount):
        here = hospital()
        raise DomainError(
            _("In cash there is nothing smaller than %(step)s: %(amount)s.")
            % {
                "step": money.shown(here.cash_rounding, here.currency),
                "amount": money.shown(in_cash(amount), here.currency),
            },
            field=field,
        )


def rounding(cash, over):
    """What must be added when ``cash`` is ``over`` what it is for, and is that rounded to coins; else nothing."""
    return -over if cash > 0 and over and in_cash(cash - over) == cash else Decimal(0)


def rounding_of(payment):
    """The row that says what this one in cash was rounded by, or None."""
    return payment.followed.filter(kind=Payment.Kind.ROUNDING).first()
