/* ---- Layers of the networks ------------------------------------------------------------------
 *
 * An attention layer mixes its inputs before it projects them, sum(share * x) * W instead of
 * sum(share * (x * W)), so that nothing is kept of a node but its input and its output.
 */

#define CT_NEGATIVE_SLOPE 0.2f /* of the leaky rectifier of attention scores */

/* `count` ends of one node from `at` on; `count` is a constant where it is called. */
static inline void ct_some_ends(const ct_attention *layer, const float *x, uint16_t at,
                                uint16_t count, float *out)
{
    const ct_end *weight = layer->of_ends.weights + at;
    float sum[8] = {0.0f};
    for (uint16_t k = 0; k < layer->projection.inputs; k++) {
        for (uint16_t j = 0; j < count; j++) {
            sum[j] += x[k] * (float)weight[j];
        }
        weight += 2u * layer->heads;
    }
    for (uint16_t j = 0; j < count; j++) {
        out[at + j] = sum[j] * CT_UNIT(&layer->of_ends, at + j);
    }
}

/* What each node adds to attention scores, as a source and as a target. */
static void ct_score_ends(const ct_attention *layer, ct_graph *graph, const ct_rows *rows)
{
    uint16_t ends = (uint16_t)(2u * layer->heads);
    float(*x)[CT_MOST_ROW] = graph->blocks[0];
    for (uint16_t node = 0; node < graph->nodes; node++) {
        const float *of = x[node % CT_BLOCK];
        uint16_t at = 0;
        if (node % CT_BLOCK == 0) {
            ct_take_block(rows, node, graph->nodes, x, layer->projection.inputs);
        }
        for (; at + 8 <= ends; at = (uint16_t)(at + 8)) {
            ct_some_ends(layer, of, at, 8, graph->ends[node]);
        }
        for (; at < ends; at = (uint16_t)(at + 2)) {
            ct_some_ends(layer, of, at, 2, graph->ends[node]);
        }
    }
}

/* Shares of the edges that lead to a node, and of its loop if there are any, for one head; gives
 * how many there are. */
static uint16_t ct_share(const ct_attention *layer, ct_graph *graph, uint16_t node, uint16_t head)
{
    uint16_t begin = graph->first[node];
    uint16_t edges = (uint16_t)(graph->first[node + 1] - begin);
    uint16_t count = (uint16_t)(edges + (layer->loops ? 1 : 0));
    float target = graph->ends[node][layer->heads + head];
    float *score = graph->score;
    float largest = 0.0f;
    float total = 0.0f;
    for (uint16_t number = 0; number < count; number++) {
        bool loop = number == edges;
        uint16_t edge = loop ? 0 : graph->order[begin + number];
        float value = graph->ends[loop ? node : graph->source[edge]][head] + target;
        value += loop ? layer->of_loop[head] : graph->edge_score[edge][layer->edge_at + head];
        value = value < 0.0f ? value * CT_NEGATIVE_SLOPE : value;
        largest = number == 0 ? value : ct_larger(largest, value);
        score[number] = value;
    }
    for (uint16_t number = 0; number < count; number++) {
        score[number] = ct_exp(score[number] - largest);
        total += score[number];
    }
    for (uint16_t number = 0; number < count; number++) {
        score[number] /= total;
    }
    return count;
}

/* For one head: the sources of a node, weighted by their shares. */
static void ct_gather(const ct_attention *layer, ct_graph *graph, const ct_rows *rows,
                      uint16_t node, uint16_t head, float *out)
{
    uint16_t count = ct_share(layer, graph, node, head);
    uint16_t begin = graph->first[node];
    uint16_t edges = (uint16_t)(graph->first[node + 1] - begin);
    uint16_t inputs = layer->projection.inputs;
    memset(out, 0, inputs * sizeof(float));
    for (uint16_t number = 0; number < count; number++) {
        uint16_t source = number == edges ? node : graph->source[graph->order[begin + number]];
        ct_mix(rows, source, graph->score[number], out, inputs);
    }
}

