/* ---- Graphs ----------------------------------------------------------------------------------
 *
 * Nodes are the arbitration IDs of a window, edges the transitions between consecutive frames;
 * both are numbered in order of first appearance.
 */

#define CT_COUNT_LIMIT 4.0f /* of |ln(seen / expected)| */
#define CT_PRIOR_COUNT 0.5f /* added to seen and expected counts */
#define CT_GAP_LIMIT 4.0f   /* of |ln(gap / expected gap)| */
#define CT_RATE_LIMIT 3.0f  /* of |ln(duration / expected duration)| */
#define CT_EDGE_END 0.5f    /* each edge counts half at either end */
#define CT_NO_EDGE 0xffffu

/* Node features, in the order of the networks' inputs. */
enum {
    CT_NODE_RATIO_MEAN, CT_NODE_RATIO_MIN, CT_NODE_RATIO_MAX, CT_NODE_Z_MEAN, CT_NODE_Z_MAX,
    CT_NODE_VARIATION, CT_NODE_CHANGED, CT_NODE_SURPRISE_MEAN, CT_NODE_SURPRISE_MAX,
    CT_NODE_NEW_BITS_MEAN, CT_NODE_NEW_BITS_MAX, CT_NODE_DLC_CHANGED, CT_NODE_NOVELTY,
    CT_NODE_SHARE, CT_NODE_COUNT_RATIO, CT_NODE_PRIORITY, CT_NODE_DEGREE, CT_NODE_DENSITY,
    CT_NODE_BUS_RATE, CT_NODE_MISSING, CT_NODE_EARLINESS
};

/* Edge features, likewise. */
enum {
    CT_EDGE_SHARE, CT_EDGE_SOURCE_SHARE, CT_EDGE_GAP_MEAN, CT_EDGE_GAP_MIN, CT_EDGE_LOOP,
    CT_EDGE_REVERSE, CT_EDGE_RATIO_MEAN, CT_EDGE_Z_MAX, CT_EDGE_SURPRISE, CT_EDGE_NEW_BITS,
    CT_EDGE_NOVELTY_TARGET, CT_EDGE_NOVELTY_SOURCE
};

static float ct_magnitude(float value)
{
    return value < 0.0f ? -value : value;
}

/* Features of a node, unscaled: an anomaly detector compares them with what its layers tell. */
static inline float *ct_node_x(ct_graph *graph, uint16_t node)
{
#if CT_HAS_VGAE
    return graph->node_x[node];
#else
    return graph->shared.features.node_x[node];
#endif
}

/* Features of an edge, unscaled. */
static inline float *ct_edge_x(ct_graph *graph, uint16_t edge)
{
    return graph->shared.features.edge_x[edge];
}

static double ct_seconds(const ct_seen *seen)
{
    return (double)seen->time_us / 1e6;
}

/* A frame of the window, from 0. */
static const ct_seen *ct_frame_of(const ct_state *state, uint32_t position)
{
    uint32_t at = state->cursor + position;
    return &state->seen[at < CT_WINDOW ? at : at - CT_WINDOW];
}

/* The node of a frame's ID in this window, a new one if it is the first of the ID. */
static uint16_t ct_node_of(ct_state *state, const ct_seen *seen)
{
    ct_graph *graph = &state->graph;
    ct_slot *slot = &state->slots[seen->slot];
    uint32_t window = state->counts.windows + 1u;
    if (slot->shown_in != window) {
        slot->shown_in = window;
        slot->node = graph->nodes;
        if (graph->nodes < CT_MOST_NODES) {
            graph->node_id[graph->nodes] = seen->id;
            graph->first_of_source[graph->nodes] = CT_NO_EDGE;
            memset(ct_node_x(graph, graph->nodes), 0, CT_NODE_FEATURES * sizeof(float));
            graph->nodes++;
        }
    }
    if (slot->node >= CT_MOST_NODES) {
        state->counts.nodes_beyond++;
        return CT_MOST_NODES - 1;
    }
    return slot->node;
}

/* The edge between two nodes, or CT_NO_EDGE. */
static uint16_t ct_edge_of(const ct_graph *graph, uint16_t source, uint16_t target)
{
    uint16_t edge = graph->first_of_source[source];
    while (edge != CT_NO_EDGE && graph->target[edge] != target) {
        edge = graph->next_of_source[edge];
    }
    return edge;
}

static uint16_t ct_add_edge(ct_graph *graph, uint16_t source, uint16_t target)
{
    uint16_t edge = graph->edges++;
    graph->source[edge] = source;
    graph->target[edge] = target;
    graph->next_of_source[edge] = graph->first_of_source[source];
    graph->first_of_source[source] = edge;
    memset(ct_edge_x(graph, edge), 0, CT_EDGE_FEATURES * sizeof(float));
    return edge;
}

