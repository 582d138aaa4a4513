"""The three synthetic vehicles: which ECU sends which message, how often, with what inside.

Arbitration IDs and periods are invented; their spread (30-odd IDs, 10 to 1000 ms, half of
the bus's capacity) is that of passenger cars on a 500 kbit/s bus.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from can_train.dataset.synth.fields import Field, Layout, layout
from can_train.dataset.synth.signals import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One arbitration ID of a vehicle.

    Attributes:
        arbitration_id: 11-bit identifier.
        ecu: Sender.
        layout: What the payload holds.
        period_ms: Time between two frames; for an event-driven message the mean time between
            two events.
        event_driven: Sent when something happens rather than by the clock.
    """

    arbitration_id: int
    ecu: str
    layout: Layout
    period_ms: int
    event_driven: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """A set of messages under a name."""

    name: str
    messages: tuple[Message, ...]


def _signal(name: Signal, bits: int) -> Field:
    return Field(kind="signal", bits=bits, signal=name)


def _status(bits: int) -> Field:
    return Field(kind="status", bits=bits)


def _constant(bits: int, value: int) -> Field:
    return Field(kind="constant", bits=bits, value=value)


_COUNTER: Final = Field(kind="counter", bits=4)
_COUNTER_8: Final = Field(kind="counter", bits=8)
_XOR: Final = Field(kind="xor", bits=8)
_CRC8: Final = Field(kind="crc8", bits=8)

_ENGINE: Final = layout(
    _CRC8, _COUNTER, _status(4), _signal("rpm", 16), _signal("torque", 16),
    _signal("throttle", 8), _constant(8, 0xFF),
)  # fmt: skip
_MOTION: Final = layout(
    _signal("speed", 16), _signal("yaw_rate", 16), _constant(16, 0x7F00), _COUNTER, _status(4), _XOR
)
_WHEELS: Final = layout(*[_signal("speed", 16)] * 4)
_STEERING: Final = layout(
    _signal("steering", 16), _signal("yaw_rate", 12), _COUNTER, _constant(16, 0x0120), _CRC8
)
_BRAKES: Final = layout(_signal("brake", 12), _status(4), _signal("torque", 16), _COUNTER_8, _XOR)
_PEDAL: Final = layout(_signal("throttle", 8), _signal("brake", 8), _COUNTER, _status(4), _XOR)
_GEARBOX: Final = layout(
    _CRC8, _COUNTER_8, _status(4), _constant(4, 0xA), _signal("rpm", 12), _constant(20, 0x00300),
    _signal("torque", 8),
)  # fmt: skip
_BODY: Final = layout(_status(8), _constant(24, 0x400200), _COUNTER, _constant(4, 0))
_CLIMATE: Final = layout(_signal("temperature", 8), _status(4), _constant(12, 0x9A0))
_LAMPS: Final = layout(_status(8), _constant(8, 0x10))
_IDENTITY: Final = layout(_constant(32, 0x31464331), _constant(32, 0x42A09D00))
_ALIVE: Final = layout()

_Row = tuple[int, Layout, int]


def _sent_by(ecu: str, *rows: _Row, event_driven: bool = False) -> tuple[Message, ...]:
    """Messages of one ECU from rows of arbitration ID, layout, period in ms."""
    return tuple(
        Message(
            arbitration_id=arbitration_id,
            ecu=ecu,
            layout=design,
            period_ms=period_ms,
            event_driven=event_driven,
        )
        for arbitration_id, design, period_ms in rows
    )


ALPHA: Final = Vehicle(
    name="alpha",
    messages=(
        *_sent_by("engine", (0x0C1, _ENGINE, 10), (0x0C5, _ENGINE, 10), (0x0C9, _PEDAL, 10),
                  (0x1A1, _GEARBOX, 20), (0x3D1, _CLIMATE, 100)),
        *_sent_by("gearbox", (0x0F1, _GEARBOX, 10), (0x1F5, _GEARBOX, 20), (0x4C9, _BODY, 500)),
        *_sent_by("brakes", (0x0D1, _MOTION, 10), (0x0D3, _WHEELS, 10), (0x0E1, _BRAKES, 10),
                  (0x17D, _BRAKES, 20), (0x348, _WHEELS, 20), (0x34A, _MOTION, 20)),
        *_sent_by("steering", (0x0E5, _STEERING, 10), (0x1E5, _STEERING, 10),
                  (0x2F9, _BODY, 50)),
        *_sent_by("chassis", (0x180, _MOTION, 10), (0x184, _WHEELS, 10), (0x1C3, _PEDAL, 20),
                  (0x214, _MOTION, 20), (0x2C3, _BRAKES, 50)),
        *_sent_by("airbag", (0x0AA, _ALIVE, 1000), (0x120, _LAMPS, 100), (0x12A, _BODY, 100)),
        *_sent_by("body", (0x135, _BODY, 100), (0x137, _LAMPS, 100), (0x1F1, _BODY, 100),
                  (0x3F1, _CLIMATE, 200), (0x4E1, _IDENTITY, 1000), (0x514, _IDENTITY, 1000)),
        *_sent_by("cluster", (0x32A, _LAMPS, 700), (0x3E9, _BODY, 1500), (0x52A, _ALIVE, 4000),
                  event_driven=True),
    ),
)  # fmt: skip

