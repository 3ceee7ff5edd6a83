"""The access log is sealed: a hash over each stretch of it and over the seal before, so that an altered row shows.

Writing an entry costs nothing for it. Every minute a job seals what was written since: it waits a moment until no entry
is being written (a table lock that only writers meet, for as long as one ``max(id)`` takes), after which the stretch up
to the newest entry can only change by tampering. Sealing and checking read it in stretches, in PostgreSQL.
"""

import hashlib
from collections import namedtuple

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from hms.models import LogSeal

STRETCH = 20_000  # entries under one seal, at most
SEALING = 4  # the first key of the two-key advisory lock: one at a time
PATIENCE = "400ms"  # how long the writers may keep sealing waiting: it comes again

Problem = namedtuple("Problem", "seal what")

# Moments as seconds: their text would depend on the connection's time zone.
DIGEST = """SELECT count(*), max(id), encode(sha256(convert_to(coalesce(string_agg(jsonb_build_array(id,
    extract(epoch FROM at), user_id, role, patient_id, action, detail, reason, break_glass_id)::text,
    E'\\n' ORDER BY id), ''), 'UTF8')), 'hex')
    FROM (SELECT * FROM hms_accesslog WHERE id > %s AND id <= %s ORDER BY id LIMIT %s) stretch"""


def seal():
    """Seal every entry written until now; returns how many, 0 also when writers do not pause."""
    try:
        newest = _newest_settled()
    except OperationalError:  # lock_timeout
        return 0
    total = 0
    while newest is not None and (entries := _seal_stretch(newest)):
        total += entries
    return total


@transaction.atomic
def _newest_settled():
    """The id up to which no entry can appear any more; None when nothing is there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
        cursor.execute("LOCK TABLE hms_accesslog IN SHARE MODE")
        cursor.execute("SELECT max(id) FROM hms_accesslog")
        return cursor.fetchone()[0]


@transaction.atomic
def _seal_stretch(newest):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [SEALING])
        before = LogSeal.objects.order_by("-last").first()
        first = before.last if before else 0
        entries, last, digest = _digest(cursor, first, newest)
    if entries:
        LogSeal.objects.create(
            first=first, last=last, entries=entries, hash=_hash(before.hash if before else "", digest, entries, last)
        )
    return entries


def verify():
    """Every Problem of the sealed log, oldest first; none if it is as it was sealed."""
    previous, after = "", 0
    for one in LogSeal.objects.order_by("last").iterator():
        if one.first != after:
            yield Problem(one, _("a seal before this one is missing"))
        with connection.cursor() as cursor:
            entries, _last, digest = _digest(cursor, one.first, one.last, limit=None)
        if entries != one.entries:
            yield Problem(one, _("%(n)d entries where %(m)d were sealed") % {"n": entries, "m": one.entries})
        elif one.hash != _hash(previous, digest, entries, one.last):
            yield Problem(one, _("an entry, or the seal before, was changed"))
        previous, after = one.hash, one.last


def head():
    """The newest seal's hash: noted elsewhere, it also shows a log that was sealed anew from the start."""
    last = LogSeal.objects.order_by("-last").first()
    return last.hash if last else ""


def _digest(cursor, first, last, limit=STRETCH):
    cursor.execute(DIGEST, [first, last, limit])
    return cursor.fetchone()


def _hash(previous, digest, entries, last):
    return hashlib.sha256(f"{previous} {digest} {entries} {last}".encode()).hexdigest()
