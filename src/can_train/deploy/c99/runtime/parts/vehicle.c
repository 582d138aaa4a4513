/* ---- Profiles of vehicles --------------------------------------------------------------------
 *
 * Says how far a frame is from what is usual on a vehicle that the detector was trained on, and
 * nothing on others. Each profile knows how the vehicle's IDs tick and what never changes in them.
 */

#define CT_SILENT (-10.0) /* nothing is said of a frame */

#if CT_VEHICLES > 0

#define CT_PROFILE_MEMORY 20    /* frames of an ID over which its timing runs */
#define CT_EARLY 0.5            /* intervals, in periods, beyond which a rhythm is broken */
#define CT_LATE 1.5
#define CT_LEFT_OVER 0.875      /* share of a blame that is left after one more frame */
#define CT_BELIEVED_AFTER 20    /* payloads in a row that have to keep the rules */
#define CT_FEWEST_BITS 6u       /* constant bits that have to change at once */
#define CT_FOREIGN_PART 4u      /* more than one constant bit in so many: another vehicle */
#define CT_BUS_WIDE_SHARE 0.8f  /* what so many IDs do at once is held against none */
#define CT_OFFBEAT 0.2f         /* |ln(interval / period)| of an ID that isn't sent as usual */
#define CT_TICK_FRAMES 32u      /* frames from one judgement of the vehicle to the next */
#define CT_STRETCH_S 0.25       /* an ID is there in a stretch of this length */
#define CT_SURE_AFTER_S 2.0     /* nothing is said before */
#define CT_OPENS_AT 0.8f        /* share of conforming core IDs from which it is the vehicle */
#define CT_CLOSES_AT 0.6f       /* and below which it isn't any more */
#define CT_MOST_FOREIGN 0.1f    /* IDs of others that are always there, per core ID */
#define CT_FEWEST_SEEN 8u       /* frames of a conforming ID */
#define CT_MOST_SEEN 0x40000000u /* counts are halved there: shares stay what they are */

/* Index of an ID among ascending ones, or -1. */
static int16_t ct_found(const uint32_t *ids, uint16_t count, uint32_t id)
{
    uint16_t low = 0;
    uint16_t high = count;
    while (low < high) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if (ids[middle] < id) {
            low = (uint16_t)(middle + 1);
        } else {
            high = middle;
        }
    }
    return low < count && ids[low] == id ? (int16_t)low : (int16_t)-1;
}

static void ct_look_up(ct_slot *slot)
{
    for (uint16_t number = 0; number < CT_VEHICLES; number++) {
        const ct_vehicle *vehicle = &ct_vehicles[number];
        slot->row[number] = ct_found(vehicle->ids, vehicle->rows, slot->id);
        slot->familiar[number] =
            ct_found(vehicle->familiar, vehicle->familiar_ids, slot->id) >= 0;
    }
}

/* A frame out of its ID's rhythm. The interval after it isn't counted: it starts anywhere. */
static double ct_break(ct_watched *watched, const ct_profile_row *row, double now_s)
{
    watched->last_s = now_s;
    watched->deviation = CT_SILENT;
    watched->intervals++;
    watched->offbeat++;
    watched->undisturbed = -1;
    watched->breaks += 1.0;
    return row->punctual ? watched->breaks - 0.5 : CT_SILENT;
}

static double ct_deviation(float trait, float low, float high, float unit)
{
    return ct_larger_double((double)trait - high, (double)low - trait) / unit;
}

/* Updates the timing of one ID; how far it is from usual, or CT_SILENT. */
static double ct_timing(ct_watched *watched, const ct_profile_row *row, double bus_wide,
                        double now_s)
{
    if (watched->seen == CT_MOST_SEEN) {
        watched->seen /= 2u;
        watched->strange /= 2u;
        watched->intervals /= 2u;
        watched->offbeat /= 2u;
    }
    watched->seen++;
    if (watched->seen == 1) {
        watched->last_s = now_s;
        watched->deviation = CT_SILENT;
        return CT_SILENT;
    }
    double interval = (now_s - watched->last_s) / row->period_s;
    watched->breaks *= CT_LEFT_OVER;
    if (interval < CT_EARLY || interval > CT_LATE) {
        return ct_break(watched, row, now_s);
    }
    watched->last_s = now_s;
    watched->intervals++;
    if (watched->undisturbed < CT_PROFILE_MEMORY) {
        watched->undisturbed++;
    }
    if (watched->undisturbed <= 0) {
        return CT_SILENT;
    }
    bool remembered = watched->undisturbed >= CT_PROFILE_MEMORY;
    double share = 1.0 / (remembered ? CT_PROFILE_MEMORY : watched->undisturbed);
    watched->mean += share * (interval - watched->mean);
    double off = interval - watched->mean;
    watched->jitter += share * ((off < 0.0 ? -off : off) - watched->jitter);
    float drift = ct_log((float)watched->mean);
    watched->offbeat += drift > CT_OFFBEAT || drift < -CT_OFFBEAT ? 1u : 0u;
    if (!remembered) {
        return CT_SILENT;
    }
    double timing = ct_deviation(drift, row->low[0], row->high[0], row->unit[0]);
    double jitter =
        ct_deviation((float)watched->jitter, row->low[1], row->high[1], row->unit[1]);
    watched->deviation = ct_larger_double(CT_SILENT, ct_larger_double(timing, jitter));
    return ct_larger_double(CT_SILENT, watched->deviation - ct_larger_double(0.0, bus_wide));
}

