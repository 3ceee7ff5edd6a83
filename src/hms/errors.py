"""The errors that are meant for a person."""


class DomainError(Exception):
    """A rule said no, in words meant for the person at the screen.

    ``field`` names the form field that caused it, when one did.
    """

    def __init__(self, message, *, field=None):
        super().__init__(message)
        self.field = field


class NeedsReason(DomainError):
    """Allowed, but unusual: say why and it is done (outside working hours, during leave)."""


class SlotTaken(DomainError):
    """Somebody else has this time.

    ``in_the_way`` are the appointments that hold it, ``free_times`` the next slots instead:
    ``[(doctor, start), …]``.
    """

    def __init__(self, message, *, in_the_way=(), free_times=()):
        super().__init__(message)
        self.in_the_way = list(in_the_way)
        self.free_times = list(free_times)


class Stale(DomainError):
    """The row changed since the person looked at it. ``current`` is the row as it is now, where that is known."""

    def __init__(self, message, *, current=None):
        super().__init__(message)
        self.current = current


class StartError(Exception):
    """HMS cannot start; the sentence says why and what to do."""
