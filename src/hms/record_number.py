"""Medical record numbers: seven or more digits and a check digit by ISO 7064 MOD 11,10.

The rule finds every wrong digit and nearly every swap of two neighbours. The database makes the numbers by the same
rule (``hms_next_record_number`` in migration 0001); here typed ones are read.
"""

import re

SHORTEST, LONGEST = 8, 12
SPACERS = re.compile(r"[\s.\-–/]+")


def check_digit(digits):
    """The ISO 7064 MOD 11,10 check digit of a text of digits."""
    product = 10
    for digit in digits:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)


def is_valid(number):
    """Whether these digits end in their own check digit."""
    return check_digit(number[:-1]) == number[-1]


def parse(text):
    """The digits of a typed number (spaces, dots and dashes as one likes, perhaps ``MRN`` before), or None.

    None says that this does not look like a record number at all; a wrong check digit is asked by ``is_valid``.
    """
    text = re.sub(r"^\s*(mrn|nr|no|#)\s*[.:#]?\s*", "", text, flags=re.IGNORECASE)
    digits = SPACERS.sub("", text)
    if not (digits.isascii() and digits.isdigit() and SHORTEST <= len(digits) <= LONGEST):
        return None
    return digits


def grouped(number):
    """As people read it aloud: in groups, the check digit in the last one (1000001 4 → 1000 0014)."""
    number = str(number)
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4))
