"""What a TLS server rests on."""

from __future__ import annotations

import ssl

from adapters.configuration import Listener


def server_tls(listener: Listener) -> ssl.SSLContext | None:
    """What speaks TLS there; None where the site file names no certificate.

    Raises:
        OSError: certificate and key cannot be read, or are none.
    """
    if listener.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(listener.tls_certificate, listener.tls_key)
    except OSError as error:
        raise OSError(
            f"{listener.tls_certificate} and {listener.tls_key} are no certificate and key: {error}"
        ) from error
    return context
