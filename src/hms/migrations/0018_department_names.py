from django.db import migrations, models
from django.db.models.functions import Lower

# Two departments whose names differ in their case alone: the younger one is told apart by its number.
TELL_APART = """
    UPDATE hms_department d SET name = left(d.name, 85) || ' (' || d.id || ')'
    WHERE EXISTS (SELECT FROM hms_department o WHERE lower(o.name) = lower(d.name) AND o.id < d.id)"""


class Migration(migrations.Migration):
    dependencies = [
        ("hms", "0017_forget_people"),
    ]

    operations = [
        migrations.RunSQL(TELL_APART, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="department",
            constraint=models.UniqueConstraint(
                Lower("name"),
                name="department_name_any_case",
                violation_error_message="There is a department of this name already.",
            ),
        ),
    ]
