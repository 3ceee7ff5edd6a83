"""Django's own ASGI handler, to compare our entry with: ``uvicorn bench.django_asgi:application``."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hms.settings")
application = get_asgi_application()
