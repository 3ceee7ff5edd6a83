from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self):
        from hms.live import register
        from portal import live

        register("portal", live.render)
