from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self):
        from billing import live
        from hms.live import register

        register("billing", live.render)