BRAVO: Final = Vehicle(
    name="bravo",
    messages=(
        *_sent_by("engine", (0x110, _ENGINE, 10), (0x115, _PEDAL, 10), (0x118, _GEARBOX, 20),
                  (0x329, _CLIMATE, 100), (0x545, _CLIMATE, 200)),
        *_sent_by("gearbox", (0x111, _GEARBOX, 10), (0x112, _GEARBOX, 20)),
        *_sent_by("brakes", (0x153, _MOTION, 10), (0x164, _BRAKES, 10), (0x1F1, _WHEELS, 20),
                  (0x220, _MOTION, 10), (0x386, _WHEELS, 20), (0x394, _BRAKES, 20)),
        *_sent_by("steering", (0x2B0, _STEERING, 10), (0x381, _STEERING, 20),
                  (0x390, _BODY, 50)),
        *_sent_by("chassis", (0x251, _MOTION, 20), (0x260, _ENGINE, 10), (0x2A0, _WHEELS, 20),
                  (0x316, _ENGINE, 10), (0x340, _PEDAL, 20), (0x367, _BRAKES, 50)),
        *_sent_by("airbag", (0x0A0, _LAMPS, 100), (0x0A1, _ALIVE, 1000), (0x350, _BODY, 100)),
        *_sent_by("body", (0x410, _BODY, 100), (0x436, _LAMPS, 100), (0x50C, _CLIMATE, 200),
                  (0x4B0, _IDENTITY, 500), (0x5A0, _IDENTITY, 1000), (0x5A2, _BODY, 500)),
        *_sent_by("cluster", (0x429, _LAMPS, 900), (0x490, _BODY, 2000), (0x52A, _ALIVE, 5000),
                  event_driven=True),
    ),
)  # fmt: skip

CHARLIE: Final = Vehicle(
    name="charlie",
    messages=(
        *_sent_by("engine", (0x08B, _ENGINE, 10), (0x09D, _PEDAL, 10), (0x0A7, _ENGINE, 20),
                  (0x2E4, _CLIMATE, 100), (0x3B4, _CLIMATE, 500)),
        *_sent_by("gearbox", (0x0B6, _GEARBOX, 10), (0x1D6, _GEARBOX, 20), (0x36C, _BODY, 200)),
        *_sent_by("brakes", (0x0BA, _WHEELS, 10), (0x0BB, _BRAKES, 10), (0x0BC, _MOTION, 10),
                  (0x1CE, _MOTION, 20), (0x1DE, _WHEELS, 20), (0x224, _BRAKES, 20)),
        *_sent_by("steering", (0x025, _STEERING, 10), (0x266, _STEERING, 20)),
        *_sent_by("chassis", (0x0D7, _MOTION, 10), (0x1AE, _WHEELS, 10), (0x20E, _ENGINE, 10),
                  (0x23A, _MOTION, 20), (0x283, _PEDAL, 20), (0x2D8, _BRAKES, 20),
                  (0x38E, _BODY, 50)),
        *_sent_by("airbag", (0x05F, _LAMPS, 100), (0x0B1, _ALIVE, 500), (0x3B6, _BODY, 100)),
        *_sent_by("body", (0x403, _BODY, 100), (0x41E, _LAMPS, 100), (0x44D, _BODY, 200),
                  (0x4CB, _IDENTITY, 1000), (0x5C2, _IDENTITY, 1000)),
        *_sent_by("cluster", (0x3F4, _LAMPS, 800), (0x52A, _ALIVE, 4000), (0x620, _BODY, 1800),
                  event_driven=True),
    ),
)  # fmt: skip

VEHICLES: Final[dict[str, Vehicle]] = {car.name: car for car in (ALPHA, BRAVO, CHARLIE)}
