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
from django.db.models import JSONField
from django.db.models.expressions import DatabaseDefault
from psycopg import sql

from hms.models import Appointment


@contextmanager
def own_history(*models, resting=()):
    """Let the tracking triggers of ``models`` rest until the block ends. Only inside a transaction.

    ``resting``: ``(model, name)`` of further triggers that rest, where rows are written in their last state.
    """
    names = [
        trigger.get_pgid(model)
        for model, trigger in pgtrigger.registered()
        if (model in models and trigger.name in {"insert_insert", "update_update"}) or (model, trigger.name) in resting
    ]
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", ["{" + ",".join(names) + "}"])
        yield
        cursor.execute("SELECT set_config('pgtrigger.ignore', '{}', true)")


def context(user, action=""):
    """What stands beside an event: who, what, and that the demo wrote it."""
    return {"user": getattr(user, "pk", user), "demo": True} | ({"action": action} if action else {})


def record_inserts(model, rows, *, by, action="", at=None, label="insert", but=None):
    """Write an event of each of these rows, the first unless ``label`` says otherwise, dated when the row was made.

    ``by``: a user or their id. ``at``: the column that says when. ``but``: ``{column: value}`` that was another then.
    """
    event = apps.get_model("hms", f"{model.__name__}Event")
    own = {f.column for f in model._meta.concrete_fields}
    columns = [f.column for f in event._meta.concrete_fields if f.column in own]
    at = at or ("created_at" if "created_at" in own else None)
    but = {column: value for column, value in (but or {}).items() if column in columns}
    values = [sql.Literal(but[c]) if c in but else sql.Identifier(c) for c in columns]
    query = sql.SQL(
        "INSERT INTO {event} ({names}, pgh_created_at, pgh_label, pgh_obj_id, pgh_context, pgh_context_id)"
        " SELECT {values}, {at}, {label}, id, %s::jsonb, gen_random_uuid() FROM {table} WHERE id = ANY(%s)"
        " ORDER BY id"
    ).format(
        event=sql.Identifier(event._meta.db_table),
        names=sql.SQL(", ").join(map(sql.Identifier, columns)),
        values=sql.SQL(", ").join(values),
        at=sql.Identifier(at) if at else sql.SQL("now()"),
        label=sql.Literal(label),
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


def copy_new(model, rows):
    """Write new rows at once, numbered by the table's own sequence; faster than bulk_create by far.

    Columns that the rows leave to the database (``db_default``, generated ones) stay out, judged by the first row.
    """
    if not rows:
        return
    fields = [
        f
        for f in model._meta.concrete_fields
        if not f.generated and not isinstance(getattr(rows[0], f.attname), DatabaseDefault)
    ]
    table = model._meta.db_table
    with connection.cursor() as cursor:
        without = [row for row in rows if row.pk is None]
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, len(without)]
        )
        for row, (pk,) in zip(without, cursor.fetchall(), strict=True):
            row.pk = pk
        names = [(f.attname, isinstance(f, JSONField)) for f in fields]
        _copy(
            cursor,
            table,
            [f.column for f in fields],
            ([_plain(getattr(row, name), is_json) for name, is_json in names] for row in rows),
        )
    for row in rows:
        row._state.adding = False


def _plain(value, is_json):
    if isinstance(value, DatabaseDefault):  # other rows say it, this one leaves it
        value = value.expression.value
    return json.dumps(value) if is_json and value is not None else value
