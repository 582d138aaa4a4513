/* Checks the detector on this machine: margins and severities have to be those of can_train. */
#include <stdio.h>

#include "can_train.h"

typedef struct {
    uint64_t time_us;
    uint32_t id;
    uint8_t flags;
    uint8_t dlc;
    uint8_t payload[8];
} vector_frame;

typedef struct {
    float margin;
    int severity;
} vector_verdict;

#include "vectors.h"

static ct_state state;

/* How many scorers say something else of the latest window. */
static int differences(const ct_decision *window)
{
    int found = 0;
    for (int scorer = 0; scorer < CT_SCORERS; scorer++) {
        const vector_verdict *expected = &vector_verdicts[window->number][scorer];
        const ct_verdict *verdict = &window->verdicts[scorer];
        float off = verdict->margin - expected->margin;
        if (off > VECTOR_TOLERANCE || off < -VECTOR_TOLERANCE ||
            (int)verdict->severity != expected->severity) {
            printf("window %d, %s: margin %.6f, severity %d; expected %.6f, %d\n",
                   (int)window->number, ct_scorer_names[scorer], (double)verdict->margin,
                   (int)verdict->severity, (double)expected->margin, expected->severity);
            found++;
        }
    }
    return found;
}

int main(void)
{
    int failed = 0;
    ct_init(&state);
    for (int row = 0; row < VECTOR_FRAMES; row++) {
        const vector_frame *frame = &vector_frames[row];
        uint32_t windows = ct_counted(&state)->windows;
        (void)ct_frame(&state, frame->time_us, frame->id, frame->flags, frame->dlc,
                       frame->payload);
        if (ct_counted(&state)->windows != windows) {
            failed += differences(ct_latest(&state));
        }
    }
    failed += ct_counted(&state)->windows != VECTOR_WINDOWS ? 1 : 0;
    printf("%d windows, %d differences\n", (int)ct_counted(&state)->windows, failed);
    return failed ? 1 : 0;
}
