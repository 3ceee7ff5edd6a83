"""What the worker does. A file for each subject; each is imported here, so that procrastinate knows its tasks."""

from hms.tasks import billing, exports, keeping, log_seals, mail, visits  # noqa: F401
