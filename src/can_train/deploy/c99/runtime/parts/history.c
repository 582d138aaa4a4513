/* ---- History ---------------------------------------------------------------------------------
 *
 * Compares each frame with its ID's own past and adds it to that past. Once an ID has been seen
 * often enough, a frame moves its means by a bounded amount: nobody can rewrite the past.
 */

#define CT_WARM_UP_S 5.0          /* every ID is new for so long, and novelty says nothing */
#define CT_NOVELTY_FRAMES 20      /* an ID stops being new once it was seen this often */
#define CT_NOVELTY_S 5.0          /* and for this long */
#define CT_MEMORY_FRAMES 4096     /* horizon of running means */
#define CT_SPREAD_FRAMES 512      /* horizon of deviations */
#define CT_BUS_MEMORY 65536u      /* horizon of the bus's mean gap */
#define CT_MIN_HISTORY 4          /* intervals before an ID is compared with its past */
#define CT_PERIODIC_VARIATION 0.3 /* deviation / mean below which an ID is periodic */
#define CT_OVERDUE_PERIODS 3.0    /* a periodic ID is missing so many periods after it was due */
#define CT_OVERDUE_S 10.0         /* until so long afterwards */
#define CT_SHORTEST_PERIOD_S 4e-3 /* an ID counts for no more of the bus's expected rate */
#define CT_LONGEST_GAP_S 1.0      /* a longer silence of the bus is a pause */
#define CT_ROBUST_LIMIT 3.0       /* deviations that the mean takes in at most */
#define CT_ROBUST_BITS 8.0        /* surprising bits that the mean takes in at most */
#define CT_TIME_FLOOR_S 1e-5      /* resolution of recorders */
#define CT_JITTER_SHARE 0.05      /* least deviation, as a share of the mean */
#define CT_QUICK_S 0.055          /* longest period of IDs that tell how early a frame is */
#define CT_ON_TIME 0.1            /* of two periods that two intervals may be off */
#define CT_REGULAR 0.6f           /* an ID is regular while so many are on time */
#define CT_PAIR_MEMORY 256u       /* horizon of that share */
#define CT_KEPT_LATENESS 0.95     /* of lateness from one interval to the next */
#define CT_MOST_LATENESS 8.0      /* periods */
#define CT_TOGETHER 0.3f          /* share of equal stamps of a clock that is too coarse */
#define CT_TOGETHER_MEMORY 1024u  /* horizon of that share */
#define CT_LOG_RATIO_LIMIT 6.0f
#define CT_Z_LIMIT 8.0
#define CT_VARIATION_LIMIT 50.0
#define CT_PAYLOAD_BITS 64.0f
#define CT_BITS_PER_BYTE 8.0

/* What is known of the bus at the end of a window. */
typedef struct {
    float gap_s;   /* that it should have, by the periods of the IDs that send */
    float missing; /* share of the periodic IDs that are overdue */
} ct_bus_view;

static ct_bus_view ct_view_bus(const ct_state *state, double now_s)
{
    uint32_t periodic = 0;
    uint32_t missing = 0;
    double rate = 0.0;
    for (uint16_t number = 0; number < state->slot_count; number++) {
        const ct_slot *slot = &state->slots[number];
        if (slot->intervals < CT_NOVELTY_FRAMES) {
            continue;
        }
        double widest = CT_PERIODIC_VARIATION * slot->mean_s;
        double overdue = now_s - slot->last_s - slot->mean_s;
        bool is_periodic = (double)slot->variance_s2 <= widest * widest;
        bool is_silent = overdue > CT_OVERDUE_PERIODS * slot->mean_s;
        if (!is_silent && (is_periodic || !slot->late)) {
            rate += 1.0 / ct_larger_double(slot->mean_s, CT_SHORTEST_PERIOD_S);
        }
        if (is_periodic && overdue <= CT_OVERDUE_S) {
            periodic++;
            missing += is_silent ? 1u : 0u;
        }
    }
    bool warm = now_s - state->bus.start_s > CT_WARM_UP_S;
    ct_bus_view view;
    view.gap_s = (float)(warm && rate > 0.0 ? 1.0 / rate : state->bus.gap_s);
    view.missing = periodic ? (float)missing / (float)periodic : 0.0f;
    return view;
}

