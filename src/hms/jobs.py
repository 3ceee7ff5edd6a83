"""Work that is done a little later, by ``manage.py worker``: mails, reminders, sweeps, exports.

Jobs are rows (procrastinate), queued in the transaction of what they belong to: rolled back with it, seen when it
commits. A task may run twice (a worker was killed in the middle): it looks at what is there before it acts. The tasks
themselves stand in hms.tasks; whoever queues one names it, so that nothing below needs to import them.
"""

import functools

import pghistory
from django.db import transaction
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status

STALLED = 30  # seconds without a sign of life after which a worker is taken for dead
AGAIN = RetryStrategy(max_attempts=8, exponential_wait=4)  # after 4, 16, 64 s …: about a day in all
KEPT = 24 * 30  # hours that finished jobs are kept, for whoever asks what ran


def later(name, *, at=None, once="", **arguments):
    """Queue the task called ``name`` with JSON-able ``arguments``, in the transaction that runs.

    ``at`` is a moment before which it does not start; of two that wait with the same ``once``, the second is dropped.
    """
    deferrer = app.configure_task(name, schedule_at=at, queueing_lock=once or None)
    if not once:
        deferrer.defer(**arguments)
        return
    try:
        with transaction.atomic():
            deferrer.defer(**arguments)
    except AlreadyEnqueued:
        pass


def task(name, *, cron=None, retry=AGAIN):
    """Decorator: the function does the job called ``name``; with ``cron`` it also runs at these times.

    It gets the arguments it was queued with; one that runs by the clock gets ``timestamp`` (seconds since 1970).
    """

    def decorate(function):
        @functools.wraps(function)
        def run(*args, **kwargs):
            with pghistory.context(job=name):
                return function(*args, **kwargs)

        made = app.task(name=name, retry=retry)(run)
        return app.periodic(cron=cron)(made) if cron else made

    return decorate


async def revive(manager):
    """Queue again what killed workers left undone; returns how many jobs. ``manager`` is procrastinate's."""
    revived = 0
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED):
        try:
            await manager.retry_job_by_id_async(job.id, retry_at=timezone.now())
            revived += 1
        except ConnectorException:  # the same work was queued anew meanwhile and holds the lock: that one will do it
            await manager.finish_job_by_id_async(job.id, status=Status.FAILED, delete_job=True)
    await manager.prune_stalled_workers(STALLED)
    return revived
