"""The processes of one service: which of them gets the next call."""

from collections.abc import Collection, Iterable

from services.gateway.circuit import Circuit
from services.gateway.settings import GatewaySettings


class Replica:
    """One address of a service. fit: it called itself ready when it was last asked."""

    def __init__(self, origin: str, settings: GatewaySettings) -> None:
        self.origin = origin
        self.circuit = Circuit(origin, settings.most_failures, settings.circuit_seconds)
        self.fit = True


class Replicas:
    """Takes its members in turn, those that are fit before the others, and none whose circuit is open."""

    def __init__(self, urls: str, settings: GatewaySettings) -> None:
        self.all = [Replica(url.strip().rstrip("/"), settings) for url in urls.split(",")]
        self._next = 0

    def pick(self, tried: Collection[Replica] = ()) -> Replica | None:
        """The next one that has not been `tried` yet; None where there is none that calls may go to."""
        self._next = (self._next + 1) % len(self.all)
        turn = [one for one in self.all[self._next :] + self.all[: self._next] if one not in tried]
        return _first_passing(one for one in turn if one.fit) or _first_passing(one for one in turn if not one.fit)


def _first_passing(replicas: Iterable[Replica]) -> Replica | None:
    return next((one for one in replicas if one.circuit.passes), None)
