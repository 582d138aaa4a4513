/* ---- Fusion ----------------------------------------------------------------------------------
 *
 * One margin of what the anomaly detector and the classifier say.
 */

#if CT_HAS_FUSION

#if CT_SHOWS_STATE
/* State number k in units of where the fusion was fitted. */
static float ct_standard(const float *state, uint16_t k)
{
    return (state[k] - ct_fusion.state_mean[k]) / ct_fusion.state_unit[k];
}
#endif

#if CT_FUSION_POLICY == CT_POLICY_MAXIMUM
/* How far the earliest frame of the window is beyond the limit, in units of it. */
static float ct_rhythm(ct_graph *graph)
{
    float earliest = 0.0f;
    for (uint16_t node = 0; node < graph->nodes; node++) {
        earliest = ct_larger(earliest, ct_node_x(graph, node)[CT_NODE_EARLINESS]);
    }
    return earliest / CT_EARLY_FROM - 1.0f;
}
#endif

/* From what both say: excesses over their thresholds, and states where the policy knows them. */
static float ct_fused(const ct_said *anomaly, const ct_said *probability, ct_graph *graph)
{
    float one = anomaly->excess;
    float other = probability->excess;
#if CT_SHOWS_STATE
    float state[CT_STATE];
    memcpy(state, anomaly->state, CT_ANOMALY_STATE * sizeof(float));
    memcpy(state + CT_ANOMALY_STATE, probability->state,
           (CT_STATE - CT_ANOMALY_STATE) * sizeof(float));
#endif
#if CT_FUSION_POLICY == CT_POLICY_DQN
    uint16_t best = 0;
    for (uint16_t k = 0; k < CT_STATE; k++) {
        graph->pooled[k] = ct_clip(ct_standard(state, k), -CT_STATE_LIMIT, CT_STATE_LIMIT);
    }
    const float *value = ct_classify(ct_fusion.agent, ct_fusion.agent_layers, true, graph);
    for (uint16_t action = 1; action < CT_ACTIONS; action++) {
        best = value[action] > value[best] ? action : best;
    }
    float alpha = (float)best / (float)(CT_ACTIONS - 1);
    return (1.0f - alpha) * one + alpha * other;
#elif CT_FUSION_POLICY == CT_POLICY_MAXIMUM
    float rhythm = ct_rhythm(graph);
    float support = CT_SUPPORT_RISE * ct_larger(one, 0.0f);
    float most = other + (support < CT_SUPPORT ? support : CT_SUPPORT);
    most = rhythm > 0.0f ? ct_larger(rhythm, most) : most;
    return most * ct_fusion.weight[0] + ct_fusion.bias;
#elif CT_FUSION_POLICY == CT_POLICY_MEAN
    (void)graph;
    return (one + other) / 2.0f * ct_fusion.weight[0] + ct_fusion.bias;
#else
    double total = (double)ct_fusion.bias;
    (void)one, (void)other, (void)graph;
    for (uint16_t k = 0; k < CT_STATE; k++) {
        total += (double)(ct_standard(state, k) * ct_fusion.weight[k]);
    }
    return (float)total;
#endif
}

/* The fused margin, and what is taken off it where it stays below the threshold. */
static void ct_fuse(const ct_said *anomaly, const ct_said *probability, ct_graph *graph,
                    ct_said *said)
{
    said->margin =
        ct_fused(anomaly, probability, graph) + ct_fusion.relief * anomaly->familiarity;
#if CT_FUSION_POLICY == CT_POLICY_MAXIMUM
    said->doubt = ct_fusion.weight[0] * ct_larger(-anomaly->excess, 0.0f);
#else
    said->doubt = 0.0f;
#endif
}

#endif
