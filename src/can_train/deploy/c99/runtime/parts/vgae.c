/* ---- Anomaly detector ------------------------------------------------------------------------
 *
 * A graph autoencoder: how badly it tells nodes, their IDs and those beside them from a few numbers.
 */

#if CT_HAS_VGAE

#define CT_LOG_FLOOR 1e-6f /* added to errors before their logarithm */

/* Sums over the nodes of a window. */
typedef struct {
    double node;       /* squared errors of features */
    float largest;     /* of one node */
    double id;         /* cross-entropies of IDs */
    double beside;     /* of the IDs beside nodes */
    uint16_t known;    /* nodes with a known ID */
    uint16_t accompanied; /* of those, beside a known ID */
} ct_errors;

/* Notes which known IDs each node has an edge with, in either direction. */
static void ct_note_neighbours(ct_graph *graph)
{
    memset(graph->neighbours, 0, sizeof graph->neighbours);
    for (uint16_t edge = 0; edge < graph->edges; edge++) {
        uint16_t source = graph->source[edge];
        uint16_t target = graph->target[edge];
        uint16_t of_source = graph->known[source];
        uint16_t of_target = graph->known[target];
        graph->neighbours[source][of_target / 32u] |= UINT32_C(1) << (of_target % 32u);
        graph->neighbours[target][of_source / 32u] |= UINT32_C(1) << (of_source % 32u);
    }
    for (uint16_t node = 0; node < graph->nodes; node++) {
        graph->neighbours[node][0] &= ~UINT32_C(1); /* unknown IDs don't count */
    }
}

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

/* Cross-entropy of a node's own ID. */
static void ct_add_id_error(const ct_graph *graph, uint16_t node, const float *logits,
                            ct_errors *errors)
{
    float largest = logits[0];
    float mass = 0.0f;
    if (graph->known[node] == 0) {
        return;
    }
    for (uint16_t k = 1; k < CT_KNOWN_IDS; k++) {
        largest = ct_larger(largest, logits[k]);
    }
    for (uint16_t k = 0; k < CT_KNOWN_IDS; k++) {
        mass += ct_exp(logits[k] - largest);
    }
    errors->id += (double)(ct_log(mass) + largest - logits[graph->known[node] - 1]);
    errors->known++;
}

/* Binary cross-entropy of all known IDs, beside the node or not. */
static void ct_add_neighbour_error(const ct_graph *graph, uint16_t node, const float *logits,
                                   ct_errors *errors)
{
    uint32_t any = 0;
    float error = 0.0f;
    for (uint16_t word = 0; word < CT_ID_WORDS; word++) {
        any |= graph->neighbours[node][word];
    }
    if (graph->known[node] == 0 || any == 0) {
        return;
    }
    for (uint16_t k = 0; k < CT_KNOWN_IDS; k++) {
        float logit = logits[k];
        error += ct_log1p_of_unit(ct_exp(-ct_magnitude(logit))) + ct_larger(logit, 0.0f);
    }
    for (uint16_t k = 0; k < CT_KNOWN_IDS; k++) {
        uint32_t word = graph->neighbours[node][(k + 1u) / 32u];
        error -= (word >> ((k + 1u) % 32u)) & 1u ? logits[k] : 0.0f;
    }
    errors->beside += (double)(error / (float)CT_KNOWN_IDS);
    errors->accompanied++;
}

/* Errors of the nodes of one block, from their encodings in the first block. */
static void ct_add_block(ct_graph *graph, uint16_t node, ct_errors *errors)
{
    float(*one)[CT_MOST_ROW] = graph->blocks[0];
    float(*latent)[CT_MOST_ROW] = graph->blocks[1];
    float(*other)[CT_MOST_ROW] = graph->blocks[2];
    uint16_t block = (uint16_t)(graph->nodes - node < CT_BLOCK ? graph->nodes - node : CT_BLOCK);
    ct_dense(&ct_vgae.latent, one, latent);

    ct_dense(&ct_vgae.decoder[0], latent, one);
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

    ct_fill_rows(one, ct_vgae.id_bias, CT_KNOWN_IDS);
    ct_add_product(latent, &ct_vgae.classes, 0, CT_KNOWN_IDS, one);
    for (uint16_t row = 0; row < block; row++) {
        ct_add_id_error(graph, (uint16_t)(node + row), one[row], errors);
    }

    ct_fill_rows(other, NULL, ct_vgae.turn.outputs);
    ct_add_product(latent, &ct_vgae.turn, 0, ct_vgae.turn.outputs,
                   other);
    ct_fill_rows(one, ct_vgae.neighbour_bias, CT_KNOWN_IDS);
    ct_add_product(other, &ct_vgae.classes, 0, CT_KNOWN_IDS, one);
    for (uint16_t row = 0; row < block; row++) {
        ct_add_neighbour_error(graph, (uint16_t)(node + row), one[row], errors);
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
    ct_note_neighbours(graph);
    for (uint16_t layer = 0; layer < ct_vgae.encoder_layers; layer++) {
        ct_encode(layer, graph, &errors);
    }
    float mean = (float)(errors.node / graph->nodes);
    float of_ids = (float)(errors.id / (errors.known ? errors.known : 1));
    float beside = (float)(errors.beside / (errors.accompanied ? errors.accompanied : 1));
    float combined = mean / ct_vgae.error_unit[0] + errors.largest / ct_vgae.error_unit[1] +
                     of_ids / ct_vgae.error_unit[2] + beside / ct_vgae.error_unit[3];
    ct_judge(&ct_vgae.experience, ct_log(combined + CT_LOG_FLOOR), familiarity, true, said);
#if CT_SHOWS_STATE
    said->state[CT_STATE_NUMBERS] = ct_log(mean + CT_LOG_FLOOR);
    said->state[CT_STATE_NUMBERS + 1] = ct_log(errors.largest + CT_LOG_FLOOR);
#endif
}

#endif
