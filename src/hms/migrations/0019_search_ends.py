from django.db import migrations, models
from django.db.models.functions import Collate, Reverse


class Migration(migrations.Migration):
    dependencies = [
        ("hms", "0018_department_names"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(Collate("record_number", "C"), name="patient_number"),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(Collate(Reverse("record_number"), "C"), name="patient_number_end"),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                Collate("phone", "C"), "id", condition=models.Q(("role", "PATIENT")), name="user_phone"
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                Collate(Reverse("phone"), "C"), "id", condition=models.Q(("role", "PATIENT")), name="user_phone_end"
            ),
        ),
    ]
