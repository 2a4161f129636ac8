"""What is wrong with overlays."""

from shared.errors import Unprocessable


class UnreadDriver(Unprocessable):
    slug, title = "unread-driver", "The model does not read this driver ahead"


class OverlaysTooLarge(Unprocessable):
    slug, title = "overlays-too-large", "Overlays lead beyond the largest number"
