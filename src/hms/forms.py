"""How forms are drawn: ``{{ form }}`` and ``{{ form.email.as_field_group }}`` come out in our own look."""

from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    form_template_name = "hms/_form.html"
    field_template_name = "hms/_field.html"
