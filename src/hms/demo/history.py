"""Rows whose history tells when things happened, not when the demo was loaded.

The tracking triggers write "now" and whoever runs the command. Inside ``own_history`` they rest (in this transaction
only, without touching the schema), and the events are written here instead, each marked ``demo`` in its context: that
mark is how a later run knows its own rows from those that people made or changed.
"""

import json
import random
import uuid
from contextlib import contextmanager

import pgtrigger
from django.apps import apps
from django.db import connection
from psycopg import sql

from hms.models import Appointment


@contextmanager
def own_history(*models):
    """Let the tracking triggers of ``models`` rest until the block ends. Only inside a transaction."""
    names = [
        trigger.get_pgid(model)
        for model, trigger in pgtrigger.registered()
        if model in models and trigger.name in {"insert_insert", "update_update"}
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", ["{" + ",".join(names) + "}"])
        yield
        cursor.execute("SELECT set_config('pgtrigger.ignore', '{}', true)")


def context(user, action=""):
    """What stands beside an event: who, what, and that the demo wrote it."""
    return {"user": user.pk, "demo": True} | ({"action": action} if action else {})


def record_inserts(model, rows, *, by, action=""):
    """Write the first event of each of these rows, dated when the row was made."""
    event = apps.get_model("hms", f"{model.__name__}Event")
    own = {f.column for f in model._meta.concrete_fields}
    columns = [f.column for f in event._meta.concrete_fields if f.column in own]
    at = "created_at" if "created_at" in own else "now()"
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL(
        "INSERT INTO {event} ({names}, pgh_created_at, pgh_label, pgh_obj_id, pgh_context, pgh_context_id)"
        " SELECT {names}, {at}, 'insert', id, %s::jsonb, gen_random_uuid() FROM {table} WHERE id = ANY(%s)"
    ).format(
        event=sql.Identifier(event._meta.db_table),
        names=names,
        at=sql.SQL(at),
        table=sql.Identifier(model._meta.db_table),
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [json.dumps(context(by, action)), [row.pk for row in rows]])


APPOINTMENT = [
    f.column for f in apps.get_model("hms", "AppointmentEvent")._meta.concrete_fields if not f.column.startswith("pgh_")
]


def copy_appointments(rows):
    """Write new appointments at once; their numbers come from the table's own sequence."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence('hms_appointment', 'id')) FROM generate_series(1, %s)", [len(rows)]
        )
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk
        _copy(cursor, Appointment._meta.db_table, APPOINTMENT, ([getattr(r, c) for c in APPOINTMENT] for r in rows))


def copy_appointment_events(events, seed):
    """Write ``(at, label, action, user, {column: value})`` in the order of time."""
    ids = random.Random(seed)  # noqa: S311
    columns = [*APPOINTMENT, "pgh_created_at", "pgh_label", "pgh_obj_id", "pgh_context", "pgh_context_id"]
    with connection.cursor() as cursor:
        _copy(
            cursor,
            "hms_appointmentevent",
            columns,
            (
                [state[c] for c in APPOINTMENT]
                + [at, label, state["id"], json.dumps(context(user, action)), uuid.UUID(int=ids.getrandbits(128))]
                for at, label, action, user, state in sorted(events, key=lambda e: (e[0], e[4]["id"]))
            ),
        )


def _copy(cursor, table, columns, rows):
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with cursor.copy(query) as copy:
        for row in rows:
            copy.write_row(row)
