/* Replays a candump recording (file, or standard input): a line per event, and a summary. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "can_train.h"

#define LONGEST_LINE 512

static const char *const severity_names[] = {"quiet", "notice", "alarm"};
static ct_state state;
static bool shows_windows;

/* Seconds with a fraction as microseconds; false if the text is none. */
static bool parse_time(const char **text, uint64_t *time_us)
{
    uint64_t value = 0;
    const char *at = *text;
    int fraction = -1;
    for (; (*at >= '0' && *at <= '9') || (*at == '.' && fraction < 0); at++) {
        if (*at == '.') {
            fraction = 0;
        } else if (fraction < 6) {
            value = value * 10u + (uint64_t)(*at - '0');
            fraction += fraction >= 0 ? 1 : 0;
        }
    }
    for (; fraction < 6; fraction++) {
        if (fraction >= 0) {
            value *= 10u;
        } else {
            value *= 1000000u;
            break;
        }
    }
    *time_us = value;
    *text = at;
    return *at == ')';
}

static int digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c >= 'A' && c <= 'F' ? strchr(digits, c - 'A' + 'a') : strchr(digits, c);
    return c == '\0' || found == NULL ? -1 : (int)(found - digits);
}

/* "(seconds) interface ID#PAYLOAD"; false if a line is no frame. */
static bool replay(const char *line)
{
    uint64_t time_us;
    uint8_t payload[64];
    uint8_t bytes = 0;
    uint8_t flags = 0;
    uint32_t id = 0;
    int digits = 0;
    const char *at = line + (*line == '(' ? 1 : 0);
    if (!parse_time(&at, &time_us) || (at = strchr(at, ' ')) == NULL ||
        (at = strchr(at + 1, ' ')) == NULL) {
        return false;
    }
    for (at++; digit(*at) >= 0 && digits < 8; at++, digits++) {
        id = id << 4 | (uint32_t)digit(*at);
    }
    if (*at++ != '#' || digits == 0) {
        return false;
    }
    if (digits > 3) {
        flags |= CT_EXTENDED;
        flags |= id & 0x20000000u ? CT_ERROR : 0u;
        id &= 0x1fffffffu;
    }
    if (*at == '#') {
        flags |= CT_FD;
        at += at[1] != '\0' ? 2 : 1;
    } else if (*at == 'R') {
        flags |= CT_REMOTE;
    }
    while (bytes < sizeof payload && digit(at[0]) >= 0 && digit(at[1]) >= 0) {
        payload[bytes++] = (uint8_t)(digit(at[0]) * 16 + digit(at[1]));
        at += at[2] == '.' ? 3 : 2;
    }
    uint32_t windows = ct_counted(&state)->windows;
    const ct_event *event = ct_frame(&state, time_us, id, flags, bytes, payload);
    if (shows_windows && ct_counted(&state)->windows != windows) {
        const ct_decision *window = ct_latest(&state);
        printf("window %" PRIu32, window->number);
        for (int scorer = 0; scorer < CT_SCORERS; scorer++) {
            const ct_verdict *of = &window->verdicts[scorer];
            printf(" %s %.9g %.6g %s%s", ct_scorer_names[scorer], (double)of->margin,
                   (double)of->p_value, severity_names[of->severity], of->above ? "!" : "");
        }
        printf(" top %" PRIX32 "\n", window->top_id);
    }
    if (event != NULL) {
        const ct_decision *window = &event->decision;
        const ct_verdict *verdict = &window->verdicts[CT_SCORERS - 1];
        printf("%" PRIu64 ".%06" PRIu64 " %s margin %.3f p %.2g top ID %" PRIX32 " (%.0f %%)\n",
               window->end_us / 1000000u, window->end_us % 1000000u, severity_names[event->severity],
               (double)verdict->margin, (double)verdict->p_value,
               window->top_id & ~CT_EXTENDED_ID, 100.0 * (double)window->top_share);
    }
    return true;
}

int main(int count, char **arguments)
{
    char line[LONGEST_LINE];
    unsigned long skipped = 0;
    FILE *source = stdin;
    int at = 1;
    if (at < count && strcmp(arguments[at], "--windows") == 0) {
        shows_windows = true;
        at++;
    }
    if (at < count && (source = fopen(arguments[at], "r")) == NULL) {
        fprintf(stderr, "%s: can't be read\n", arguments[at]);
        return 2;
    }
    ct_init(&state);
    while (fgets(line, sizeof line, source) != NULL) {
        skipped += replay(line) ? 0u : 1u;
    }
    const ct_counts *counts = ct_counted(&state);
    fprintf(stderr,
            "frames %" PRIu64 ", windows %" PRIu32 ", refused %" PRIu64 ", lines skipped %lu\n",
            counts->frames, counts->windows, counts->refused, skipped);
    fprintf(stderr,
            "beyond the tables: frames of IDs %" PRIu64 ", of nodes %" PRIu64
            "; IDs replaced %" PRIu64 "\n",
            counts->ids_beyond, counts->nodes_beyond, counts->ids_replaced);
    return 0;
}
