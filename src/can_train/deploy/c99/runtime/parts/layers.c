/* ---- Layers of the networks ------------------------------------------------------------------
 *
 * Matrices have the inputs in their rows. Products are made four rows of the input at a time, so
 * that each weight is read once for four nodes.
 */

#define CT_BLOCK 4               /* rows at a time */
#define CT_NEGATIVE_SLOPE 0.2f   /* of the leaky rectifier of attention scores */
#ifndef CT_LANE
#define CT_LANE 4                /* columns at a time: as many as registers hold, times CT_BLOCK */
#endif

/* `columns` columns of CT_BLOCK rows of x * matrix; `columns` is a constant where it is called. */
static inline void ct_columns(const float *const *x, const ct_matrix *matrix, uint16_t at,
                              uint16_t columns, float (*out)[CT_MOST_ROW])
{
    const ct_weight *weight = matrix->weights + at;
    float sum[CT_BLOCK][CT_LANE] = {{0.0f}};
    for (uint16_t k = 0; k < matrix->inputs; k++) {
        for (uint16_t j = 0; j < columns; j++) {
            float w = (float)weight[j];
            sum[0][j] += x[0][k] * w;
            sum[1][j] += x[1][k] * w;
            sum[2][j] += x[2][k] * w;
            sum[3][j] += x[3][k] * w;
        }
        weight += matrix->outputs;
    }
    for (uint16_t j = 0; j < columns; j++) {
        float unit = CT_UNIT(matrix, at + j);
        for (uint16_t row = 0; row < CT_BLOCK; row++) {
            out[row][at + j] += sum[row][j] * unit;
        }
    }
}

/* Adds CT_BLOCK rows of x * matrix to `out`. */
static void ct_add_product(const float *const *x, const ct_matrix *matrix,
                           float (*out)[CT_MOST_ROW])
{
    uint16_t at = 0;
    for (; at + CT_LANE <= matrix->outputs; at = (uint16_t)(at + CT_LANE)) {
        ct_columns(x, matrix, at, CT_LANE, out);
    }
    for (; at + 4 <= matrix->outputs; at = (uint16_t)(at + 4)) {
        ct_columns(x, matrix, at, 4, out);
    }
    for (; at < matrix->outputs; at++) {
        ct_columns(x, matrix, at, 1, out);
    }
}

/* Writes one row into CT_BLOCK rows. */
static void ct_fill_rows(float (*out)[CT_MOST_ROW], const float *row, uint16_t width)
{
    for (uint16_t number = 0; number < CT_BLOCK; number++) {
        for (uint16_t j = 0; j < width; j++) {
            out[number][j] = row ? row[j] : 0.0f;
        }
    }
}

/* Exponential linear unit, in place. */
static void ct_elu(float *x, uint16_t width)
{
    for (uint16_t j = 0; j < width; j++) {
#if CT_LANE > 4
        /* Without a branch, so that a compiler turns it into vector instructions. */
        float below = x[j] < 0.0f ? x[j] : 0.0f;
        float above = x[j] > 0.0f ? x[j] : 0.0f;
        x[j] = above + (ct_exp(below) - 1.0f);
#else
        if (x[j] < 0.0f) {
            x[j] = ct_exp(x[j]) - 1.0f;
        }
#endif
    }
}

/* Pointers to CT_BLOCK rows from `node` on; those behind the last one are the last one again. */
static void ct_point(const float **rows, float (*x)[CT_MOST_WIDTH], uint16_t node, uint16_t nodes)
{
    for (uint16_t row = 0; row < CT_BLOCK; row++) {
        rows[row] = x[node + row < nodes ? node + row : nodes - 1];
    }
}

/* Copies rows of a block to the nodes from `node` on. */
static void ct_store(float (*rows)[CT_MOST_ROW], float (*x)[CT_MOST_WIDTH], uint16_t node,
                     uint16_t nodes, uint16_t width)
{
    for (uint16_t row = 0; row < CT_BLOCK && node + row < nodes; row++) {
        memcpy(x[node + row], rows[row], width * sizeof(float));
    }
}

/* z = x * projection, and in x what the layer adds to its attention: bias and residual. */
static void ct_project(const ct_attention *layer, ct_graph *graph)
{
    uint16_t width = layer->projection.outputs;
    for (uint16_t node = 0; node < graph->nodes; node = (uint16_t)(node + CT_BLOCK)) {
        const float *x[CT_BLOCK];
        ct_point(x, graph->x, node, graph->nodes);
        ct_fill_rows(graph->rows, NULL, width);
        ct_add_product(x, &layer->projection, graph->rows);
        ct_store(graph->rows, graph->z, node, graph->nodes, width);
        ct_fill_rows(graph->rows, layer->bias, width);
        if (layer->residual == CT_LEARNED) {
            ct_add_product(x, &layer->own, graph->rows);
        } else if (layer->residual == CT_INPUT) {
            for (uint16_t row = 0; row < CT_BLOCK; row++) {
                for (uint16_t j = 0; j < width; j++) {
                    graph->rows[row][j] += x[row][j];
                }
            }
        }
        ct_store(graph->rows, graph->x, node, graph->nodes, width);
    }
}