/* Whether the ID's counter goes on from its last value, or from the last one that did. */
static bool ct_counts_on(ct_watched *watched, const ct_profile_row *row, uint64_t payload)
{
    if (row->modulus == 0) {
        return true;
    }
    int32_t byte = (int32_t)((payload >> (8u * row->byte)) & 0xffu);
    int32_t value = (byte >> row->shift) % row->modulus;
    bool goes_on = watched->seen == 1 ||
                   value == (watched->counter + row->step) % row->modulus ||
                   value == (watched->reference + row->step) % row->modulus;
    if (goes_on) {
        watched->reference = value;
    }
    watched->counter = value;
    return goes_on;
}

/* How often the ID's payload broke a rule of late, if this frame's does; else CT_SILENT. */
static double ct_blame(ct_watched *watched, const ct_profile_row *row, uint64_t payload,
                       uint8_t dlc)
{
    bool strange = ((row->lengths >> dlc) & 1u) == 0u;
    uint32_t changed = ct_ones((payload ^ row->value) & row->constant);
    watched->strange += strange || changed * CT_FOREIGN_PART > ct_ones(row->constant) ? 1u : 0u;
    bool broken = strange || (row->fixed && changed >= CT_FEWEST_BITS);
    broken = !ct_counts_on(watched, row, payload) || broken;
    watched->blame *= CT_LEFT_OVER;
    if (watched->kept < CT_BELIEVED_AFTER) {
        watched->kept = broken ? 0 : watched->kept + 1;
        return CT_SILENT;
    }
    if (!broken) {
        return CT_SILENT;
    }
    watched->blame += 1.0;
    return watched->blame;
}

/* The deviation that most core IDs share. */
static double ct_bus_wide(const ct_watched *watched, const ct_vehicle *vehicle)
{
    double ordered[CT_MOST_ROWS];
    uint16_t count = 0;
    for (uint16_t row = 0; row < vehicle->rows; row++) {
        if (!vehicle->profile[row].core || watched[row].undisturbed < CT_PROFILE_MEMORY) {
            continue;
        }
        uint16_t at = count++;
        for (; at > 0 && ordered[at - 1] > watched[row].deviation; at--) {
            ordered[at] = ordered[at - 1];
        }
        ordered[at] = watched[row].deviation;
    }
    if (count == 0) {
        return 0.0;
    }
    uint16_t at = (uint16_t)(CT_BUS_WIDE_SHARE * (float)count + 1e-4f);
    return ordered[at < count ? at : count - 1];
}

/* Whether the stream so far is the vehicle's; between both shares it stays as it was. */
static bool ct_same_vehicle(const ct_state *state, uint16_t number, double elapsed_s)
{
    const ct_vehicle *vehicle = &ct_vehicles[number];
    const ct_watched *watched = &state->watched[vehicle->first_row];
    float core = 0.0f;
    float conforming = 0.0f;
    float there = 0.0f;
    if (elapsed_s < CT_SURE_AFTER_S) {
        return false;
    }
    for (uint16_t row = 0; row < vehicle->rows; row++) {
        const ct_watched *of = &watched[row];
        if (vehicle->profile[row].core) {
            core += 1.0f;
            conforming += of->seen >= CT_FEWEST_SEEN && 2u * of->strange <= of->seen &&
                                  2u * of->offbeat <= of->intervals
                              ? 1.0f
                              : 0.0f;
        }
    }
    for (uint16_t slot = 0; slot < state->slot_count; slot++) {
        const ct_slot *of = &state->slots[slot];
        bool constantly = (double)of->stretches >= 0.5 * elapsed_s / CT_STRETCH_S;
        there += constantly && !of->familiar[number] ? 1.0f : 0.0f;
    }
    if (core < 1.0f || there > CT_MOST_FOREIGN * core || conforming < CT_CLOSES_AT * core) {
        return false;
    }
    return conforming >= CT_OPENS_AT * core || state->gates[number].open;
}

/* The largest deviation of a frame from any profile. */
static double ct_watch(ct_state *state, const ct_seen *seen, double now_s, uint64_t payload,
                       uint8_t dlc)
{
    ct_slot *slot = &state->slots[seen->slot];
    double elapsed_s = now_s - state->bus.start_s;
    double most = CT_SILENT;
    uint32_t stretch = (uint32_t)(ct_clip_double(elapsed_s, 0.0, 1e9) / CT_STRETCH_S) + 1u;
    if (slot->latest_stretch != stretch) {
        slot->stretches++;
        slot->latest_stretch = stretch;
    }
    for (uint16_t number = 0; number < CT_VEHICLES; number++) {
        const ct_vehicle *vehicle = &ct_vehicles[number];
        ct_watched *watched = &state->watched[vehicle->first_row];
        ct_gate *gate = &state->gates[number];
        int16_t at = slot->row[number];
        if (at >= 0) {
            const ct_profile_row *row = &vehicle->profile[at];
            double timing = ct_timing(&watched[at], row, gate->bus_wide, now_s);
            double blame = ct_blame(&watched[at], row, payload, dlc);
            if (gate->open) {
                most = ct_larger_double(most, ct_larger_double(timing, blame));
            }
        }
        if (state->counts.frames % CT_TICK_FRAMES == 0) {
            gate->bus_wide = ct_bus_wide(watched, vehicle);
            gate->open = ct_same_vehicle(state, number, elapsed_s);
        }
    }
    return most;
}

#endif
