"""Django's mail backend, with our own EHLO name. Django itself would send the machine's name."""

import smtplib

from django.core.mail.backends.smtp import EmailBackend as DjangoBackend

from smtp import ehloname


class _Named:
    """Mixin for smtplib's classes; it comes before them in the bases."""

    def ehlo(self, name: str = "") -> tuple[int, bytes]:
        return super().ehlo(name or self._our_name())  # type: ignore[misc,no-any-return]

    def helo(self, name: str = "") -> tuple[int, bytes]:
        return super().helo(name or self._our_name())  # type: ignore[misc,no-any-return]

    def _our_name(self) -> str:
        sock = getattr(self, "sock", None)
        return ehloname.of_socket(sock) if sock is not None else ""


class NamedSMTP(_Named, smtplib.SMTP):
    pass


class NamedSMTPOverTLS(_Named, smtplib.SMTP_SSL):
    pass


class EmailBackend(DjangoBackend):
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return NamedSMTPOverTLS if self.use_ssl else NamedSMTP
