"""What the tests of money share: a clerk at an open drawer, an invoice to be paid."""

from decimal import Decimal

import pytest

from hms.domain import shifts
from hms.testing import make_invoice


@pytest.fixture
def clerk(reception):
    shifts.open_(by=reception.user, opening_float=Decimal(50))
    return reception


@pytest.fixture
def invoice(db):
    return make_invoice(amount=100)
