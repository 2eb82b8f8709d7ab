"""Frames out of the door: at once where the frames before have left, else as soon as there is room.

``Connection.send`` of the websockets library serves fragments and slow readers, which costs it more than the frame
itself; ``broadcast`` writes at once, whatever has piled up. One connection to which little is sent needs neither.
"""

from __future__ import annotations

from websockets.asyncio.connection import Connection, broadcast
from websockets.protocol import State


async def send_text(socket: Connection, text: str) -> None:
    """Send a text frame.

    Raises:
        ConnectionClosed: the connection is closed, or closing.
    """
    if socket.state is State.OPEN and socket.transport.get_write_buffer_size() == 0:
        broadcast((socket,), text)
    else:
        await socket.send(text)
