"""The two ways by which P1 telegrams come: a TCP connection, and a serial device."""

from __future__ import annotations

import asyncio
import fcntl
import os
import termios
import tty
from dataclasses import dataclass
from typing import Final

CONNECT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class TcpLine:
    """A bridge that sends what the meter says to whoever connects, such as ser2net."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
        """Connect; close the transport after use.

        Raises:
            OSError: it cannot be reached.
            UnicodeError: its name is no host name.
        """
        reader = asyncio.StreamReader()
        async with asyncio.timeout(CONNECT_S):
            transport, _ = await asyncio.get_running_loop().create_connection(
                lambda: asyncio.StreamReaderProtocol(reader), self.host, self.port
            )
        return reader, transport


@dataclass(frozen=True, slots=True)
class SerialLine:
    """A serial device with a P1 cable: 115 200 baud, 8 data bits, no parity (DSMR 4 and later)."""

    device: str

    def __str__(self) -> str:
        return self.device

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
        """Open the device for this program alone; close the transport after use.

        Raises:
            OSError: there is no such device, or it may not be read.
        """
        handle = _opened(self.device)
        reader = asyncio.StreamReader()
        # The event loop itself waits for bytes: no thread, and none to end when the device is unplugged.
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(handle, "rb", buffering=0)
        )
        return reader, transport


def _opened(device: str) -> int:
    # Non-blocking: an open that waits for the modem's carrier would wait for ever, as P1 cables have none.
    handle = os.open(device, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        tty.setraw(handle, termios.TCSANOW)
        settings = termios.tcgetattr(handle)
        settings[2] |= termios.CLOCAL | termios.CREAD
        settings[4] = settings[5] = termios.B115200
        termios.tcsetattr(handle, termios.TCSANOW, settings)
        fcntl.ioctl(handle, termios.TIOCEXCL)  # a second reader would steal every other byte
    except (OSError, termios.error) as error:
        os.close(handle)
        raise OSError(*error.args) from error
    return handle