/* Sums and extremes of a node; until the end SHARE counts frames, COUNT_RATIO holds the period. */
static void ct_add_to_node(float *x, const ct_seen *seen, float period_s)
{
    bool known = x[CT_NODE_SHARE] > 0.0f;
    bool lower = !known || seen->log_ratio < x[CT_NODE_RATIO_MIN];
    bool higher = !known || seen->log_ratio > x[CT_NODE_RATIO_MAX];
    x[CT_NODE_RATIO_MEAN] += seen->log_ratio;
    x[CT_NODE_RATIO_MIN] = lower ? seen->log_ratio : x[CT_NODE_RATIO_MIN];
    x[CT_NODE_RATIO_MAX] = higher ? seen->log_ratio : x[CT_NODE_RATIO_MAX];
    x[CT_NODE_Z_MEAN] += seen->z_score;
    x[CT_NODE_Z_MAX] = ct_larger(x[CT_NODE_Z_MAX], ct_magnitude(seen->z_score));
    x[CT_NODE_VARIATION] += seen->variation;
    x[CT_NODE_CHANGED] += (float)seen->changed / CT_PAYLOAD_BITS;
    x[CT_NODE_SURPRISE_MEAN] += seen->bits_surprise;
    x[CT_NODE_SURPRISE_MAX] =
        ct_larger(x[CT_NODE_SURPRISE_MAX], ct_magnitude(seen->bits_surprise));
    x[CT_NODE_NEW_BITS_MEAN] += seen->new_bits;
    x[CT_NODE_NEW_BITS_MAX] = ct_larger(x[CT_NODE_NEW_BITS_MAX], seen->new_bits);
    x[CT_NODE_DLC_CHANGED] = ct_larger(x[CT_NODE_DLC_CHANGED], seen->dlc_changed ? 1.0f : 0.0f);
    x[CT_NODE_NOVELTY] = ct_larger(x[CT_NODE_NOVELTY], seen->novelty);
    x[CT_NODE_SHARE] += 1.0f;
    x[CT_NODE_COUNT_RATIO] = period_s;
    x[CT_NODE_DENSITY] += seen->density;
    x[CT_NODE_EARLINESS] = ct_larger(x[CT_NODE_EARLINESS], seen->earliness);
}

/* Sums and extremes of an edge, from the frame that ends a transition. */
static void ct_add_to_edge(float *x, const ct_seen *before, const ct_seen *seen, float bus_gap_s)
{
    float gap_s = (float)ct_larger_double(ct_seconds(seen) - ct_seconds(before), 0.0);
    float floor_s = (float)CT_TIME_FLOOR_S;
    float gap = ct_log((gap_s + floor_s) / (bus_gap_s + floor_s));
    gap = ct_clip(gap, -CT_GAP_LIMIT, CT_GAP_LIMIT);
    if (x[CT_EDGE_SHARE] <= 0.0f || gap < x[CT_EDGE_GAP_MIN]) {
        x[CT_EDGE_GAP_MIN] = gap;
    }
    x[CT_EDGE_SHARE] += 1.0f;
    x[CT_EDGE_GAP_MEAN] += gap;
    x[CT_EDGE_RATIO_MEAN] += seen->log_ratio;
    x[CT_EDGE_Z_MAX] = ct_larger(x[CT_EDGE_Z_MAX], ct_magnitude(seen->z_score));
    x[CT_EDGE_SURPRISE] += seen->bits_surprise;
    x[CT_EDGE_NEW_BITS] = ct_larger(x[CT_EDGE_NEW_BITS], seen->new_bits);
    x[CT_EDGE_NOVELTY_TARGET] = ct_larger(x[CT_EDGE_NOVELTY_TARGET], seen->novelty);
    x[CT_EDGE_NOVELTY_SOURCE] = ct_larger(x[CT_EDGE_NOVELTY_SOURCE], before->novelty);
}

/* Turns sums into means and counts into shares, while nodes still count their frames. */
static void ct_finish_edges(ct_graph *graph, uint16_t last)
{
    for (uint16_t edge = 0; edge < graph->edges; edge++) {
        uint16_t source = graph->source[edge];
        uint16_t target = graph->target[edge];
        float *x = ct_edge_x(graph, edge);
        float count = x[CT_EDGE_SHARE];
        /* Each frame of the source begins a transition, but for the window's last frame. */
        float outgoing = ct_node_x(graph, source)[CT_NODE_SHARE] - (source == last ? 1.0f : 0.0f);
        x[CT_EDGE_SHARE] = count / (float)(CT_WINDOW - 1);
        x[CT_EDGE_SOURCE_SHARE] = count / outgoing;
        x[CT_EDGE_GAP_MEAN] /= count;
        x[CT_EDGE_LOOP] = source == target ? 1.0f : 0.0f;
        x[CT_EDGE_REVERSE] = ct_edge_of(graph, target, source) != CT_NO_EDGE ? 1.0f : 0.0f;
        x[CT_EDGE_RATIO_MEAN] /= count;
        x[CT_EDGE_SURPRISE] /= count;
    }
}

