"""A table body on its way in: spooled within bounds, decompressed within bounds, never held in memory whole."""

import gzip
import io
import tempfile
import zlib
from collections.abc import AsyncIterator
from typing import IO, Annotated, Any, BinaryIO

import pyarrow as pa
from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from shared.errors import BadRequest, TooLarge, UnsupportedMedia
from shared.media import PARQUET, TABLES

ENCODINGS = ("gzip", "zstd")
MOST_BYTES = 256 << 20  # as sent
MOST_DECODED_BYTES = 1 << 30
IN_MEMORY = 1 << 20
PIECE = 1 << 20


class Upload:
    """A body that was received whole. encoding: "" where it came as it is. size: bytes as sent."""

    def __init__(self, media: str, encoding: str, file: IO[bytes], size: int) -> None:
        self.media = media
        self.encoding = encoding
        self.file = file
        self.size = size

    def open(self) -> BinaryIO:
        """The body from its beginning, decompressed; Parquet, which is read from its end, can be sought in.

        Reading raises TooLarge beyond MOST_DECODED_BYTES, and BadRequest where it cannot be decompressed.
        """
        self.file.seek(0)
        whole = _Whole(self.file)
        if not self.encoding:
            return io.BufferedReader(whole, PIECE)
        decoded = io.BufferedReader(_Decoded(whole, self.encoding), PIECE)
        return _seekable(decoded) if self.media == PARQUET else decoded


class _Whole(io.RawIOBase):
    """The file, which stays open when this is closed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._file.seek(offset, whence)
        return self._file.tell()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        piece = self._file.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


class _Decoded(io.RawIOBase):
    def __init__(self, file: io.RawIOBase, encoding: str) -> None:
        self._left = MOST_DECODED_BYTES
        self._encoding = encoding
        stream: Any = gzip.GzipFile(fileobj=file) if encoding == "gzip" else pa.CompressedInputStream(file, encoding)
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            piece = self._stream.read(len(buffer))
        except (OSError, EOFError, zlib.error):
            raise BadRequest(f"The body is no whole {self._encoding}.") from None
        self._left -= len(piece)
        if self._left < 0:
            raise TooLarge(f"A body may hold at most {MOST_DECODED_BYTES} bytes when it is decompressed.")
        buffer[: len(piece)] = piece
        return len(piece)


def _seekable(stream: BinaryIO) -> BinaryIO:
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  closed when the reader lets it go
    while piece := stream.read(PIECE):
        file.write(piece)
    file.seek(0)
    return file  # type: ignore[return-value]


async def _upload(request: Request) -> AsyncIterator[Upload]:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in TABLES:
        raise UnsupportedMedia(f"This call takes {', '.join(TABLES)}.")
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in {"", "identity", *ENCODINGS}:
        raise UnsupportedMedia(f"A body may be encoded as {' or '.join(ENCODINGS)}, or not at all.")
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        size = await _spool(request, file)
        yield Upload(media, "" if encoding == "identity" else encoding, file, size)


async def _spool(request: Request, file: tempfile.SpooledTemporaryFile[bytes]) -> int:
    """Write the body to `file`; TooLarge as soon as it is known to be."""
    too_large = TooLarge(f"A body may hold at most {MOST_BYTES} bytes.")
    if int(request.headers.get("content-length") or 0) > MOST_BYTES:
        raise too_large
    size = 0
    piece = bytearray()
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise too_large
        piece += chunk
        if len(piece) >= PIECE:
            await run_in_threadpool(file.write, piece)
            piece = bytearray()
    await run_in_threadpool(file.write, piece)
    return size


Table = Annotated[Upload, Depends(_upload, scope="function")]
