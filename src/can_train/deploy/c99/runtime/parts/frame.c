/* ---- From frames to events -------------------------------------------------------------------
 */

/* Severity of a scorer after the next window: CT_RULE_K of the last CT_RULE_N that share no frame. */
static void ct_decide(ct_state *state, uint16_t scorer, const ct_margins *margins, double said,
                      double doubt)
{
    double margin = ct_levelled(&state->calm[scorer], &ct_levels[scorer], said);
    double below = CT_MOST_DOUBT * (ct_thresholds[scorer] - margin);
    if (below > 0.0) {
        margin -= below < doubt ? below : doubt;
    }
    ct_verdict *verdict = &state->decision.verdicts[scorer];
    uint16_t *lane = &state->lanes[scorer][state->lane];
    verdict->margin = (float)margin;
    verdict->p_value = ct_p_value(margins, (float)said);
    verdict->above = margin > ct_thresholds[scorer];
    *lane = (uint16_t)(((uint32_t)*lane << 1 | (verdict->above ? 1u : 0u)) &
                       ((1u << CT_RULE_N) - 1u));
    verdict->severity = ct_ones(*lane) >= CT_RULE_K ? CT_ALARM
                     : verdict->above            ? CT_NOTICE
                                                 : CT_QUIET;
}

#if CT_HAS_VGAE
/* The node that the model expected least. */
static void ct_find_top(ct_state *state)
{
    const ct_graph *graph = &state->graph;
    float total = 0.0f;
    uint16_t top = 0;
    for (uint16_t node = 0; node < graph->nodes; node++) {
        total += graph->unexpected[node];
        top = graph->unexpected[node] > graph->unexpected[top] ? node : top;
    }
    state->decision.top_id = graph->node_id[top];
    state->decision.top_share = total > 0.0f ? graph->unexpected[top] / total : 0.0f;
}
#endif

/* What all scorers say of the window that the latest frame fills. */
static void ct_score_window(ct_state *state, double now_s)
{
    ct_graph *graph = &state->graph;
    ct_said said[CT_SCORERS];
    uint16_t scorer = 0;
    ct_fill_graph(state, now_s);
    /* Of all networks first: layers write where the features of edges lie. */
#if CT_HAS_VGAE
    ct_score_features(&ct_vgae.inputs, ct_vgae.encoder, ct_vgae.encoder_layers, graph);
#endif
#if CT_HAS_GAT
    ct_score_features(&ct_gat.inputs, ct_gat.layers, ct_gat.layer_count, graph);
#endif
#if CT_VEHICLES > 0
    double most = CT_SILENT;
    for (uint32_t position = 0; position < CT_WINDOW; position++) {
        most = ct_larger_double(most, state->seen[position].deviation);
    }
    ct_decide(state, scorer++, &ct_vehicle_margins, most, 0.0);
#endif
#if CT_HAS_VGAE
    ct_score_by_vgae(graph, &said[scorer]);
    ct_decide(state, scorer, &ct_vgae.experience.known_car, (double)said[scorer].margin, 0.0);
    scorer++;
#endif
#if CT_HAS_GAT
    ct_score_by_gat(graph, &said[scorer]);
    ct_decide(state, scorer, &ct_gat.experience.known_car, (double)said[scorer].margin, 0.0);
    scorer++;
#endif
#if CT_HAS_FUSION
    ct_fuse(&said[scorer - 2], &said[scorer - 1], graph, &said[scorer]);
    ct_decide(state, scorer, &ct_fusion.known_car, (double)said[scorer].margin,
              (double)said[scorer].doubt);
#endif
#if CT_HAS_VGAE
    ct_find_top(state);
#endif
    state->lane = (uint16_t)((state->lane + 1) % CT_LANES);
}

/* Fills the decision for the window that the latest frame fills; gives the event, or NULL. */
static const ct_event *ct_end_window(ct_state *state, double now_s)
{
    ct_decision *decision = &state->decision;
    ct_severity before = decision->verdicts[CT_SCORERS - 1].severity;
    ct_score_window(state, now_s);
    decision->number = state->counts.windows++;
    decision->start_us = ct_frame_of(state, 0)->time_us;
    decision->end_us = ct_frame_of(state, CT_WINDOW - 1)->time_us;
    state->next_end += CT_STRIDE;
    if (decision->verdicts[CT_SCORERS - 1].severity == before) {
        return NULL;
    }
    state->event.before = before;
    state->event.severity = decision->verdicts[CT_SCORERS - 1].severity;
    state->event.decision = *decision;
    return &state->event;
}

static bool ct_acceptable(uint32_t id, uint8_t flags, uint8_t dlc, const uint8_t *payload)
{
    uint32_t largest = flags & CT_EXTENDED ? 0x1fffffffu : 0x7ffu;
    if ((flags & (CT_FD | CT_ERROR)) != 0 || id > largest || dlc > 8) {
        return false;
    }
    return payload != NULL || dlc == 0 || (flags & CT_REMOTE) != 0;
}

void ct_init(ct_state *state)
{
    memset(state, 0, sizeof *state);
    for (uint32_t place = 0; place < CT_ID_PLACES; place++) {
        state->places[place] = (ct_place_of_slot)CT_BEYOND;
    }
    state->next_end = CT_WINDOW;
}

const ct_event *ct_frame(ct_state *state, uint64_t time_us, uint32_t id, uint8_t flags,
                         uint8_t dlc, const uint8_t *payload)
{
    if (!ct_acceptable(id, flags, dlc, payload)) {
        state->counts.refused++;
        return NULL;
    }
    uint8_t bytes = flags & CT_REMOTE ? 0 : dlc;
    uint64_t word = 0;
    for (uint8_t byte = 0; byte < bytes; byte++) {
        word |= (uint64_t)payload[byte] << (8u * byte);
    }
    state->counts.frames++;
    ct_seen *seen = &state->seen[state->cursor];
    memset(seen, 0, sizeof *seen);
    seen->time_us = time_us;
    seen->id = flags & CT_EXTENDED ? id | CT_EXTENDED_ID : id;
    double now_s = ct_steady(&state->clock, ct_seconds(seen));
    seen->slot = ct_slot_of(state, seen->id);
    ct_compare(state, seen, now_s, word, bytes);
#if CT_VEHICLES > 0
    seen->deviation = ct_watch(state, seen, now_s, word, bytes);
#endif
    state->cursor = (uint16_t)((state->cursor + 1) % CT_WINDOW);
    return state->counts.frames == state->next_end ? ct_end_window(state, now_s) : NULL;
}

const ct_decision *ct_latest(const ct_state *state)
{
    return state->counts.windows > 0 ? &state->decision : NULL;
}

const ct_counts *ct_counted(const ct_state *state)
{
    return &state->counts;
}
