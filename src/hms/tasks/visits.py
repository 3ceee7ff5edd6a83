"""Letters about visits, and reminders before them."""

from hms.domain import letters
from hms.jobs import task


@task("visit.tell")
def tell(appointment, what, version):
    """Write the letter about one change."""
    letters.write(appointment, what, f"visit:{appointment}:{what}:{version}", version)


@task("visit.remind", cron="5 7-20 * * *")
def remind(timestamp=None):
    """Each hour of the day: whoever is to be reminded and was not yet."""
    letters.remind()
