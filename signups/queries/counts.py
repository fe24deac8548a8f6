"""Numbers of sign-ups, by form and state."""

from collections.abc import Collection

from django.db.models import Count

from signups.models import Signup


def by_state(form_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """{form id: {state: number}}, all states of each form, by one query over the index
    `signup_by_form`."""
    found = {pk: dict.fromkeys(Signup.State.values, 0) for pk in form_ids}
    rows = Signup.objects.filter(form__in=form_ids).order_by().values_list("form_id", "state")
    for form_id, state, number in rows.annotate(number=Count("pk")):
        found[form_id][state] = number
    return found
