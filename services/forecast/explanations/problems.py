"""Why a forecast cannot be explained."""

from shared.errors import Conflict, Unavailable, Unprocessable


class NothingToExplain(Conflict):
    slug, title = "nothing-to-explain", "Not a forecast of our models"


class NotExplained(Conflict):
    slug, title = "not-explained", "The forecast has no explanations of all"


class ModelAway(Conflict):
    slug, title = "model-away", "The model's files are not at hand"


class NotComparable(Unprocessable):
    slug, title = "not-comparable", "These forecasts cannot be compared"


class TooManyExplanations(Unavailable):
    slug, title = "too-many-explanations", "Too many explanations are asked for"
