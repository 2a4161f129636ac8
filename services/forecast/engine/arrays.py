"""Arrays as .npy bytes: exact, and nothing in them can run."""

from io import BytesIO

import numpy as np

from services.forecast.engine.cells import Floats


def to_bytes(array: Floats) -> bytes:
    stream = BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def from_bytes(raw: bytes) -> Floats:
    found: Floats = np.load(BytesIO(raw), allow_pickle=False)
    return found