/* By which share of two periods two intervals of a regular ID are shorter: an extra frame. */
static void ct_add_pair(const ct_bus *bus, ct_slot *slot, ct_seen *seen, double now_s)
{
    float before_s = (float)(now_s - slot->last_s);
    if (slot->intervals > CT_MIN_HISTORY && slot->mean_s > 0.0) {
        double pair_s = now_s - slot->last_s + (double)slot->before_s;
        double pair = pair_s / (2.0 * slot->mean_s);
        double late = (double)slot->lateness;
        uint32_t count = slot->intervals + (uint32_t)CT_MIN_HISTORY;
        bool on_time = pair >= 1.0 - CT_ON_TIME && pair <= 1.0 + CT_ON_TIME;
        bool regular = slot->on_time > CT_REGULAR && slot->mean_s <= CT_QUICK_S;
        if (regular && bus->together < CT_TOGETHER) {
            double early = 1.0 - pair - (double)slot->lateness_before / 2.0;
            seen->earliness = (float)ct_clip_double(early, 0.0, 1.0);
            /* What an extra frame comes between counts once: the frame before it is forgotten. */
            before_s = early > (double)CT_EARLY_FROM ? (float)pair_s : before_s;
        }
        slot->lateness_before = slot->lateness;
        late = late * CT_KEPT_LATENESS + (now_s - slot->last_s) / slot->mean_s - 1.0;
        slot->lateness = (float)ct_clip_double(late, 0.0, CT_MOST_LATENESS);
        count = count < CT_PAIR_MEMORY ? count : CT_PAIR_MEMORY;
        slot->on_time += ((on_time ? 1.0f : 0.0f) - slot->on_time) / (float)count;
    }
    slot->before_s = before_s;
}

/* Compares an interval with the ID's past, then adds it to the past (Welford's update). */
static void ct_add_interval(ct_slot *slot, ct_seen *seen, double interval_s)
{
    uint16_t before = slot->intervals;
    double mean = slot->mean_s;
    double deviation = ct_sqrt((double)slot->variance_s2);
    double least = deviation + CT_JITTER_SHARE * mean + CT_TIME_FLOOR_S;
    double ratio = (interval_s + CT_TIME_FLOOR_S) / (mean + CT_TIME_FLOOR_S);
    double error = interval_s - mean;
    if (before >= CT_MIN_HISTORY) {
        double spread = ct_smaller_double(deviation / (mean + CT_TIME_FLOOR_S), CT_VARIATION_LIMIT);
        seen->log_ratio = ct_clip(ct_log((float)ratio), -CT_LOG_RATIO_LIMIT, CT_LOG_RATIO_LIMIT);
        seen->z_score = (float)ct_clip_double(error / least, -CT_Z_LIMIT, CT_Z_LIMIT);
        seen->variation = ct_log(1.0f + (float)spread);
        slot->period_s = (float)mean;
    }
    if (slot->intervals < CT_MEMORY_FRAMES) {
        slot->intervals++;
    }
    double weight = 1.0 / slot->intervals;
    double spread_weight =
        slot->intervals < CT_SPREAD_FRAMES ? weight : 1.0 / CT_SPREAD_FRAMES;
    double spread = error;
    if (before >= CT_NOVELTY_FRAMES) {
        double share = ct_smaller_double(ratio, 1.0);
        error = ct_clip_double(error, -CT_ROBUST_LIMIT * least, CT_ROBUST_LIMIT * least);
        spread = ct_clip_double(error, -least, least);
        weight *= share;
        spread_weight *= share;
    }
    slot->mean_s = mean + weight * error;
    double variance = (double)slot->variance_s2 + spread_weight * spread * spread;
    slot->variance_s2 = (float)((1.0 - spread_weight) * variance);
}

