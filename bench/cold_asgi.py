"""Our entry, but nothing of the day board is kept: every card is drawn at each request."""

from hms.asgi import application  # noqa: I001 (first: it sets Django up)
from frontdesk import board

__all__ = ["application"]

for kept in (board._boards, board._columns, board._staff, board._choices):
    kept.size = 0
