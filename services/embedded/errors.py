"""What stops the embedded stack for a reason that its user can act on."""


class EmbeddedError(Exception):
    """The text says what is wrong and what to do; shown without a traceback, with exit status 1."""
