/* ---- Calm recordings -------------------------------------------------------------------------
 *
 * What the running median of a scorer's margins lies below the level of usual recordings is added
 * to its margins: what is calm is judged by its own level.
 */

/* The margin of the next window with what is added to it. */
static double ct_levelled(ct_calm *calm, const ct_level_of_scorer *level, double margin)
{
    double added = margin;
    if (level->step <= 0.0) {
        return margin;
    }
    if (calm->windows >= CT_LEVEL_WARM_UP) {
        uint32_t below = 0;
        uint16_t depth = CT_LEVEL_STEPS;
        while (2u * below < calm->total && depth > 0) {
            depth--;
            below += calm->counts[depth];
        }
        added = margin + (double)depth * level->step;
    } else {
        calm->windows++;
    }
    if (!(margin == margin)) { /* no number */
        return added;
    }
    double deep = (level->level - margin) / level->step;
    deep = deep < 0.0 ? 0.0 : deep > CT_LEVEL_STEPS - 1.0 ? CT_LEVEL_STEPS - 1.0 : deep;
    calm->counts[(uint16_t)deep]++;
    calm->total++;
    if (calm->total >= CT_LEVEL_MEMORY) {
        calm->total = 0;
        for (uint16_t depth = 0; depth < CT_LEVEL_STEPS; depth++) {
            calm->counts[depth] = (uint16_t)(calm->counts[depth] / 2u);
            calm->total += calm->counts[depth];
        }
    }
    return added;
}
