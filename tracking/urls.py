"""Public addresses; sending.publicurls makes them."""

from django.urls import path

from sending.publicurls import PREFIX
from tracking import views

urlpatterns = [
    path(f"{PREFIX}/u/<slug:token>", views.unsubscribe, name="public_unsubscribe"),
    path(f"{PREFIX}/v/<slug:token>", views.view_mail, name="public_view"),
    path(f"{PREFIX}/o/<slug:token>.gif", views.open_pixel, name="public_open"),
    path(f"{PREFIX}/c/<slug:token>/<int:number>", views.click, name="public_click"),
    path(
        f"{PREFIX}/c/<slug:token>/<int:number>/<slug:signed>",
        views.click,
        name="public_personal_click",
    ),
]