/* Counts payload bits that changed, and those that never did before. */
static void ct_add_payload(ct_slot *slot, ct_seen *seen, uint64_t payload, bool warm)
{
    uint64_t difference = payload ^ slot->payload;
    uint32_t changed = ct_ones(difference);
    uint32_t fresh = ct_ones(difference & ~slot->changed);
    double surprise = (double)changed - (double)slot->bits_mean;
    slot->changed |= difference;
    seen->changed = (uint8_t)changed;
    if (slot->intervals >= CT_MIN_HISTORY) {
        seen->bits_surprise = (float)(surprise / CT_BITS_PER_BYTE);
    }
    if (warm && slot->intervals >= CT_NOVELTY_FRAMES) {
        seen->new_bits = ct_log(1.0f + (float)fresh);
    }
    if (slot->intervals > CT_NOVELTY_FRAMES) {
        surprise = ct_clip_double(surprise, -CT_ROBUST_BITS, CT_ROBUST_BITS);
    }
    slot->bits_mean += (float)(surprise / slot->intervals);
}

/* Adds a frame to the running mean of the gaps between frames of the bus. */
static void ct_hear(ct_bus *bus, double now_s, bool first)
{
    if (first) {
        bus->start_s = now_s;
    } else {
        double gap = ct_clip_double(now_s - bus->last_s, 0.0, CT_LONGEST_GAP_S);
        if (bus->gaps < CT_BUS_MEMORY) {
            bus->gaps++;
        }
        bus->gap_s += (gap - bus->gap_s) / (double)bus->gaps;
        uint32_t frames = bus->gaps < CT_TOGETHER_MEMORY ? bus->gaps : CT_TOGETHER_MEMORY;
        bus->together += ((gap <= 0.0 ? 1.0f : 0.0f) - bus->together) / (float)frames;
    }
    bus->last_s = now_s;
}

/* Whether an ID was first heard after the warm-up. An ID that gave way to others and comes back is
 * no new one: those of the warm-up are noted for good, in a set that takes few others for them and
 * isn't asked before an ID had to give way. */
static bool ct_is_late(ct_state *state, uint32_t id, bool warm)
{
    uint32_t bit = id <= 0x7ffu ? id : (id * 2654435761u) >> 21;
    if (!warm) {
        state->early[bit / 32u] |= UINT32_C(1) << (bit % 32u);
    }
    bool early = ((state->early[bit / 32u] >> (bit % 32u)) & 1u) != 0u;
    return warm && !(early && state->counts.ids_replaced > 0);
}

/* Compares a frame with what is remembered, fills `seen`, and remembers the frame. */
static void ct_compare(ct_state *state, ct_seen *seen, double now_s, uint64_t payload, uint8_t dlc)
{
    ct_slot *slot = &state->slots[seen->slot];
    bool warm;
    ct_hear(&state->bus, now_s, state->counts.frames == 1);
    warm = now_s - state->bus.start_s > CT_WARM_UP_S;
    if (slot->seen == 0) {
        slot->first_s = now_s;
        slot->late = ct_is_late(state, seen->id, warm);
    } else {
        /* Timestamps may step back by a fraction of a millisecond; an interval can't. */
        ct_add_pair(&state->bus, slot, seen, now_s);
        ct_add_interval(slot, seen, ct_larger_double(now_s - slot->last_s, 0.0));
        ct_add_payload(slot, seen, payload, warm);
        seen->dlc_changed = dlc != slot->dlc;
    }
    if (slot->late) {
        double age = ct_larger_double(now_s - slot->first_s, 0.0) / CT_NOVELTY_S;
        double usual = ct_smaller_double((double)slot->seen / CT_NOVELTY_FRAMES, age);
        seen->novelty = (float)(1.0 - ct_smaller_double(usual, 1.0));
    }
    seen->density = (float)((double)ct_ones(payload) / (CT_BITS_PER_BYTE * (dlc ? dlc : 1)));
    if (slot->seen < CT_NOVELTY_FRAMES) {
        slot->seen++;
    }
    slot->payload = payload;
    slot->dlc = dlc;
    slot->last_s = now_s;
    slot->frame = (uint32_t)state->counts.frames;
}
