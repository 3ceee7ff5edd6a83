"""``manage.py worker``: do the jobs that wait, until told to stop. Any number may run, on any machine."""

import asyncio

from django.core.management.base import BaseCommand
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.psycopg_connector import PsycopgConnector

from hms import jobs
from hms.server import direct_connection


class Command(BaseCommand):
    help = "Do the jobs that wait (mails, reminders, sweeps, exports), until stopped."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="end when no job waits any more")

    def handle(self, *, once, **options):
        with direct_connection():  # LISTEN needs a connection of its own
            parameters = connector_params()
        connector = PsycopgConnector(kwargs=parameters, min_size=1, max_size=4)
        asyncio.run(self._work(app.with_connector(connector), wait=not once))

    async def _work(self, worker_app, *, wait):
        async with worker_app.open_async():
            await jobs.revive(worker_app.job_manager)
            await worker_app.run_worker_async(
                wait=wait,
                concurrency=2,
                fetch_job_polling_interval=5,
                shutdown_graceful_timeout=5,
                update_heartbeat_interval=jobs.STALLED / 3,
                stalled_worker_timeout=jobs.STALLED,
                delete_jobs="never",
            )
