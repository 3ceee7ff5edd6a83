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


def append_only_but_for(*columns, user):
    """Append-only history of people, but for one thing: what said who somebody was goes when their account is deleted.

    Allowed is an update that empties some of these columns and touches no other, of somebody who is pseudonymised
    already, for whom the running transaction has said so (``hms.forget``; only hms.domain.forgetting does). ``user``
    is SQL for the user's id in terms of OLD.
    """
    named = ", ".join(columns)
    emptied = " AND ".join(f"(NEW.{c} IS NOT DISTINCT FROM OLD.{c} OR coalesce(NEW.{c}, '') = '')" for c in columns)
    return pgtrigger.Trigger(
        name="append_only",
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        func=f"""
            IF TG_OP = 'UPDATE' AND current_setting('hms.forget', true) = {user}::text
                AND to_jsonb(NEW) - '{{{named}}}'::text[] = to_jsonb(OLD) - '{{{named}}}'::text[]
                AND {emptied}
                AND EXISTS (
                    SELECT FROM hms_user WHERE id = {user} AND NOT is_active AND email IS NULL AND first_name = ''
                )
            THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'append_only: rows of % stay as they are', TG_TABLE_NAME;
        """,
    )
