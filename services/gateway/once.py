"""`Idempotency-Key` on the gateway's own POSTs: as in the services, in the effect's transaction, and sealed."""

from typing import ClassVar

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from services.gateway.access import EVERYWHERE
from services.gateway.auth import admitted
from services.gateway.keys.seal import Seal
from shared import idempotency
from shared.errors import Conflict
from shared.idempotency import Attempt, OnceRoute


class TokenChanged(Conflict):
    slug, title = "idempotency-token-changed", "The first answer is sealed with another API key"


class SealedAttempt(Attempt):
    """A call that carries a key; its answer, which may hold a secret, is kept so that only its caller can read it."""

    _asynchronous: AsyncSession
    _seal: Seal

    async def begin_sealed(self, request: Request, session: AsyncSession) -> None:
        """Take the key for this transaction; raises as `take` does, and TokenChanged."""
        token = request.headers["authorization"].partition(" ")[2].strip()
        self._asynchronous, self._seal = session, Seal.of(token, self.key)
        who = admitted(request)
        caller = idempotency.caller(who.id, who.on_behalf_of)
        await session.run_sync(idempotency.forget)  # the gateway has no worker that would
        await session.run_sync(self.take, EVERYWHERE, caller)

    async def keep(self, response: Response) -> None:
        if self.taken:
            await self._asynchronous.run_sync(lambda _: self.store(response))

    def closed(self, body: bytes) -> bytes:
        return self._seal.close(body, self.digest)

    def opened(self, stored: bytes) -> bytes:
        body = self._seal.open(stored, self.digest)
        if body is None:
            raise TokenChanged("Another API key of yours made this call. It has had its effect: see what is there.")
        return body


class SealedRoute(OnceRoute):
    """A strict route of the gateway whose POST honours `Idempotency-Key`."""

    attempt: ClassVar[type[Attempt]] = SealedAttempt
