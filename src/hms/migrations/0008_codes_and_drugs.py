"""Fills the tables that are the same in every hospital: ICD-10, and the shipped list of drugs."""

from django.db import migrations


def fill(apps, schema_editor):
    from hms.domain import diagnoses, prescriptions

    diagnoses.load_codes(apps.get_model("hms", "IcdCode"))
    prescriptions.load_drugs(apps.get_model("hms", "Drug"))


class Migration(migrations.Migration):
    dependencies = [("hms", "0007_clinical")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
