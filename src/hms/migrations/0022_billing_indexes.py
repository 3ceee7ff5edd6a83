from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('hms', '0021_shared_phrases'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='allocation',
            name='allocation_invoice',
        ),
        migrations.RemoveIndex(
            model_name='payment',
            name='payment_received',
        ),
        migrations.AddIndex(
            model_name='allocation',
            index=models.Index(fields=['invoice'], include=('amount', 'at'), name='allocation_invoice'),
        ),
        migrations.AddIndex(
            model_name='invoice',
            index=models.Index(condition=models.Q(('status', 'PAID')), fields=['paid_date', 'issued_on'], name='invoice_paid'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['received_at', 'id'], name='payment_received'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['value', 'id'], name='payment_value'),
        ),
    ]
