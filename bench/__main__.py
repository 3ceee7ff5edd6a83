"""``python -m bench``: measures the hospital over HTTP and says which goals it meets.

``BENCH=large`` measures a hospital of a million patients too; ``BENCH_QUICK=1`` takes a minute and proves nothing.
"""

import os
import resource
import signal
import sys

from bench import data, measure, report
from bench.server import ROOT


def main():
    sys.path[:0] = [str(ROOT / "src")]
    _allow_many_files()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers under test go too
    quick, large = os.environ.get("BENCH_QUICK") == "1", os.environ.get("BENCH") == "large"
    cluster = data.cluster_url()
    sizes = [data.SIZES["100k"]] + ([data.SIZES["1M"]] if large else [])
    hospitals = [data.Hospital(size, cluster) for size in sizes]
    os.environ |= {"DATABASE_URL": hospitals[0].url, "HMS_DEMO": "1", "DJANGO_SETTINGS_MODULE": "hms.settings"}
    import django

    django.setup()
    _gather_static_files()
    bench = measure.Bench(hospitals, quick=quick)
    try:
        bench.run()
    finally:
        bench.close()
    report.show(bench)


def _allow_many_files():
    """A thousand streams are a thousand sockets, here and in the server."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (enough, hard))


def _gather_static_files():
    """Pages name static files by their hash: without the list each name would be looked for, which is slow."""
    from django.conf import settings
    from django.core.management import call_command

    if not (settings.STATIC_ROOT / "staticfiles.json").exists():
        call_command("collectstatic", interactive=False, verbosity=0)


if __name__ == "__main__":
    main()
