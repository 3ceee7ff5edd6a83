"""What the worker does. A file for each subject; each is imported here, so that procrastinate knows its tasks."""

from hms.tasks import billing, keeping, log_seals, mail, privacy, visits  # noqa: F401
