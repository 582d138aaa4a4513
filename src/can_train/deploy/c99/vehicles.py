"""Tables of the vehicles that a detector knows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from can_train.deploy.c99.margins import Needed, margins_of
from can_train.deploy.c99.source import CSource, literal
from can_train.detectors.known_vehicle import KnownVehicles
from can_train.errors import ArtifactError
from can_train.vehicle.profile import Step, VehicleProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleSizes:
    """Numbers of vehicles, of all rows of their profiles, and of the most rows of one."""

    vehicles: int = 0
    rows: int = 0
    most_rows: int = 1


def add_vehicles(source: CSource, known: KnownVehicles | None, asked: Needed) -> VehicleSizes:
    """Writes the profiles `ct_vehicles`, if there are any.

    Raises:
        ArtifactError: A profile is of CAN FD traffic.
    """
    if known is None:
        return VehicleSizes()
    rows, first = [], 0
    for number, profile in enumerate(known.profiles):
        rows.append(_vehicle(source, f"vehicle_{number}", profile, first))
        first += len(profile)
    source.add("const ct_vehicle ct_vehicles[CT_VEHICLES] = {\n" + ",\n".join(rows) + "\n};\n")
    margins = margins_of(source, "vehicle", known.evidence.benign, asked)
    source.add(f"const ct_margins ct_vehicle_margins = {margins};\n")
    most = max(len(profile) for profile in known.profiles)
    return VehicleSizes(vehicles=len(known.profiles), rows=first, most_rows=most)


def _vehicle(source: CSource, name: str, profile: VehicleProfile, first: int) -> str:
    """Writes one profile; gives its `ct_vehicle`."""
    known = profile.known
    if known.constant.shape[1] != 1:
        raise ArtifactError(
            f"vehicle profile of {profile.vehicle}: of CAN FD traffic; the C detector takes "
            f"classic CAN. Train on classic CAN, or export another format"
        )
    ids = source.array(f"{name}_ids", "uint32_t", known.ids, f"IDs of {profile.vehicle}")
    familiar = source.array(
        f"{name}_familiar", "uint32_t", profile.familiar, f"all IDs that {profile.vehicle} sends"
    )
    told = f"/* What is usual of the IDs of {profile.vehicle}; fields: ct_profile_row. */"
    rows = ",\n".join(_row(profile, row) for row in range(len(profile)))
    source.add(f"{told}\nstatic const ct_profile_row {name}[] = {{\n{rows}\n}};\n")
    return f"    {{{ids}, {name}, {familiar}, {len(profile)}, {len(profile.familiar)}, {first}}}"


def _row(profile: VehicleProfile, row: int) -> str:
    known = profile.known
    step = known.counter[row]
    pairs = (
        f"{{{', '.join(literal(float(value)) for value in column[row])}}}"
        for column in (known.low, known.high, known.unit)
    )
    words = (
        f"UINT64_C(0x{int(word):016x})"
        for word in (known.constant[row, 0], known.value[row, 0], known.lengths[row])
    )
    numbers = (step[Step.MODULUS], step[Step.SIZE], step[Step.BYTE], step[Step.SHIFT])
    flags = (known.fixed[row], known.punctual[row], known.core[row])
    fields = [
        repr(float(np.float64(known.period[row]))),
        *pairs,
        *words,
        *(str(int(number)) for number in numbers),
        *("true" if flag else "false" for flag in flags),
    ]
    return f"    {{{', '.join(fields)}}}"
