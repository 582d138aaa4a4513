/* Counts instructions per frame on QEMU's mps2 machines (Cortex-M) with `-icount shift=0`.
 *
 * An instruction takes 1 ns of its virtual time there, and SysTick counts at 25 MHz: one tick is 40
 * instructions. Results leave by semihosting.
 */
#include <stdint.h>

#include "can_train.h"
#include "frames.h"

#define INSTRUCTIONS_PER_TICK 40u
#define COPROCESSORS (*(volatile uint32_t *)0xE000ED88)
#define TICK_CONTROL (*(volatile uint32_t *)0xE000E010)
#define TICK_RELOAD (*(volatile uint32_t *)0xE000E014)
#define TICK (*(volatile uint32_t *)0xE000E018)
#define LARGEST_TICK 0xffffffu

extern uint32_t _top_of_stack, _load_of_data, _begin_of_data, _end_of_data;
extern uint32_t _begin_of_bss, _end_of_bss;
void reset(void);

static ct_state state;

static void call(uint32_t what, const void *with)
{
    __asm volatile("mov r0, %0\n mov r1, %1\n bkpt 0xab" ::"r"(what), "r"(with)
                   : "r0", "r1", "memory");
}

static void leave(void)
{
    call(0x18, (const void *)0x20026);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &_top_of_stack, reset, leave, leave, leave, leave, leave};

static void tell(const char *name, uint64_t value)
{
    char digits[24];
    int at = 23;
    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + value % 10u);
        value /= 10u;
    } while (value);
    call(4, name);
    call(4, " ");
    call(4, digits + at);
    call(4, "\n");
}

static void count(void)
{
    uint64_t frames = 0;
    uint64_t windows = 0;
    uint32_t longest = 0;
    ct_init(&state);
    for (int row = 0; row < FRAMES; row++) {
        uint32_t before = state.counts.windows;
        uint32_t begin = TICK;
        (void)ct_frame(&state, frames_of_bus[row].time_us, frames_of_bus[row].id,
                       frames_of_bus[row].flags, frames_of_bus[row].dlc,
                       frames_of_bus[row].payload);
        uint32_t took = (begin - TICK) & LARGEST_TICK;
        if (state.counts.windows == before) {
            frames += took;
        } else {
            windows += took;
            longest = took > longest ? took : longest;
        }
    }
    tell("per_frame", (frames + windows) * INSTRUCTIONS_PER_TICK / FRAMES);
    tell("per_window", windows * INSTRUCTIONS_PER_TICK / state.counts.windows);
    tell("longest", (uint64_t)longest * INSTRUCTIONS_PER_TICK);
    tell("state_bytes", sizeof state);
}

void reset(void)
{
    COPROCESSORS |= 0xfu << 20;
    __asm volatile("dsb\nisb");
    for (uint32_t *to = &_begin_of_data, *of = &_load_of_data; to < &_end_of_data;) {
        *to++ = *of++;
    }
    for (uint32_t *to = &_begin_of_bss; to < &_end_of_bss;) {
        *to++ = 0;
    }
    TICK_RELOAD = LARGEST_TICK;
    TICK = 0;
    TICK_CONTROL = 5;
    count();
    leave();
}
