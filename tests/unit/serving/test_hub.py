"""A slow client costs a bounded queue, is told what it missed, and is cut off in the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from can_train.serving.hub import Hub, HubClient, HubIsFull, encoded

EVENTS = [{"type": "alarm", "number": 1}]


def client(cuts: list[str] | None = None, room: int = 4, clock=lambda: 0.0) -> HubClient:
    said = [] if cuts is None else cuts
    return HubClient(cut=lambda: said.append("cut"), caught_up=lambda: EVENTS, room=room,
                     clock=clock)  # fmt: skip


def decoded(messages: bytes | None) -> Iterator[tuple[str, Any]]:
    assert messages is not None
    for message in messages.decode().strip().split("\n\n"):
        name, data = message.split("\n")
        yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def numbers(messages: bytes | None) -> list[int]:
    return [data["n"] for name, data in decoded(messages) if name == "tick"]


def ticks(*found: int) -> list[dict[str, Any]]:
    return [{"type": "tick", "n": n} for n in found]


def test_an_event_is_one_line_whatever_is_in_it() -> None:
    hostile = "a\n\nevent: alarm\ndata: {}\r\u2028</script>\0"
    message = encoded({"type": "note", "text": hostile})
    assert message.count(b"\n") == 3 and b"\r" not in message
    assert list(decoded(message)) == [("note", {"type": "note", "text": hostile})]
    with pytest.raises(ValueError, match="Out of range"):
        encoded({"type": "note", "margin": float("nan")})


def test_everybody_gets_every_message_in_order() -> None:
    async def check() -> None:
        hub, both = Hub(), [client(), client()]
        for each in both:
            hub.join(each)
        hub.publish(ticks(1, 2))
        hub.publish(ticks(3))
        for each in both:
            assert numbers(await each.take()) == [1, 2, 3]
            assert each.missed == 0
        waiting = asyncio.create_task(both[0].take())
        await asyncio.sleep(0)
        hub.publish(ticks(4))
        assert numbers(await waiting) == [4]

    asyncio.run(check())


def test_the_oldest_go_and_the_client_is_told_how_many_with_the_alarms_so_far() -> None:
    async def check() -> None:
        hub, slow = Hub(), client()
        hub.join(slow)
        hub.publish(ticks(*range(10)))
        messages = await slow.take()
        assert numbers(messages) == [6, 7, 8, 9]
        assert next(decoded(messages)) == (
            "missed",
            {"type": "missed", "total": 6, "events": EVENTS},
        )
        hub.publish(ticks(10))
        assert [name for name, _ in decoded(await slow.take())] == ["tick"]

    asyncio.run(check())


def test_who_takes_nothing_is_cut_off_and_nobody_else() -> None:
    async def check() -> None:
        now, cuts = [0.0], list[str]()
        hub = Hub(patience_s=30.0)
        stuck, fine = client(cuts, clock=lambda: now[0]), client(cuts, clock=lambda: now[0])
        for each in (stuck, fine):
            hub.join(each)
        for second in range(31):
            now[0] = float(second)
            hub.publish(ticks(second))
            assert numbers(await fine.take()) == [second]
        assert (len(hub), cuts) == (2, [])
        now[0] = 31.0
        hub.publish(ticks(31))
        assert (len(hub), cuts, hub.cut_off) == (1, ["cut"], 1)
        await stuck.take()
        assert await stuck.take() is None

    asyncio.run(check())


def test_who_waits_for_messages_isnt_slow() -> None:
    async def check() -> None:
        now, cuts = [0.0], list[str]()
        hub, idle = Hub(patience_s=1.0), client(cuts, clock=lambda: now[0])
        hub.join(idle)
        waiting = asyncio.create_task(idle.take())
        await asyncio.sleep(0)
        now[0] = 100.0
        hub.publish([])
        assert cuts == []
        hub.publish(ticks(1))
        assert numbers(await waiting) == [1]

    asyncio.run(check())


def test_there_are_only_so_many_and_closing_ends_them_all() -> None:
    async def check() -> None:
        hub, first = Hub(most=1), client()
        hub.join(first)
        with pytest.raises(HubIsFull):
            hub.join(client())
        hub.leave(first)
        second = client()
        hub.join(second)
        hub.publish(ticks(1))
        hub.close()
        assert numbers(await second.take()) == [1]
        assert await second.take() is None

    asyncio.run(check())
