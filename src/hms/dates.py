"""Days as people type them, and as patients read them."""

import re
from datetime import date, datetime

from django.utils import formats
from django.utils.translation import gettext as _

# Long enough to be told apart; full names and other beginnings of them are accepted too.
MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
ISO = r"(?P<y>\d{4})[-./ ](?P<m>\d{1,2})[-./ ](?P<d>\d{1,2})"
DAY_FIRST = r"(?P<d2>\d{1,2})(?:st|nd|rd|th)?[ ./-]*(?P<m2>(?<=[ ./-])\d{1,2}|[a-z]{3,9})[ ,./-]+(?P<y2>\d{4}|\d{2})"
MONTH_FIRST = r"(?P<m3>[a-z]{3,9})\.?[ -]*(?P<d3>\d{1,2})(?:st|nd|rd|th)?[ ,./-]+(?P<y3>\d{4})"
DATE = re.compile(rf"(?<![\w])(?:{ISO}|{DAY_FIRST}|{MONTH_FIRST})(?![\w])")


def parse_month(text):
    """The number of a month typed as ``3``, ``03``, ``mar`` or ``March``, or None."""
    text = text.strip().strip(".").lower()
    if text.isascii() and text.isdigit():
        return int(text) if 1 <= int(text[:4]) <= 12 else None
    if text == "sept":
        return 9
    found = [n for n, name in enumerate(MONTHS, 1) if len(text) >= 3 and name.startswith(text)]
    return found[0] if found else None


def _read(found, past):
    """The date of a match, None when it is none after all, ValueError when there is no such day."""
    year, month, day = next(
        (found[f"y{n}"], found[f"m{n}"], found[f"d{n}"]) for n in ("", "2", "3") if found[f"y{n}"] is not None
    )
    number = parse_month(month)
    if number is None:
        if month.isdigit():
            raise ValueError(f"no month {month}")
        return None
    if len(year) == 2:
        if not past or not re.search(r"[a-z./-]", found[0]):
            return None  # 06 12 34 is rather a part of a phone number
        # Two digits are the last such year that is not still to come.
        today = date.today()
        year = today.year // 100 * 100 + int(year)
        year -= 100 if year > today.year else 0
    return date(int(year), number, int(day))


def parse_date(text, *, past=False):
    """A date in the usual spellings (14/7/1945, 14.07.1945, 14 Jul 1945, 14-Jul-1945, 1945-07-14), or None.

    Days come before months. ``past``: it is a day gone by, so that a year may be typed with two digits, or all of it as
    eight (14071945). Raises ValueError for a day that does not exist.
    """
    text = text.strip().lower()
    if past and re.fullmatch(r"[0-9]{8}", text):
        text = f"{text[:2]}/{text[2:4]}/{text[4:]}"
    found = DATE.fullmatch(text)
    return _read(found, past) if found else None


def find_impossible(text):
    """The part of a text that is written as a day but is none (``31/02/1965``), or an empty text."""
    for found in DATE.finditer(text.lower()):
        beside = text[: found.start()] + text[found.end() :]
        numbers = [found[name] for name in ("m", "d", "m2", "d2", "d3") if (found[name] or "").isdigit()]
        if re.search(r"\d", beside) or not re.search(r"[a-z./-]", found[0]) or max(map(int, numbers)) > 31:
            continue  # rather a phone number, in groups
        try:
            _read(found, past=True)
        except ValueError:
            return text[found.start() : found.end()]
    return ""


def find_date(text):
    """``(date, rest)`` of a text that holds a past day somewhere (``smith 14/7/1945``), or ``(None, text)``."""
    for found in DATE.finditer(text.lower()):
        try:
            day = _read(found, past=True)
        except ValueError:
            continue
        rest = f"{text[: found.start()]} {text[found.end() :]}".strip()
        if day and len(text) == len(text.lower()) and not re.search(r"\d", rest):
            return day, rest
    return None, text


def said(value):
    """Wednesday 6 August 2026, 5:30pm: a moment on the hospital's clock; a plain date without the time (NHS)."""
    day = formats.date_format(value, "l j F Y")
    return f"{day}, {said_time(value)}" if isinstance(value, datetime) else day


def said_time(value):
    """5:30pm, midday."""
    if (value.hour, value.minute) == (12, 0):
        return _("midday")
    half = _("am") if value.hour < 12 else _("pm")
    return f"{value.hour % 12 or 12}" + (f":{value.minute:02}" if value.minute else "") + half
