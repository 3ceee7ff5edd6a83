from django.apps import AppConfig


class ClinicConfig(AppConfig):
    name = "clinic"

    def ready(self):
        from clinic import live
        from hms.live import register

        register("clinic", live.render)