/* Output of one attention layer for the nodes of a block; ct_score_ends comes first. */
static void ct_attend(const ct_attention *layer, ct_graph *graph, const ct_rows *rows,
                      uint16_t node, ct_block out)
{
    float(*mixed)[CT_MOST_ROW] = graph->blocks[1];
    uint16_t width = layer->projection.outputs;
    ct_fill_rows(out, layer->bias, width);
    if (layer->residual != CT_NOTHING) {
        ct_take_block(rows, node, graph->nodes, mixed, layer->projection.inputs);
    }
    if (layer->residual == CT_LEARNED) {
        ct_add_product(mixed, &layer->own, 0, width, out);
    } else if (layer->residual == CT_INPUT) {
        for (uint16_t row = 0; row < CT_BLOCK; row++) {
            for (uint16_t j = 0; j < width; j++) {
                out[row][j] += mixed[row][j];
            }
        }
    }
    for (uint16_t head = 0; head < layer->heads; head++) {
        uint16_t at = (uint16_t)(head * layer->channels);
        for (uint16_t row = 0; row < CT_BLOCK; row++) {
            uint16_t of = (uint16_t)(node + row < graph->nodes ? node + row : graph->nodes - 1);
            ct_gather(layer, graph, rows, of, head, mixed[row]);
        }
        ct_add_product(mixed, &layer->projection, at,
                       (uint16_t)(at + layer->channels), out);
    }
    for (uint16_t row = 0; row < CT_BLOCK; row++) {
        ct_elu(out[row], width);
    }
}

/* A feature in units of its deviation among benign windows. */
static inline float ct_scaled(float x, float mean, float unit)
{
    return ct_clip((x - mean) / unit, -CT_SCALED_LIMIT, CT_SCALED_LIMIT);
}

/* What every edge adds to the attention of every layer. */
static void ct_score_features(const ct_inputs *inputs, const ct_attention *layers, uint16_t count,
                              ct_graph *graph)
{
    for (uint16_t edge = 0; edge < graph->edges; edge++) {
        float x[CT_EDGE_FEATURES];
        for (uint16_t k = 0; k < CT_EDGE_FEATURES; k++) {
            x[k] = ct_scaled(ct_edge_x(graph, edge)[k], inputs->edge_mean[k],
                             inputs->edge_unit[k]);
        }
        for (uint16_t number = 0; number < count; number++) {
            const ct_attention *layer = &layers[number];
            for (uint16_t head = 0; head < layer->heads; head++) {
                float sum = 0.0f;
                for (uint16_t k = 0; k < CT_EDGE_FEATURES; k++) {
                    sum += x[k] * layer->of_edge[head * CT_EDGE_FEATURES + k];
                }
                graph->edge_score[edge][layer->edge_at + head] = sum;
            }
        }
    }
}

#if CT_KNOWS_IDS
/* Index of an ID in the vocabulary; 0: unknown. */
static uint16_t ct_known_index(const ct_inputs *inputs, uint32_t id)
{
    uint16_t low = 0;
    uint16_t high = inputs->known_ids;
    while (low < high) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if (inputs->ids[middle] < id) {
            low = (uint16_t)(middle + 1);
        } else {
            high = middle;
        }
    }
    return low < inputs->known_ids && inputs->ids[low] == id ? (uint16_t)(low + 1) : 0;
}

/* How far the car is one that was trained on, in [0, 1]. */
static float ct_familiarity(const ct_inputs *inputs, ct_graph *graph)
{
    uint16_t known = 0;
    for (uint16_t node = 0; node < graph->nodes; node++) {
        uint16_t index = ct_known_index(inputs, graph->node_id[node]);
        known = (uint16_t)(known + (index > 0 ? 1 : 0));
    }
    float share = (float)known / (float)graph->nodes;
    return ct_clip((share - CT_STRANGER) / (1.0f - CT_STRANGER), 0.0f, 1.0f);
}
#endif

/* Scaled features, as the first layer reads them. */
static void ct_take_nodes(const ct_inputs *inputs, ct_graph *graph)
{
    ct_rows rows = ct_rows_of(graph, 0);
    for (uint16_t node = 0; node < graph->nodes; node++) {
        float x[CT_NODE_FEATURES];
        for (uint16_t k = 0; k < CT_NODE_FEATURES; k++) {
            x[k] = ct_scaled(ct_node_x(graph, node)[k], inputs->node_mean[k], inputs->node_unit[k]);
        }
        ct_keep(&rows, node, x, CT_NODE_FEATURES);
    }
}
