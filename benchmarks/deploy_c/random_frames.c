/* Random and adversarial frames, as many as the argument says; to be compiled with sanitizers.
 *
 * IDs of all kinds, those that collide in the hash table, more than it holds; stamps that jump, step
 * back, stand still or overflow; CAN FD, error frames, impossible lengths and missing payloads.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "can_train.h"

#define FRAMES_OF_A_MODE 20000u
#define FRAMES_OF_A_CLOCK 3333u

static ct_state state;
static uint64_t seed = 88172645463325252u;

static uint64_t drawn(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint32_t id_of(uint64_t number, uint64_t draw, uint8_t *flags, uint8_t *dlc)
{
    switch (number / FRAMES_OF_A_MODE % 9u) {
    case 0: return (uint32_t)(draw >> 20) & 0x7ffu;
    case 1: *flags = CT_EXTENDED; return (uint32_t)(draw >> 20) & 0x1fffffffu;
    case 2: *flags = CT_EXTENDED; return (uint32_t)(number * 128u) & 0x1fffffffu;
    case 3: return (uint32_t)number & 0x7ffu;
    case 4: return (uint32_t)(draw >> 20) & 0x3fu;
    case 5: return 0;
    case 6: *flags = (uint8_t)(draw >> 52); *dlc = (uint8_t)(draw >> 44);
            return (uint32_t)(draw >> 20);
    case 7: return (uint32_t)(number % 40u) * 16u;
    default: *flags = draw & 64u ? CT_EXTENDED : 0u; return (uint32_t)(draw % 70u);
    }
}

static uint64_t time_of(uint64_t number, uint64_t draw, uint64_t before)
{
    switch (number / FRAMES_OF_A_CLOCK % 11u) {
    case 0: return before + 500u;
    case 1: return before + draw % 1000u;
    case 2: return before;
    case 3: return draw;
    case 4: return before - draw % 1000u;
    case 5: return before + 1u;
    case 6: return UINT64_MAX - draw % 100u;
    case 7: return draw % 100u;
    case 8: return before + (draw % 1000u == 0u ? 1000000000u : 400u);
    case 9: return before + (UINT64_C(1) << (draw % 64u));
    default: return before + 450u;
    }
}

static int sound(const ct_decision *window)
{
    for (int scorer = 0; window != NULL && scorer < CT_SCORERS; scorer++) {
        const ct_verdict *of = &window->verdicts[scorer];
        if (!(of->margin == of->margin && of->p_value >= 0.0f && of->p_value <= 1.0f)) {
            return 0;
        }
    }
    return 1;
}

/* What the process holds, as Linux tells it; -1 elsewhere. */
static long memory_kb(void)
{
    char line[256];
    long kb = -1;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        if (sscanf(line, "VmRSS: %ld", &kb) == 1) {
            break;
        }
    }
    if (status != NULL) {
        fclose(status);
    }
    return kb;
}

int main(int count, char **arguments)
{
    uint64_t frames = count > 1 ? strtoull(arguments[1], NULL, 10) : 1000000u;
    uint64_t time_us = 0;
    long early_kb = 0;
    ct_init(&state);
    for (uint64_t number = 0; number < frames; number++) {
        uint64_t draw = drawn();
        uint8_t flags = 0;
        uint8_t dlc = (uint8_t)(draw % 9u);
        uint8_t payload[8];
        for (int byte = 0; byte < 8; byte++) {
            payload[byte] = (uint8_t)(drawn() >> byte);
        }
        uint32_t id = id_of(number, draw, &flags, &dlc);
        time_us = time_of(number, draw, time_us);
        (void)ct_frame(&state, time_us, id, flags, dlc, draw % 5000u == 0u ? NULL : payload);
        if (number == frames / 10u) {
            early_kb = memory_kb();
        }
        if (!sound(ct_latest(&state))) {
            printf("no number at frame %" PRIu64 "\n", number);
            return 1;
        }
    }
    const ct_counts *counts = ct_counted(&state);
    printf("frames %" PRIu64 ", refused %" PRIu64 ", windows %" PRIu32 ", beyond %" PRIu64
           ", memory %ld KB, then %ld KB\n",
           counts->frames, counts->refused, counts->windows, counts->ids_beyond, early_kb,
           memory_kb());
    return 0;
}
