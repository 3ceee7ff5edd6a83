"""The digits of a currency, as in 0004 but not STRICT: so the planner writes it out where reports round a million times."""

from django.db import migrations

DIGITS = """
CREATE OR REPLACE FUNCTION hms_minor_digits(currency text) RETURNS int
    LANGUAGE sql IMMUTABLE PARALLEL SAFE{strict}
    AS $$ SELECT CASE
        WHEN currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND',
                          'VUV', 'XAF', 'XOF', 'XPF') THEN 0
        WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
        ELSE 2 END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("hms", "0024_cash_rounding")]
    operations = [migrations.RunSQL(DIGITS.format(strict=""), DIGITS.format(strict=" STRICT"))]
