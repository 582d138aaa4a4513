/* ---- Slots of arbitration IDs ----------------------------------------------------------------
 *
 * IDs lie in an open-addressing hash table that is at most half full. Where all slots are taken, an
 * ID that was heard seldom gives way to a new one, unless the current window shows it. The slot
 * behind the last one stands for all IDs that found no room; it has no past.
 */

#define CT_BEYOND CT_MOST_IDS /* the slot of IDs without one, and the mark of a free place */
#define CT_SETTLED 20         /* intervals after which an ID never gives way */

typedef char ct_places_are_a_power_of_two
    [(CT_ID_PLACES & (CT_ID_PLACES - 1)) == 0 && CT_ID_PLACES >= 2 * CT_MOST_IDS ? 1 : -1];
typedef char ct_ids_fit_their_numbers[CT_MOST_IDS < 65535 ? 1 : -1];
typedef char ct_graphs_have_nodes[CT_MOST_NODES >= 1 && CT_MOST_NODES <= CT_WINDOW ? 1 : -1];

/* Multiplicative hashing: 2**32 over the golden ratio (Knuth, TAOCP 3, section 6.4). */
static uint32_t ct_home(uint32_t id)
{
    return ((id * 2654435761u) >> 15) & (CT_ID_PLACES - 1);
}

/* Where an ID lies in the hash table, or the free place where it belongs. */
static uint32_t ct_place(const ct_state *state, uint32_t id)
{
    uint32_t place = ct_home(id);
    while (state->places[place] != CT_BEYOND && state->slots[state->places[place]].id != id) {
        place = (place + 1) & (CT_ID_PLACES - 1);
    }
    return place;
}

/* Frees the place of an ID and moves those up that lie behind it for its sake. */
static void ct_forget(ct_state *state, uint32_t id)
{
    uint32_t hole = ct_place(state, id);
    uint32_t place = hole;
    for (uint32_t step = 0; step < CT_ID_PLACES; step++) {
        place = (place + 1) & (CT_ID_PLACES - 1);
        if (state->places[place] == CT_BEYOND) {
            break;
        }
        uint32_t home = ct_home(state->slots[state->places[place]].id);
        uint32_t from_home = (place - home) & (CT_ID_PLACES - 1);
        uint32_t from_hole = (place - hole) & (CT_ID_PLACES - 1);
        if (from_home >= from_hole) {
            state->places[hole] = state->places[place];
            hole = place;
        }
    }
    state->places[hole] = (ct_place_of_slot)CT_BEYOND;
}

/* The slot of the ID that was heard longest ago among those that may give way, or none. */
static uint16_t ct_giving_way(const ct_state *state)
{
    uint32_t oldest = CT_WINDOW;
    uint16_t found = CT_BEYOND;
    for (uint16_t slot = 0; slot < CT_MOST_IDS; slot++) {
        uint32_t age = (uint32_t)state->counts.frames - state->slots[slot].frame;
        if (state->slots[slot].intervals < CT_SETTLED && age >= oldest) {
            oldest = age;
            found = slot;
        }
    }
    return found;
}

#if CT_VEHICLES > 0
static void ct_look_up(ct_slot *slot);
#endif

/* The slot of an ID, a new one if it was never heard; CT_BEYOND if there is no room. */
static uint16_t ct_slot_of(ct_state *state, uint32_t id)
{
    uint32_t place = ct_place(state, id);
    uint16_t slot = state->places[place];
    if (slot != CT_BEYOND) {
        return slot;
    }
    if (state->slot_count < CT_MOST_IDS) {
        slot = state->slot_count++;
    } else {
        slot = ct_giving_way(state);
        if (slot == CT_BEYOND) {
            state->counts.ids_beyond++;
        } else {
            state->counts.ids_replaced++;
            ct_forget(state, state->slots[slot].id);
            place = ct_place(state, id);
        }
    }
    ct_slot fresh = {0};
    fresh.id = id;
    fresh.shown_in = slot == CT_BEYOND ? state->slots[slot].shown_in : 0;
    fresh.node = slot == CT_BEYOND ? state->slots[slot].node : 0;
#if CT_VEHICLES > 0
    ct_look_up(&fresh);
#endif
    state->slots[slot] = fresh;
    if (slot != CT_BEYOND) {
        state->places[place] = (ct_place_of_slot)slot;
    }
    return slot;
}
