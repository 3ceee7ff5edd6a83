"""Whose portal this is: read from the session and from nothing else."""

from functools import wraps

from django.shortcuts import redirect

from hms.models import Patient


def own(view):
    """The view gets ``request.patient``; who has not finished registering is led to the questions first."""

    @wraps(view)
    def inner(request, *args, **kwargs):
        request.patient = (
            Patient.objects.select_related("user").defer("medical_history").filter(user_id=request.user.pk).first()
        )
        if request.patient is None:
            return redirect("portal:register")
        return view(request, *args, **kwargs)

    return inner
