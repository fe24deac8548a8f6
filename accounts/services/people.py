"""Changes that people make to their own account."""

from accounts.models import User


def change(user: User, *, name: str, timezone: str, language: str) -> None:
    """`language` is a code of settings.LANGUAGES, or "" for the browser's language."""
    user.name, user.timezone, user.language = name, timezone, language
    user.save(update_fields=["name", "timezone", "language"])


def change_password(user: User, password: str) -> None:
    """Sets the password. Every other session of the person ends."""
    user.set_password(password)
    user.save(update_fields=["password"])