/* What each node adds to an attention score as a source and as a target. */
static void ct_score_ends(const ct_attention *layer, ct_graph *graph)
{
    for (uint16_t node = 0; node < graph->nodes; node++) {
        const float *z = graph->z[node];
        for (uint16_t head = 0, c = 0; head < layer->heads; head++) {
            float source = 0.0f;
            float target = 0.0f;
            for (uint16_t number = 0; number < layer->channels; number++, c++) {
                source += z[c] * layer->of_source[c];
                target += z[c] * layer->of_target[c];
            }
            graph->as_source[node][head] = source;
            graph->as_target[node][head] = target;
        }
    }
}

/* Turns the scores of one node's edges and one head into shares. */
static void ct_share(ct_graph *graph, uint16_t head, uint16_t count)
{
    float largest = graph->score[0][head];
    float total = 0.0f;
    for (uint16_t number = 1; number < count; number++) {
        largest = ct_larger(largest, graph->score[number][head]);
    }
    for (uint16_t number = 0; number < count; number++) {
        graph->score[number][head] = ct_exp(graph->score[number][head] - largest);
        total += graph->score[number][head];
    }
    for (uint16_t number = 0; number < count; number++) {
        graph->score[number][head] /= total;
    }
}

/* Scores of the edges that lead to a node, and of its loop if there are any; gives their number. */
static uint16_t ct_score_edges(const ct_attention *layer, ct_graph *graph, uint16_t node)
{
    uint16_t begin = graph->first[node];
    uint16_t edges = (uint16_t)(graph->first[node + 1] - begin);
    uint16_t count = (uint16_t)(edges + (layer->loops ? 1 : 0));
    for (uint16_t number = 0; number < count; number++) {
        bool loop = number == edges;
        uint16_t edge = loop ? 0 : graph->order[begin + number];
        uint16_t source = loop ? node : graph->source[edge];
        for (uint16_t head = 0; head < layer->heads; head++) {
            float value = graph->as_source[source][head] + graph->as_target[node][head];
            value += loop ? layer->of_loop[head] : graph->edge_score[edge][layer->edge_at + head];
            graph->score[number][head] = value < 0.0f ? value * CT_NEGATIVE_SLOPE : value;
        }
    }
    for (uint16_t head = 0; head < layer->heads && count > 0; head++) {
        ct_share(graph, head, count);
    }
    return count;
}

/* Adds to a node the mean of its sources, weighted by the scores. */
static void ct_gather(const ct_attention *layer, ct_graph *graph, uint16_t node, uint16_t count)
{
    uint16_t begin = graph->first[node];
    uint16_t edges = (uint16_t)(graph->first[node + 1] - begin);
    float *to = graph->x[node];
    for (uint16_t number = 0; number < count; number++) {
        bool loop = number == edges;
        const float *of = graph->z[loop ? node : graph->source[graph->order[begin + number]]];
        for (uint16_t head = 0, c = 0; head < layer->heads; head++) {
            float share = graph->score[number][head];
            for (uint16_t channel = 0; channel < layer->channels; channel++, c++) {
                to[c] += share * of[c];
            }
        }
    }
}

/* Replaces the nodes in x by the output of one attention layer. */
static void ct_attend(const ct_attention *layer, ct_graph *graph)
{
    ct_project(layer, graph);
    ct_score_ends(layer, graph);
    for (uint16_t node = 0; node < graph->nodes; node++) {
        uint16_t count = ct_score_edges(layer, graph, node);
        ct_gather(layer, graph, node, count);
        ct_elu(graph->x[node], layer->projection.outputs);
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
            x[k] = ct_scaled(graph->edge_x[edge][k], inputs->edge_mean[k], inputs->edge_unit[k]);
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

/* Writes scaled features into x; gives how far the car is one that was trained on, in [0, 1]. */
static float ct_take_nodes(const ct_inputs *inputs, ct_graph *graph)
{
    uint16_t known = 0;
    for (uint16_t node = 0; node < graph->nodes; node++) {
        uint16_t index = ct_known_index(inputs, graph->node_id[node]);
        graph->known[node] = index;
        known = (uint16_t)(known + (index > 0 ? 1 : 0));
        for (uint16_t k = 0; k < CT_NODE_FEATURES; k++) {
            graph->x[node][k] =
                ct_scaled(graph->node_x[node][k], inputs->node_mean[k], inputs->node_unit[k]);
        }
    }
    float share = (float)known / (float)graph->nodes;
    return ct_clip((share - CT_STRANGER) / (1.0f - CT_STRANGER), 0.0f, 1.0f);
}

/* One fully connected layer of CT_BLOCK rows: from x to `out`. */
static void ct_dense(const ct_dense_layer *layer, const float *const *x, float (*out)[CT_MOST_ROW])
{
    ct_fill_rows(out, layer->bias, layer->matrix.outputs);
    ct_add_product(x, &layer->matrix, out);
}

/* The same of a single row of any width. */
static void ct_dense_row(const ct_dense_layer *layer, const float *x, float *out)
{
    const ct_matrix *matrix = &layer->matrix;
    const ct_weight *weight = matrix->weights;
    for (uint16_t j = 0; j < matrix->outputs; j++) {
        out[j] = 0.0f;
    }
    for (uint16_t k = 0; k < matrix->inputs; k++) {
        float of = x[k];
        for (uint16_t j = 0; j < matrix->outputs; j++) {
            out[j] += of * (float)weight[j];
        }
        weight += matrix->outputs;
    }
    for (uint16_t j = 0; j < matrix->outputs; j++) {
        out[j] = out[j] * CT_UNIT(matrix, j) + layer->bias[j];
    }
}
