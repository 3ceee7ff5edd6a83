"""A passkey is not removed by somebody whom nothing else would let in."""

from allauth.account.decorators import reauthentication_required
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from django.db import transaction
from django.utils.decorators import method_decorator

from hms.models import User


@method_decorator(reauthentication_required(app="allauth.mfa"), name="dispatch")
class RemoveKey(RemoveWebAuthnView):
    """allauth's page, which would remove the last one too."""

    def only_way_in(self):
        user = self.request.user
        others = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).exclude(pk=self.object.pk)
        return not user.has_usable_password() and not any(key.wrap().is_passwordless for key in others)

    def get_context_data(self, **kwargs):
        return super().get_context_data(**kwargs) | {"only_way_in": self.only_way_in()}

    def form_valid(self, form):
        with transaction.atomic():
            User.objects.select_for_update().get(pk=self.request.user.pk)  # the other key may be removed in another tab
            if not self.only_way_in():
                return super().form_valid(form)
        return self.render_to_response(self.get_context_data(form=form), status=409)


remove_key = RemoveKey.as_view()
