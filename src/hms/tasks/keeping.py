"""The worker's own housekeeping."""

from hms import jobs
from hms.jobs import app


@app.periodic(cron="* * * * *")
@app.task(name="jobs.revive", queueing_lock="jobs.revive", pass_context=True)
async def revive(context, timestamp):
    """What a killed worker left undone is done by those that live."""
    await jobs.revive(context.app.job_manager)


@app.periodic(cron="17 3 * * *")
@app.task(name="jobs.forget", queueing_lock="jobs.forget", pass_context=True)
async def forget(context, timestamp):
    """Finished jobs do not pile up."""
    await context.app.job_manager.delete_old_jobs(
        nb_hours=jobs.KEPT, include_failed=True, include_cancelled=True, include_aborted=True
    )
