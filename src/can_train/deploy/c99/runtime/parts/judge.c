/* ---- What a margin means ---------------------------------------------------------------------
 *
 * Margins of benign windows that nothing was fitted on say how rare a margin is: its p-value, and
 * its surprise, -ln p, which is linear between those margins.
 */

#define CT_STATE_NUMBERS 4 /* that every detector shows a fusion; further ones are its own */

/* What one detector says of a window to a fusion. */
typedef struct {
    float margin;
#if CT_HAS_FUSION
    float excess; /* over its threshold: -1 is a usual benign window */
    float familiarity;
    float doubt; /* what a fusion takes off a margin that stays below its threshold */
#endif
#if CT_SHOWS_STATE
    float state[CT_MOST_STATE];
#endif
} ct_said;

/* First of the known margins that is larger, or not smaller where `same` is set. */
static uint16_t ct_margin_at(const ct_margins *margins, float margin, bool same)
{
    uint16_t low = 0;
    uint16_t high = margins->count;
    while (low < high) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        float known = margins->known[middle];
        if (known < margin || (!same && known <= margin)) {
            low = (uint16_t)(middle + 1);
        } else {
            high = middle;
        }
    }
    return low;
}

/* p-value among the benign windows at one of the known margins; behind them, of the largest. */
static float ct_p_at(const ct_margins *margins, uint16_t at)
{
    uint32_t smaller = at < margins->count ? margins->smaller[at] : margins->windows;
    return (float)(1u + margins->windows - smaller) / (float)(margins->windows + 1u);
}

static float ct_p_value(const ct_margins *margins, float margin)
{
    if (margins->count == 0) {
        return 1.0f;
    }
    float largest = margins->known[margins->count - 1];
    float p = ct_p_at(margins, ct_margin_at(margins, margin, true));
    return margin > largest ? p / (1.0f + (margin - largest) / margins->tail) : p;
}

#if CT_SHOWS_STATE
static float ct_surprise(const ct_margins *margins, float margin)
{
    if (margins->count == 0) {
        return 0.0f;
    }
    uint16_t last = (uint16_t)(margins->count - 1);
    if (margin > margins->known[last]) {
        float beyond = (margin - margins->known[last]) / margins->tail;
        return ct_log(1.0f + beyond) - ct_log(ct_p_at(margins, last));
    }
    uint16_t next = ct_margin_at(margins, margin, false);
    if (next == 0 || next > last) {
        return -ct_log(ct_p_at(margins, next == 0 ? 0 : last));
    }
    float below = margins->known[next - 1];
    float part = (margin - below) / (margins->known[next] - below);
    float low = ct_log(ct_p_at(margins, (uint16_t)(next - 1)));
    return -(low + part * (ct_log(ct_p_at(margins, next)) - low));
}

#endif

#if CT_HAS_FUSION
/* How far a margin lies above the threshold, in units of the way to it from a usual window. */
static float ct_excess(const ct_yardstick *yardstick, float margin, float familiarity)
{
    float near = (margin - yardstick->threshold) / yardstick->unit;
    float far = (margin - yardstick->far_threshold) / yardstick->far_unit;
    return far + familiarity * (near - far);
}
#endif

/* Fills what a detector says of a window with this margin. */
static void ct_judge(const ct_experience *experience, float margin, float familiarity, bool relies,
                     ct_said *said)
{
    said->margin = margin + experience->relief * familiarity;
#if CT_HAS_FUSION
    said->familiarity = familiarity;
    said->excess = ct_excess(&experience->yardstick, margin, familiarity);
#endif
#if CT_SHOWS_STATE
    float known = ct_surprise(&experience->known_car, said->margin);
    float others = ct_surprise(&experience->other_cars, said->margin);
    float both = known < others ? known : others;
    said->state[0] = said->margin;
    said->state[1] = known;
    said->state[2] = both;
    said->state[3] = both + (relies ? familiarity : 0.0f) * (known - both);
#else
    (void)relies;
#endif
}
