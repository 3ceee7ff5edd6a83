"""Which part of a name typed in one is the family name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms import names
from hms.models import User


@pytest.mark.parametrize(
    ("typed", "family", "given_names"),
    [
        ("smith", "Smith", ""),
        ("john smith", "Smith", "John"),
        ("Smith, John Paul", "Smith", "John Paul"),
        ("SMITH John", "Smith", "John"),
        ("MARIA GARCIA", "Garcia", "Maria"),
        ("María GARCÍA LÓPEZ", "García López", "María"),
        ("maria de la cruz", "de la Cruz", "Maria"),
        ("Ludwig van Beethoven", "van Beethoven", "Ludwig"),
        ("anna-lena o'brien-smith", "O'Brien-Smith", "Anna-Lena"),
        ("Ronald McDonald", "McDonald", "Ronald"),
        ("de souza", "de Souza", ""),
        ("al pacino", "Pacino", "Al"),
        ("ben smith", "Smith", "Ben"),
        ("何淑芬", "何", "淑芬"),
        ("欧阳娜娜", "欧阳", "娜娜"),
        ("佐藤花子", "佐藤", "花子"),
        ("佐藤 花子", "佐藤", "花子"),
        ("김민준", "김", "민준"),
        ("何", "何", ""),
        ("", "", ""),
    ],
)
def test_family_and_given(typed, family, given_names):
    assert names.split(typed) == (family, given_names)


@given(st.text(max_size=40))
def test_nothing_typed_is_lost(text):
    family, given_names = names.split(text)
    letters = sorted(c for c in (family + given_names).casefold() if not c.isspace())
    assert letters == sorted(c for c in text.replace(",", "", 1).casefold() if not c.isspace())


@pytest.mark.parametrize(
    ("family", "given", "addressed"),
    [
        ("Nachtigall", "Flora", "Flora Nachtigall"),
        ("王", "小明", "王小明"),
        ("김", "민서", "김민서"),
        ("Suharto", "", "Suharto"),
        ("", "小明", "小明"),
        ("العلي", "ليلى", "ليلى العلي"),
        ("Kim", "민서", "민서 Kim"),
    ],
)
def test_people_are_addressed_as_their_script_writes_them(family, given, addressed):
    assert str(User(last_name=family, first_name=given)) == addressed
