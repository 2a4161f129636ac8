import asyncio

import pytest

from services.gateway.freshness import Fresh


class Source:
    """Answers with how often it was asked, once it may."""

    def __init__(self):
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()

    async def read(self, key):
        self.asked += 1
        answer = self.asked
        await self.open.wait()
        return None if key == "absent" else answer


def run(scenario):
    asyncio.run(asyncio.wait_for(scenario, 10))


def test_a_value_is_read_once_while_it_is_fresh():
    async def scenario():
        source = Source()
        fresh = Fresh(source.read, 60)
        assert [await fresh.get("a"), await fresh.get("a"), await fresh.get("b")] == [1, 1, 2]

    run(scenario())


def test_a_value_is_read_again_when_it_is_no_longer_fresh():
    async def scenario():
        source = Source()
        fresh = Fresh(source.read, 0.02)
        assert await fresh.get("a") == 1
        await asyncio.sleep(0.03)
        assert await fresh.get("a") == 2

    run(scenario())


def test_concurrent_callers_share_one_read_and_survive_each_other():
    async def scenario():
        source = Source()
        source.open.clear()
        fresh = Fresh(source.read, 60)
        callers = [asyncio.create_task(fresh.get("a")) for _ in range(50)]
        await asyncio.sleep(0)
        callers[0].cancel()
        source.open.set()
        assert await asyncio.gather(*callers[1:]) == [1] * 49
        assert source.asked == 1

    run(scenario())


def test_what_is_absent_is_asked_for_each_time():
    async def scenario():
        source = Source()
        fresh = Fresh(source.read, 60)
        assert [await fresh.get("absent"), await fresh.get("absent")] == [None, None]
        assert source.asked == 2

    run(scenario())


def test_a_read_from_before_a_change_is_not_kept():
    async def scenario():
        source = Source()
        source.open.clear()
        fresh = Fresh(source.read, 60)
        before = asyncio.create_task(fresh.get("a"))
        await asyncio.sleep(0)
        fresh.forget()
        after = asyncio.create_task(fresh.get("a"))
        await asyncio.sleep(0)
        source.open.set()
        assert [await before, await after, await fresh.get("a")] == [1, 2, 2]

    run(scenario())


def test_a_failed_read_is_the_callers_and_is_tried_again():
    async def scenario():
        answers = iter([OSError("away"), 7])

        async def read(_):
            answer = next(answers)
            if isinstance(answer, OSError):
                raise answer
            return answer

        fresh = Fresh(read, 60)
        with pytest.raises(OSError, match="away"):
            await fresh.get("a")
        assert await fresh.get("a") == 7

    run(scenario())


def test_it_holds_no_more_than_it_may():
    async def scenario():
        source = Source()
        fresh = Fresh(source.read, 60, most=3)
        for key in "abcd":
            await fresh.get(key)
        assert await fresh.get("d") == 4
        assert await fresh.get("a") == 5

    run(scenario())
