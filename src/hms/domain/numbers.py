"""Numbers of documents: one after the other in each year, none twice, none left out."""

from django.db import connection

from hms.models import DocumentCounter

Series = DocumentCounter.Series


def take(series, year):
    """The next serial number of the series in the year.

    The counter's row stays locked until the transaction ends: whoever comes next waits, and if this one is rolled back
    its number is given again. So take it last, just before the document is written.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO hms_documentcounter AS c (series, year, last) VALUES (%s, %s, 1)
               ON CONFLICT (series, year) DO UPDATE SET last = c.last + 1 RETURNING last""",
            [series, year],
        )
        return cursor.fetchone()[0]


def text(series, year, serial):
    """``2026-000041``, ``C2026-000007`` (hms_document_number in SQL)."""
    return f"{series}{year}-{serial:06d}"
