/* Frames per second on this host, and how long windows take: CPU time of this thread. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "can_train.h"
#include "frames.h"

#define ROUNDS 200

static ct_state state;
static double windows_s[ROUNDS * FRAMES];

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int by_size(const void *one, const void *other)
{
    double difference = *(const double *)one - *(const double *)other;
    return difference < 0.0 ? -1 : difference > 0.0;
}

int main(void)
{
    int windows = 0;
    double best = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double begin = now_s();
        ct_init(&state);
        for (int row = 0; row < FRAMES; row++) {
            (void)ct_frame(&state, frames_of_bus[row].time_us, frames_of_bus[row].id,
                           frames_of_bus[row].flags, frames_of_bus[row].dlc,
                           frames_of_bus[row].payload);
        }
        double took = now_s() - begin;
        best = took < best ? took : best;
    }
    for (int round = 0; round < ROUNDS / 20; round++) {
        ct_init(&state);
        for (int row = 0; row < FRAMES; row++) {
            uint32_t before = ct_counted(&state)->windows;
            double begin = now_s();
            (void)ct_frame(&state, frames_of_bus[row].time_us, frames_of_bus[row].id,
                           frames_of_bus[row].flags, frames_of_bus[row].dlc,
                           frames_of_bus[row].payload);
            if (ct_counted(&state)->windows != before) {
                windows_s[windows++] = now_s() - begin;
            }
        }
    }
    qsort(windows_s, (size_t)windows, sizeof *windows_s, by_size);
    printf("frames_per_s %.0f\np50_us %.1f\np99_us %.1f\n", FRAMES / best,
           1e6 * windows_s[windows / 2], 1e6 * windows_s[windows * 99 / 100]);
    return 0;
}
