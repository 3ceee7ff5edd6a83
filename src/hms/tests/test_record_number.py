import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from hms import record_number


@pytest.mark.django_db
def test_python_and_the_database_count_the_same_check_digit():
    with connection.cursor() as cursor:
        for digits in ["1000001", "1000002", "9999999", "12345678901", "7"]:
            cursor.execute("SELECT hms_check_digit(%s)", [digits])
            assert cursor.fetchone()[0] == record_number.check_digit(digits)


def test_the_published_example_of_iso_7064_is_met():
    assert record_number.check_digit("0794") == "5"


@given(st.text("0123456789", min_size=7, max_size=11), st.data())
def test_every_single_wrong_digit_is_noticed(digits, data):
    number = digits + record_number.check_digit(digits)
    at = data.draw(st.integers(0, len(number) - 1))
    wrong = data.draw(st.sampled_from("0123456789".replace(number[at], "")))
    assert record_number.is_valid(number)
    assert not record_number.is_valid(number[:at] + wrong + number[at + 1 :])


@pytest.mark.parametrize(
    "text", ["1000 0014", "1000-0014", " 1000.0014 ", "MRN 1000 0014", "mrn: 10000014", "#10000014"]
)
def test_typed_numbers_are_read_with_spaces_dashes_and_a_word_before(text):
    assert record_number.parse(text) == "10000014"


@pytest.mark.parametrize("text", ["", "smith", "1000001", "1234567890123", "1000 0O14", "١٠٠٠٠٠١٤", "+44 10000014"])
def test_what_is_no_record_number_is_none(text):
    assert record_number.parse(text) is None


def test_numbers_are_shown_in_groups():
    assert record_number.grouped("10000014") == "1000 0014"
    assert record_number.grouped("123456789") == "1234 5678 9"
