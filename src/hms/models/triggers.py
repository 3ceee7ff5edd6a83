"""Triggers that many tables wear. They see bulk statements and plain SQL too."""

import pgtrigger


def touch(*columns):
    """Keep ``updated_at`` true whoever writes, so that it can serve as the row's version.

    ``columns`` are those that count, by default all (a table with generated columns must name them).
    """
    return pgtrigger.Trigger(
        name="touch",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        condition=pgtrigger.AnyChange(*columns),
        func="NEW.updated_at = clock_timestamp(); RETURN NEW;",
    )


def announce(noun, *, doctors="'[]'::jsonb", doctors_before=None, columns=None):
    """Tell the live screens, at commit, that a row changed: ``["noun", id, [doctor ids]]``, never personal data.

    ``doctors`` and ``doctors_before`` are SQL for the ids (jsonb) of the doctors whose columns show the row, in terms
    of NEW and OLD. ``columns``: announce an update only if one of these changed.
    """
    before = doctors_before or doctors.replace("NEW.", "OLD.")
    changed = " OR ".join(f"OLD.{c} IS DISTINCT FROM NEW.{c}" for c in columns or ())
    pk = "CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END"
    skip = f"IF TG_OP = 'UPDATE' AND NOT ({changed}) THEN RETURN NULL; END IF;" if changed else ""
    return pgtrigger.Trigger(
        name="announce",
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        declare=[("ids", "jsonb")],
        func=f"""
            {skip}
            IF TG_OP = 'DELETE' THEN ids = {before};
            ELSIF TG_OP = 'INSERT' THEN ids = {doctors};
            ELSE ids = {before} || {doctors};
            END IF;
            PERFORM pg_notify('hms', jsonb_build_array('{noun}', {pk}, ids)::text);
            RETURN NULL;
        """,
    )


def append_only():
    """Refuse every change of a row that is there."""
    return pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
