/* A program that does nothing but detect: what it takes of flash. */
#include <stddef.h>

#include "can_train.h"

static ct_state state;
volatile uint32_t frame[8];
void reset(void);

void reset(void)
{
    ct_init(&state);
    for (;;) {
        const ct_event *event = ct_frame(&state, frame[0], frame[1], (uint8_t)frame[2],
                                         (uint8_t)frame[3], (const uint8_t *)frame + 16);
        if (event != NULL) {
            frame[7] = event->severity;
        }
    }
}