/* Turns sums into means and counts into shares; ranks nodes by bus priority. */
static void ct_finish_nodes(ct_graph *graph, float duration_s, float bus_rate, float missing)
{
    float nodes = (float)graph->nodes;
    for (uint16_t edge = 0; edge < graph->edges; edge++) {
        ct_node_x(graph, graph->source[edge])[CT_NODE_DEGREE] += CT_EDGE_END / nodes;
        ct_node_x(graph, graph->target[edge])[CT_NODE_DEGREE] += CT_EDGE_END / nodes;
    }
    for (uint16_t node = 0; node < graph->nodes; node++) {
        float *x = ct_node_x(graph, node);
        float frames = x[CT_NODE_SHARE];
        float period_s = x[CT_NODE_COUNT_RATIO];
        uint32_t rank = 0;
        for (uint16_t other = 0; other < graph->nodes; other++) {
            rank += graph->node_id[other] < graph->node_id[node] ? 1u : 0u;
        }
        x[CT_NODE_PRIORITY] = (float)rank / (nodes > 1.0f ? nodes - 1.0f : 1.0f);
        x[CT_NODE_RATIO_MEAN] /= frames;
        x[CT_NODE_Z_MEAN] /= frames;
        x[CT_NODE_VARIATION] /= frames;
        x[CT_NODE_CHANGED] /= frames;
        x[CT_NODE_SURPRISE_MEAN] /= frames;
        x[CT_NODE_NEW_BITS_MEAN] /= frames;
        x[CT_NODE_DENSITY] /= frames;
        x[CT_NODE_SHARE] = frames / (float)CT_WINDOW;
        x[CT_NODE_COUNT_RATIO] = 0.0f;
        if (period_s > 0.0f) {
            float due = duration_s / period_s + CT_PRIOR_COUNT;
            float ratio = ct_log((frames + CT_PRIOR_COUNT) / due);
            x[CT_NODE_COUNT_RATIO] = ct_clip(ratio, -CT_COUNT_LIMIT, CT_COUNT_LIMIT);
        }
        x[CT_NODE_BUS_RATE] = bus_rate;
        x[CT_NODE_MISSING] = missing;
    }
}

/* ln(duration / expected duration) of the window. */
static float ct_bus_rate(float duration_s, float bus_gap_s)
{
    float floor_s = (float)CT_TIME_FLOOR_S;
    float expected_s = (float)(CT_WINDOW - 1) * bus_gap_s;
    float rate = ct_log((duration_s + floor_s) / (expected_s + floor_s));
    return ct_clip(rate, -CT_RATE_LIMIT, CT_RATE_LIMIT);
}

/* Edges in order of their targets. */
static void ct_order_edges(ct_graph *graph)
{
    uint16_t place[CT_MOST_NODES];
    memset(graph->first, 0, sizeof graph->first);
    for (uint16_t edge = 0; edge < graph->edges; edge++) {
        graph->first[graph->target[edge] + 1]++;
    }
    for (uint16_t node = 0; node < graph->nodes; node++) {
        graph->first[node + 1] = (uint16_t)(graph->first[node + 1] + graph->first[node]);
        place[node] = graph->first[node];
    }
    for (uint16_t edge = 0; edge < graph->edges; edge++) {
        graph->order[place[graph->target[edge]]++] = edge;
    }
}

/* The graph of the window that ends with the latest frame. */
static void ct_fill_graph(ct_state *state, double now_s)
{
    ct_graph *graph = &state->graph;
    const ct_seen *first = ct_frame_of(state, 0);
    const ct_seen *before = NULL;
    ct_bus_view bus = ct_view_bus(state, now_s);
    uint16_t source = 0;
    graph->nodes = 0;
    graph->edges = 0;
    for (uint32_t position = 0; position < CT_WINDOW; position++) {
        const ct_seen *seen = ct_frame_of(state, position);
        uint16_t node = ct_node_of(state, seen);
        ct_add_to_node(ct_node_x(graph, node), seen, state->slots[seen->slot].period_s);
        if (before != NULL) {
            uint16_t edge = ct_edge_of(graph, source, node);
            if (edge == CT_NO_EDGE) {
                edge = ct_add_edge(graph, source, node);
            }
            ct_add_to_edge(ct_edge_x(graph, edge), before, seen, bus.gap_s);
        }
        before = seen;
        source = node;
    }
    float duration_s = (float)ct_larger_double(ct_seconds(before) - ct_seconds(first), 0.0);
    ct_finish_edges(graph, source);
    ct_finish_nodes(graph, duration_s, ct_bus_rate(duration_s, bus.gap_s), bus.missing);
    ct_order_edges(graph);
}
