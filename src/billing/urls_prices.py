from django.urls import path

from billing.views import prices

urlpatterns = [
    path("", prices.price_list, name="prices"),
    path("new/", prices.price_new, name="price-new"),
    path("import/", prices.prices_import, name="prices-import"),
    path("export/", prices.prices_export, name="prices-export"),
    path("follow-up/", prices.follow_up_new, name="follow-up-new"),
    path("follow-up/<int:pk>/end/", prices.follow_up_end, name="follow-up-end"),
    path("<int:pk>/", prices.price, name="price"),
    path("<int:pk>/end/", prices.price_end, name="price-end"),
]
