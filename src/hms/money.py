"""Money: Decimal from end to end, in the one currency of the hospital, never finer than its smallest coin.

Columns hold three decimals (``COLUMN``), because dinars have a thousand fils; that everything is a whole number of the
currency's minor units is checked here, and by the database (``hms_minor_digits``, the same table in SQL).

Rounding is commercial, half away from zero, and happens at two places only: the price of a line (quantity × unit
price), and the tax, once for each rate on the sum of its lines. So a document's tax table always adds up, and the tax
of what is left after a credit note is the tax of an invoice over just that.
"""

import re
from decimal import ROUND_HALF_UP, Decimal

from django.utils import formats

COLUMN = {"max_digits": 12, "decimal_places": 3}
MOST = Decimal("99999999.99")  # of one amount: what (10,2) can hold

# ISO 4217, where it is not two.
NONE = ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF"]
THREE = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]
DIGITS = dict.fromkeys([*NONE, "XPF"], 0) | dict.fromkeys(THREE, 3)

# Digits with one kind of separator for thousands and another for the decimals, or neither.
AMOUNT = re.compile(
    r"(?P<whole>\d{1,3}(?:(?P<mark>[ ,.'’\u00a0\u202f])\d{3})(?:(?P=mark)\d{3})*|\d+)(?:[.,](?P<part>\d+))?"
)


def digits(currency):
    """Decimals of the currency's smallest coin: 2 for most, 0 for yen, 3 for dinars."""
    return DIGITS.get(currency, 2)


def unit(currency):
    """The smallest coin: 0.01 for most."""
    return Decimal(1).scaleb(-digits(currency))


def rounded(amount, currency):
    """To the smallest coin, half away from zero."""
    return Decimal(amount).quantize(unit(currency), ROUND_HALF_UP)


SIGNS = {"GBP": "£", "EUR": "€", "USD": "$", "INR": "₹", "JPY": "¥", "NGN": "₦", "BRL": "R$", "ZAR": "R"}


def shown(amount, currency):
    """£1,234.50, ¥1,235, −KWD 5.250: as pages, papers and refusals write it, with the reader's separators."""
    number = formats.number_format(abs(amount), decimal_pos=digits(currency), use_l10n=True, force_grouping=True)
    sign = SIGNS.get(currency, f"{currency}\N{NO-BREAK SPACE}")
    return f"{'−' if amount < 0 else ''}{sign}{number}"


def to_step(amount, step):
    """To the nearest multiple of ``step``, half away from zero; as it is where there is no step."""
    amount = Decimal(amount)
    return (amount / step).quantize(Decimal(1), ROUND_HALF_UP) * step if step else amount


def is_whole(amount, currency):
    """Whether the amount can be paid in coins."""
    return amount == rounded(amount, currency)


def tax(net, rate, currency):
    """The tax at ``rate`` percent on the sum of the lines that bear it."""
    return rounded(Decimal(net) * Decimal(rate) / 100, currency)


def tax_table(rows, currency):
    """``[(rate, net, tax), …]`` by rate, of lines given as ``(rate, net)``."""
    nets = {}
    for rate, net in rows:
        rate = Decimal(rate).quantize(Decimal("0.01"))
        nets[rate] = nets.get(rate, Decimal(0)) + net
    return [(rate, nets[rate], tax(nets[rate], rate, currency)) for rate in sorted(nets)]


def parse(text):
    """The Decimal that somebody typed (``1,234.50``, ``1 234,50``, ``80``), or None when it is no amount.

    ``1e5``, ``0x10``, ``NaN`` and digits of other scripts are none. A single separator before exactly three digits
    could be either: it counts as thousands, unless it is a dot, which decimals are written with everywhere here.
    """
    text = text.strip()
    found = AMOUNT.fullmatch(text) if text.isascii() or not re.search(r"[^\d\s.,'’]", text) else None
    if not found or len(text) > 20 or not re.sub(r"\D", "", text).isascii():
        return None
    whole, part = found["whole"], found["part"]
    if found["mark"] in {".", ","} and part is not None and text[text.rindex(part) - 1] == found["mark"]:
        return None  # 1,234,50
    if found["mark"] == "." and part is None and whole.count(".") == 1:
        whole, part = whole.split(".")  # 5.125: dinars, or three decimals to be refused in words
    return Decimal(re.sub(r"\D", "", whole) + ("." + part if part else ""))
