"""Files that patients asked for."""

from hms import export_paper
from hms.domain import exports
from hms.jobs import task


@task("patient.export")
def export_(export):
    """Make the files of everything that is kept of a patient."""
    exports.make(export, paper=export_paper.render)


@task("patient.forget-exports", cron="37 * * * *")
def forget_exports(timestamp=None):
    """Each hour: files that have expired go."""
    exports.forget_old()
