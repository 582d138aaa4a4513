/* ---- Classifier ------------------------------------------------------------------------------
 *
 * Graph attention; what its layers say of all nodes is pooled and classified.
 */

#if CT_HAS_GAT

/* Mean and largest of the nodes in x, one behind the other; gives how many numbers that is. */
static uint16_t ct_pool(const ct_graph *graph, uint16_t width, float *out)
{
    uint16_t filled = 0;
#if CT_POOLS_MEAN
    memset(out, 0, width * sizeof(float));
    for (uint16_t node = 0; node < graph->nodes; node++) {
        for (uint16_t k = 0; k < width; k++) {
            out[k] += graph->x[node][k];
        }
    }
    for (uint16_t k = 0; k < width; k++) {
        out[k] /= (float)graph->nodes;
    }
    filled = width;
#endif
#if CT_POOLS_MAXIMUM
    memcpy(out + filled, graph->x[0], width * sizeof(float));
    for (uint16_t node = 1; node < graph->nodes; node++) {
        for (uint16_t k = 0; k < width; k++) {
            out[filled + k] = ct_larger(out[filled + k], graph->x[node][k]);
        }
    }
    filled = (uint16_t)(filled + width);
#endif
    return filled;
}

/* Fully connected layers of one row; gives where their output lies. */
static const float *ct_classify(const ct_dense_layer *layers, uint16_t count, bool rectified,
                                float (*rows)[CT_MOST_POOLED])
{
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
    uint16_t filled = 0;
    float familiarity = ct_take_nodes(&ct_gat.inputs, graph);
    ct_score_features(&ct_gat.inputs, ct_gat.layers, ct_gat.layer_count, graph);
    for (uint16_t number = 0; number < ct_gat.layer_count; number++) {
        const ct_attention *layer = &ct_gat.layers[number];
        ct_attend(layer, graph);
        filled = (uint16_t)(filled +
                            ct_pool(graph, layer->projection.outputs, graph->pooled[0] + filled));
    }
    const float *logits =
        ct_classify(ct_gat.classifier, ct_gat.classifier_layers, false, graph->pooled);
    ct_judge(&ct_gat.experience, logits[1] - logits[0], familiarity, false, said);
}

#endif
