/* ---- Classifier ------------------------------------------------------------------------------
 *
 * Graph attention; what its layers say of all nodes is pooled and classified.
 */

#if CT_HAS_GAT

/* Adds a node to what is pooled of a layer: sum and largest, one behind the other. */
static void ct_pool(const float *x, uint16_t width, bool first, float *out)
{
#if CT_POOLS_MEAN
    for (uint16_t k = 0; k < width; k++) {
        out[k] = (first ? 0.0f : out[k]) + x[k];
    }
    out += width;
#endif
#if CT_POOLS_MAXIMUM
    for (uint16_t k = 0; k < width; k++) {
        out[k] = first ? x[k] : ct_larger(out[k], x[k]);
    }
#endif
}

/* One attention layer: pools its output, and keeps it for the next one if there is any. */
static void ct_pool_layer(uint16_t number, ct_graph *graph, float *pooled)
{
    const ct_attention *layer = &ct_gat.layers[number];
    ct_rows rows = ct_rows_of(graph, number);
    ct_rows next = ct_rows_of(graph, (uint16_t)(number + 1));
    uint16_t width = layer->projection.outputs;
    ct_score_ends(layer, graph, &rows);
    for (uint16_t node = 0; node < graph->nodes; node = (uint16_t)(node + CT_BLOCK)) {
        float(*out)[CT_MOST_ROW] = graph->blocks[0];
        ct_attend(layer, graph, &rows, node, out);
        for (uint16_t row = 0; row < CT_BLOCK && node + row < graph->nodes; row++) {
            ct_pool(out[row], width, node + row == 0, pooled);
            if (number + 1 < ct_gat.layer_count) {
                ct_keep(&next, (uint16_t)(node + row), out[row], width);
            }
        }
    }
#if CT_POOLS_MEAN
    for (uint16_t k = 0; k < width; k++) {
        pooled[k] /= (float)graph->nodes;
    }
#endif
}

/* Fully connected layers of what is pooled; gives where their output lies. */
static const float *ct_classify(const ct_dense_layer *layers, uint16_t count, bool rectified,
                                ct_graph *graph)
{
    float *rows[2];
    rows[0] = graph->pooled;
    rows[1] = graph->blocks[0][0];
    for (uint16_t number = 0; number < count; number++) {
        const ct_dense_layer *layer = &layers[number];
        float *out = rows[(number + 1) % 2];
        ct_dense_row(layer, rows[number % 2], out);
        if (number + 1 == count) {
            continue;
        }
        if (rectified) {
            for (uint16_t k = 0; k < layer->matrix.outputs; k++) {
                out[k] = ct_larger(out[k], 0.0f);
            }
        } else {
            ct_elu(out, layer->matrix.outputs);
        }
    }
    return rows[count % 2];
}

/* Log odds of an attack. */
static void ct_score_by_gat(ct_graph *graph, ct_said *said)
{
    float *pooled = graph->pooled;
    float familiarity = 0.0f;
#if CT_KNOWS_IDS
    familiarity = ct_familiarity(&ct_gat.inputs, graph);
#endif
    ct_take_nodes(&ct_gat.inputs, graph);
    for (uint16_t number = 0; number < ct_gat.layer_count; number++) {
        ct_pool_layer(number, graph, pooled);
        pooled += (CT_POOLS_MEAN + CT_POOLS_MAXIMUM) * ct_gat.layers[number].projection.outputs;
    }
    const float *logits =
        ct_classify(ct_gat.classifier, ct_gat.classifier_layers, false, graph);
    ct_judge(&ct_gat.experience, logits[1] - logits[0], familiarity, false, said);
}

#endif
