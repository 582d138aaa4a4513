/* ---- Anomaly detector ------------------------------------------------------------------------
 *
 * A graph autoencoder: how badly it tells nodes from a few numbers.
 */

#if CT_HAS_VGAE

#define CT_LOG_FLOOR 1e-6f /* added to errors before their logarithm */

/* Sums over the nodes of a window. */
typedef struct {
    double node;   /* squared errors of features */
    float largest; /* of one node */
} ct_errors;

/* Squared error of a node's features. */
static void ct_add_node_error(ct_graph *graph, uint16_t node, const float *told, ct_errors *errors)
{
    const ct_inputs *inputs = &ct_vgae.inputs;
    float error = 0.0f;
    for (uint16_t k = 0; k < CT_NODE_FEATURES; k++) {
        float off = told[k] - ct_scaled(ct_node_x(graph, node)[k], inputs->node_mean[k],
                                        inputs->node_unit[k]);
        error += off * off;
    }
    error /= (float)CT_NODE_FEATURES;
    graph->unexpected[node] = error;
    errors->node += (double)error;
    errors->largest = ct_larger(errors->largest, error);
}

/* Errors of the nodes of one block, from their encodings in the first block. */
static void ct_add_block(ct_graph *graph, uint16_t node, ct_errors *errors)
{
    float(*one)[CT_MOST_ROW] = graph->blocks[0];
    float(*other)[CT_MOST_ROW] = graph->blocks[1];
    uint16_t block = (uint16_t)(graph->nodes - node < CT_BLOCK ? graph->nodes - node : CT_BLOCK);
    ct_dense(&ct_vgae.latent, one, other);

    ct_dense(&ct_vgae.decoder[0], other, one);
    for (uint16_t layer = 1; layer < ct_vgae.decoder_layers; layer++) {
        for (uint16_t row = 0; row < CT_BLOCK; row++) {
            ct_elu(one[row], ct_vgae.decoder[layer].matrix.inputs);
        }
        ct_dense(&ct_vgae.decoder[layer], one, other);
        memcpy(one, other, sizeof(ct_block));
    }
    for (uint16_t row = 0; row < block; row++) {
        ct_add_node_error(graph, (uint16_t)(node + row), one[row], errors);
    }
}

/* One layer of the encoder; what the last one tells of a block is compared at once. */
static void ct_encode(uint16_t number, ct_graph *graph, ct_errors *errors)
{
    const ct_attention *layer = &ct_vgae.encoder[number];
    ct_rows rows = ct_rows_of(graph, number);
    ct_rows next = ct_rows_of(graph, (uint16_t)(number + 1));
    ct_score_ends(layer, graph, &rows);
    for (uint16_t node = 0; node < graph->nodes; node = (uint16_t)(node + CT_BLOCK)) {
        float(*out)[CT_MOST_ROW] = graph->blocks[0];
        ct_attend(layer, graph, &rows, node, out);
        if (number + 1 == ct_vgae.encoder_layers) {
            ct_add_block(graph, node, errors);
            continue;
        }
        for (uint16_t row = 0; row < CT_BLOCK && node + row < graph->nodes; row++) {
            ct_keep(&next, (uint16_t)(node + row), out[row], layer->projection.outputs);
        }
    }
}

/* Logarithm of the window's error. */
static void ct_score_by_vgae(ct_graph *graph, ct_said *said)
{
    ct_errors errors = {0};
    float familiarity = ct_familiarity(&ct_vgae.inputs, graph);
    ct_take_nodes(&ct_vgae.inputs, graph);
    for (uint16_t layer = 0; layer < ct_vgae.encoder_layers; layer++) {
        ct_encode(layer, graph, &errors);
    }
    float mean = (float)(errors.node / graph->nodes);
    float combined = mean / ct_vgae.error_unit[0] + errors.largest / ct_vgae.error_unit[1];
    ct_judge(&ct_vgae.experience, ct_log(combined + CT_LOG_FLOOR), familiarity, true, said);
#if CT_SHOWS_STATE
    said->state[CT_STATE_NUMBERS] = ct_log(mean + CT_LOG_FLOOR);
    said->state[CT_STATE_NUMBERS + 1] = ct_log(errors.largest + CT_LOG_FLOOR);
#endif
}

#endif
