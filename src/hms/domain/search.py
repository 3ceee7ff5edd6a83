# ruff: noqa: S608 (every statement is put together from constants of this file; what was typed are parameters)
"""Finding patients by what somebody types: a ladder that stops as soon as the page is full.

1. exact: record number, e-mail, birth date, the end or beginning of a record or phone number, another part of the phone
2. the beginning of the name, family or given name first, in index order
3. fragments: by the vocabulary of name words, then the first entries of the name index, only then by trigram
4. names with one or two letters wrong

Each rung costs about the same for 100,000 patients and for 1,000,000: none sorts or reads all that matches.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from itertools import chain, islice, product

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from phonenumbers import country_code_for_region

from hms import names, record_number
from hms.dates import find_date, find_impossible

CAP = 300  # matches that a list pages through; whoever has more should type more
LONGEST = 100  # characters of a query that are looked at
WALK = 2000  # entries of the name index read in order before the trigram index is asked
LOOSE = 200  # rows taken from the trigram index, whose order is none
VOCABULARY = 200  # words that a fragment is expanded to
AT_ONCE = 16  # ranges of the name index asked for in one statement
END = "\U0010ffff"  # after every character that a name may go on with
AFTER_DIGITS = ":"  # the first character after the digits
PLENTY = 6  # digits from which an end or a beginning that fits is what was meant
LAST = "!"  # the first character after a space: closes the range of a whole word

NUMBER, EMAIL, BORN, PHONE, NAME, SIMILAR = "number", "email", "born", "phone", "name", "similar"


@dataclass(frozen=True, slots=True)
class Match:
    """One found user (the patient's) and why."""

    user_id: int
    reason: str


@dataclass(slots=True)
class Found:
    """What a search found, best first. ``more``: there are others beyond; ``notice``: something to tell the typist."""

    matches: list = field(default_factory=list)
    more: bool = False
    notice: str = ""

    def reasons(self):
        return {match.user_id: match.reason for match in self.matches}


def patients(text, *, limit=CAP, within=None):
    """The patients that a typed text means, at most ``limit``.

    ``within`` is a queryset of user ids that they must be among (the list's filters).
    """
    text = clean(text)
    if no_day := find_impossible(text):
        found = Found(notice=_("%(day)s is not a day that exists.") % {"day": no_day})
        text = clean(text.replace(no_day, " "))
    else:
        found = Found(notice=_notice(text))
    if not text:
        return found
    reasons = {}
    for user_id, reason in _ladder(text, limit + 1, _Within(within)):
        reasons.setdefault(user_id, reason)
        if len(reasons) > limit:
            break
    found.more = len(reasons) > limit
    found.matches = [Match(*pair) for pair in islice(reasons.items(), limit)]
    if found.matches and found.matches[0].reason in {PHONE, BORN, NUMBER}:
        found.notice = ""
    return found


def clean(text):
    """One line without control characters, commas or needless spaces, of bearable length."""
    text = "".join(" " if unicodedata.category(c)[0] == "C" or c in ",;" else c for c in text[:LONGEST])
    return " ".join(text.split())


def plain(text):
    """As the database compares names (``hms_plain``)."""
    if text.isascii():
        return re.sub(r"[\s-]+", " ", re.sub(r"['`]", "", text.lower())).strip()
    return _rows("SELECT hms_plain(%s)", [text])[0]


def _notice(text):
    number = record_number.parse(text)
    if number and not record_number.is_valid(number) and find_date(text)[0] is None:
        return _("%(number)s is no record number: a digit of it is wrong.") % {"number": record_number.grouped(number)}
    return ""


class _Within:
    """The list's filters as a piece of SQL on ``u.id`` and its parameters."""

    def __init__(self, queryset):
        self.sql, self.params = "", []
        if queryset is not None:
            sql, params = queryset.query.sql_with_params()
            self.sql, self.params = f"AND u.id IN ({sql})", list(params)


def _ladder(text, limit, within):
    """``(user id, reason)`` from the best rung to the last; whoever reads stops when there is enough."""
    sure = False
    for user_id, reason in _exact(text, limit, within):
        sure = sure or reason in {NUMBER, EMAIL}
        yield user_id, reason
    if sure or not any(c.isalpha() for c in text) or find_date(text)[0]:
        return  # found beyond doubt, or a number or a day, which is no name
    words = plain(text).split()
    if not words:
        return
    yield from ((pk, NAME) for pk in _names(words, limit, within))
    similar = ((pk, SIMILAR) for pk in _similar(words, limit, within))
    part = _email_part(text.lower(), within) if len(words) == 1 and len(words[0]) >= 3 else ()
    address = ((pk, EMAIL) for pk in part)
    # A word of letters is rather a name with a mistake than a part of an address.
    yield from chain(similar, address) if text.isalpha() else chain(address, similar)


# --- 1. exact


def _exact(text, limit, within):
    number = record_number.parse(text)
    if number and record_number.is_valid(number):
        found = _by_record_number("= %s", [number], within)
        yield from ((pk, NUMBER) for pk in found)
        if found:
            return
    if "@" in text:
        sql = f"SELECT u.id FROM hms_user u WHERE u.role = 'PATIENT' AND lower(u.email) = %s {within.sql}"
        yield from ((pk, EMAIL) for pk in _rows(sql, [text.lower(), *within.params]))
    day, rest = find_date(text)
    if day:
        yield from ((pk, BORN) for pk in _born(day, rest, limit, within))
        return
    digits = re.sub(r"[\s()./+–-]", "", text)
    if digits.isascii() and digits.isdigit() and len(digits) >= 4:
        ends = _number_ends(digits, limit, within)
        yield from ends
        if not (ends and len(digits) >= PLENTY):
            yield from ((pk, PHONE) for pk in _phone(digits, within))


def _by_record_number(condition, params, within):
    sql = f"""SELECT u.id FROM hms_patient p JOIN hms_user u ON u.id = p.user_id
        WHERE p.record_number {condition} {within.sql} ORDER BY p.record_number LIMIT {LOOSE}"""
    return _rows(sql, [*params, *within.params])


def _number_ends(digits, limit, within):
    """``[(user id, reason), …]``: whose record or phone number ends, then whose begins with these digits.

    Ends come first, since they tell people apart. Phone numbers are kept as +44…, typed as 0…, 0044…, +44….
    """
    bare = digits.lstrip("0")
    country = f"+{country_code_for_region(settings.PHONENUMBER_DEFAULT_REGION)}"
    record, phone = ("p.record_number", NUMBER), ("u.phone", PHONE)
    arms = [(*record, "reverse", digits[::-1]), (*phone, "reverse", digits[::-1])]
    if len(bare) >= 4:
        if bare != digits:
            arms.append((*phone, "reverse", bare[::-1]))
        arms += [(*record, "", digits), (*phone, "", country + bare), (*phone, "", f"+{bare}")]
    parts, params = [], []
    for order, (column, reason, turned, start) in enumerate(arms):
        value = f'{turned}({column}) COLLATE "C"'
        parts.append(
            f"""(SELECT u.id, '{reason}' AS reason, {order} AS o, {value} AS value
            FROM hms_user u JOIN hms_patient p ON p.user_id = u.id
            WHERE u.role = 'PATIENT' AND {value} >= %s AND {value} < %s {within.sql} ORDER BY {value}, u.id LIMIT %s)"""
        )
        params += [start, start + AFTER_DIGITS, *within.params, limit]
    return _pairs(f'SELECT id, reason FROM ({" UNION ALL ".join(parts)}) m ORDER BY o, value COLLATE "C", id', params)


def _born(day, rest, limit, within):
    """Born that day, and with these words in their name if some were typed beside it."""
    words = plain(rest).split() if rest else []
    names = "".join(" AND u.family_first LIKE %s" for _word in words)
    sql = f"""SELECT u.id FROM hms_patient p JOIN hms_user u ON u.id = p.user_id
        WHERE p.date_of_birth = %s AND u.role = 'PATIENT' {names} {within.sql}
        ORDER BY u.family_first COLLATE "C", u.id LIMIT %s"""
    return _rows(sql, [day, *(f"%{_literal(word)}%" for word in words), *within.params, limit])


def _phone(digits, within):
    """A part of the phone number that is neither its end nor its beginning."""
    typed = [digits, digits.lstrip("0")] if digits.startswith("0") else [digits]
    typed = [part for part in typed if len(part) >= 4]
    if not typed:
        return []
    either = "(" + " OR ".join("u.phone LIKE %s" for _part in typed) + ")"
    # The end of a number tells people apart; the beginning, which all share, would only burden the index.
    ends = [f"%{part[-7:]}%" for part in typed]
    return _loose(either, ends, within, either, [f"%{part}%" for part in typed])


# --- 2. and 3. names


def _names(words, limit, within):
    """By name, the surest first. The same person may come more than once."""
    phrase = " ".join(words)
    yield from _ranges([(phrase, phrase + END)], limit, within)
    if any(map(names.UNSPACED.fullmatch, words)):
        yield from _ranges(_unspaced(words), limit, within)
    if len(words) == 1:
        if len(phrase) > 1:
            inside = _tokens("token LIKE %s AND NOT token LIKE %s", [_inside(phrase), _literal(phrase) + "%"])
            yield from _ranges([(token, token + LAST) for token in inside], limit, within)
    elif len(words) == 2:
        # Each word the beginning of a name: whole names for the longer one, so that the other can be a range.
        longer, other = sorted(words, key=len, reverse=True)
        starts = [f"{token} {other}" for token in _tokens("token LIKE %s", [_literal(longer) + "%"])]
        yield from _ranges([(start, start + END) for start in starts], limit, within)
    if len(words) > 1:
        yield from _walk([_inside(word) for word in words], limit, within)
    yield from _all_inside(words, within)


def _unspaced(words):
    """Where a family and a given name meet that are written without a space (何淑芬), and the same written in one."""
    joined = "".join(words)
    starts = [joined, *(f"{joined[:n]} {joined[n:]}" for n in range(1, min(len(joined), AT_ONCE)))]
    return [(start, start + END) for start in starts if start != " ".join(words)]


def _all_inside(words, within):
    """Every word anywhere in the name, by trigram. Needs one word of three letters."""
    if max(map(len, words)) < 3:
        return []
    conditions, params = [], []
    for word in words:
        if len(word) >= 3:
            conditions.append("u.family_first LIKE %s")
            params.append(_inside(word))
        else:  # too short for trigrams inside a word, not for its beginning
            conditions.append("(u.family_first LIKE %s OR u.family_first LIKE %s)")
            params += [_literal(word) + "%", f"% {_literal(word)}%"]
    return _loose(" AND ".join(conditions), params, within)


def _ranges(ranges, limit, within):
    """Those whose name, family or given name first, begins in one of these half-open ranges."""
    for i in range(0, len(ranges), AT_ONCE):
        low, high = zip(*ranges[i : i + AT_ONCE], strict=True)
        arms = [
            f"""(SELECT u.id, {order} AS o, u.{column} AS name FROM hms_user u
                WHERE u.role = 'PATIENT'
                    AND u.{column} COLLATE "C" >= r.low AND u.{column} COLLATE "C" < r.high {within.sql}
                ORDER BY u.{column} COLLATE "C", u.id LIMIT %s)"""
            for order, column in enumerate(["family_first", "given_first"])
        ]
        sql = f"""SELECT m.id FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS r (low, high, n)
            CROSS JOIN LATERAL ({" UNION ALL ".join(arms)}) m
            ORDER BY m.o, r.n, m.name COLLATE "C", m.id"""
        yield from _rows(sql, [list(low), list(high), *within.params, limit, *within.params, limit])


def _tokens(condition, params):
    """Words of the vocabulary, in order, no more than can be asked for one by one."""
    return _rows(f"SELECT token FROM hms_nametoken WHERE {condition} ORDER BY token LIMIT {VOCABULARY}", params)


def _walk(patterns, limit, within):
    """Those among the first entries of the name index that hold every pattern: frequent ones fill the page here."""
    names = " AND ".join("u.family_first LIKE %s" for _pattern in patterns)
    sql = f"""SELECT u.id FROM (
            SELECT id, family_first FROM hms_user WHERE role = 'PATIENT'
            ORDER BY family_first COLLATE "C", id LIMIT {WALK}
        ) u WHERE {names} {within.sql} ORDER BY u.family_first COLLATE "C", u.id LIMIT %s"""
    return _rows(sql, [*patterns, *within.params, limit])


def _loose(condition, params, within, exactly="true", exact_params=()):
    """By the trigram index: a bounded number of rows, then those that meet ``exactly`` too, in order."""
    sql = f"""SELECT u.id FROM (
            SELECT u.id, u.family_first, u.phone FROM hms_user u
            WHERE u.role = 'PATIENT' AND {condition} {within.sql} LIMIT {LOOSE}
        ) u WHERE {exactly} ORDER BY u.family_first COLLATE "C", u.id"""
    return _rows(sql, [*params, *within.params, *exact_params])


def _email_part(text, within):
    """A part of the address. One that many share (a provider's name) is met on a short walk already."""
    pattern = _inside(text)
    sql = f"""SELECT u.id FROM (
            SELECT id, family_first, email FROM hms_user WHERE role = 'PATIENT'
            ORDER BY family_first COLLATE "C", id LIMIT {WALK // 4}
        ) u WHERE u.email LIKE %s {within.sql} ORDER BY u.family_first COLLATE "C", u.id LIMIT {LOOSE}"""
    yield from _rows(sql, [pattern, *within.params])
    yield from _loose("u.email LIKE %s", [pattern], within)


# --- 4. one or two letters wrong


def _similar(words, limit, within):
    if len(words) > 2:
        # Beside so many words only those that nobody is called are taken for mistakes.
        choices = [[word] if _tokens("token LIKE %s", [_literal(word) + "%"]) else _corrections(word) for word in words]
        for choice in islice(product(*choices), 6):
            if list(choice) != words:
                yield from _all_inside(choice, within)
        return
    choices = [[word, *_corrections(word)] for word in words]
    # In both orders: a middle name keeps only one of them together.
    turns = ([choice, choice[::-1]] if len(words) > 1 else [choice] for choice in islice(product(*choices), 1, 25))
    phrases = [" ".join(choice) for turn in turns for choice in turn]
    end = LAST if len(words) == 1 else END
    yield from _ranges([(phrase, phrase + end) for phrase in phrases], limit, within)


def _corrections(word, most=6):
    """Name words that differ from this one by a letter (two, from six letters on), the nearest first."""
    if len(word) < 3:
        return []
    tokens = _rows(
        """SELECT token FROM hms_nametoken WHERE (token %% %s OR token LIKE %s) AND token <> %s
            AND CASE WHEN length(token) BETWEEN %s AND %s THEN levenshtein_less_equal(token, %s, 2) <= 2 ELSE false END
        LIMIT 400""",
        [word, _literal(word[0]) + "%", word, len(word) - 2, len(word) + 2, word],
    )
    allowed = 2 if len(word) >= 6 else 1
    near = sorted((distance(word, token), token) for token in tokens)
    return [token for steps, token in near if steps <= allowed][:most]


def distance(a, b):
    """Letters to change, add, drop or swap with their neighbour to get from ``a`` to ``b``."""
    before, row = [], list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            step = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                step = min(step, older[j - 2] + 1)
            row.append(step)
    return row[-1]


# --- helpers


def _literal(text):
    """Text for LIKE that means itself."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _inside(text):
    return f"%{_literal(text)}%"


def _rows(sql, params):
    return [row[0] for row in _pairs(sql, params)]


def _pairs(sql, params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()
