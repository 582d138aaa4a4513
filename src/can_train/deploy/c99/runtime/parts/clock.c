/* ---- Steady clock ----------------------------------------------------------------------------
 *
 * Where the recorder's clock is set, begins anew or gives one stray stamp, or the whole bus is
 * silent, frames go on at the bus's usual gap, so that what is remembered stays what it was.
 */

#define CT_STEP_BACK_S 0.1     /* merged and buffered frames step back by less */
#define CT_SILENCE_S 0.1       /* longest silence of a bus that is awake and not slow */
#define CT_SLOW_GAPS 100.0     /* usual gaps that a slow bus may be silent for */
#define CT_CLOCK_MEMORY 1024   /* gaps over which the usual one is the running mean */

static double ct_steady(ct_clock *clock, double stamp_s)
{
    double usual = clock->usual_gap_s;
    double last = clock->frames == 0 ? stamp_s : clock->last_s;
    double longest = ct_larger_double(CT_SILENCE_S, CT_SLOW_GAPS * usual);
    double now = stamp_s + clock->offset_s;
    double gap = now - last;
    double learnt = ct_clip_double(gap, 0.0, longest);
    double returned = stamp_s + clock->before_offset_s;
    double since = returned - clock->before_s;
    clock->usual_gap_s += (learnt - usual) / (clock->frames == 0 ? 1.0 : (double)clock->frames);
    if (-CT_STEP_BACK_S <= gap && gap <= longest) {
        if (gap > CT_STEP_BACK_S) {
            clock->before_offset_s = clock->offset_s;
            clock->before_s = last;
            clock->jumped = true;
        }
    } else if (clock->jumped && -CT_STEP_BACK_S <= since && since <= longest) {
        clock->offset_s = clock->before_offset_s;
        now = returned;
    } else {
        clock->before_offset_s = clock->offset_s;
        clock->before_s = last;
        clock->jumped = true;
        clock->offset_s += last + usual - now;
        now = last + usual;
    }
    clock->last_s = now;
    if (clock->frames < CT_CLOCK_MEMORY) {
        clock->frames++;
    }
    return now;
}
