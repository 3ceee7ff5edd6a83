from django.apps import AppConfig


class FrontdeskConfig(AppConfig):
    name = "frontdesk"

    def ready(self):
        from frontdesk import displays, live
        from hms.live import register

        register("desk", live.render)
        register("display", displays.render)
