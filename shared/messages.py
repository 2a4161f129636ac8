"""An Arrow stream message by message, so that what is compressed inside it is bounded before it unfolds.

A buffer says in its first eight bytes how long it becomes, and pyarrow allocates that much. Where buffers begin is said
by the message's head, a FlatBuffer that pyarrow has verified but does not show. Source: `Message.fbs` of Apache Arrow.
"""

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

from shared.errors import TooLarge

# Fields by their place in their table.
KIND, HEADER = 1, 2  # of Message
DICTIONARY, ROWS = 2, 3  # kinds of message
DATA = 1  # of DictionaryBatch
BUFFERS, COMPRESSION = 2, 3  # of RecordBatch


class Messages(io.RawIOBase):
    """The same stream again. Reading raises TooLarge where its buffers become more than `most` bytes together."""

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._messages = pa.ipc.MessageReader.open_stream(stream)
        self._most = most
        self._left = most
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._piece:
            self._piece = self._next()
        size = min(len(buffer), len(self._piece))
        buffer[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        return size

    def _next(self) -> memoryview:
        try:
            message = self._messages.read_next_message()
        except StopIteration:
            return memoryview(b"")
        self._left -= sum(_unfolded(message))
        if self._left < 0:
            raise TooLarge(f"A body may hold at most {self._most} bytes when it is decompressed.")
        return memoryview(message.serialize()).cast("B")


def _unfolded(message: pa.ipc.Message) -> Iterator[int]:
    """What each compressed buffer of a message becomes, in bytes; nothing where none is compressed."""
    head = memoryview(message.metadata).cast("B")
    body = memoryview(message.body or b"").cast("B")
    table = _Table(head, _number("<I", head, 0))
    kind = table.place(KIND)
    if kind is None or head[kind] not in {DICTIONARY, ROWS}:
        return
    batch = table.inner(HEADER) if head[kind] == ROWS else table.inner(HEADER).inner(DATA)
    found = batch.place(BUFFERS)
    if found is None or batch.place(COMPRESSION) is None:
        return
    start = found + _number("<I", head, found)
    for number in range(_number("<I", head, start)):
        offset, length = struct.unpack_from("<qq", head, start + 4 + 16 * number)
        if length:
            yield max(_number("<q", body, offset), 0)  # -1: this one is not compressed


class _Table:
    """A table of a FlatBuffer: a list of places says where its fields are."""

    def __init__(self, head: memoryview, at: int) -> None:
        self._head = head
        self._at = at
        self._places = at - _number("<i", head, at)

    def place(self, field: int) -> int | None:
        """Where a field is; None where it is not there."""
        entry = 4 + 2 * field
        if entry >= _number("<H", self._head, self._places):
            return None
        offset = _number("<H", self._head, self._places + entry)
        return self._at + offset if offset else None

    def inner(self, field: int) -> "_Table":
        """The table that a field refers to."""
        place = self.place(field)
        if place is None:
            raise pa.ArrowInvalid("a message without its content")
        return _Table(self._head, place + _number("<I", self._head, place))


def _number(kind: str, memory: memoryview, at: int) -> int:
    try:
        return int(struct.unpack_from(kind, memory, at)[0])
    except struct.error:
        raise pa.ArrowInvalid("a message that refers to what is not in it") from None
