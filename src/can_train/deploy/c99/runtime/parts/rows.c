/* ---- Nodes between layers --------------------------------------------------------------------
 *
 * As floats, or, where there is little memory, in 16 bits with a unit for each node.
 */

#define CT_SHORTEST_UNIT 1e-30f /* of a node without any number but 0 */
#define CT_LARGEST_SHORT 32767.0f

/* Numbers of all nodes between two layers. */
typedef struct {
    ct_number *numbers; /* [nodes][width] */
    float *units;       /* [nodes], of short numbers */
    uint16_t width;
} ct_rows;

/* What a layer reads, from 0. */
static inline ct_rows ct_rows_of(ct_graph *graph, uint16_t layer)
{
    ct_rows rows;
    rows.numbers = layer % 2u ? graph->shared.odd[0] : graph->even[0];
    rows.width = layer % 2u ? CT_ODD_WIDTH : CT_EVEN_WIDTH;
#if CT_SHORT_ROWS
    rows.units = graph->units[layer % 2u];
#else
    rows.units = NULL;
#endif
    return rows;
}

/* Keeps `width` numbers of a node. */
static void ct_keep(const ct_rows *rows, uint16_t node, const float *x, uint16_t width)
{
    ct_number *to = rows->numbers + (uint32_t)node * rows->width;
#if CT_SHORT_ROWS
    float largest = CT_SHORTEST_UNIT * CT_LARGEST_SHORT;
    for (uint16_t k = 0; k < width; k++) {
        largest = ct_larger(largest, ct_magnitude(x[k]));
    }
    float per_unit = CT_LARGEST_SHORT / largest;
    rows->units[node] = largest / CT_LARGEST_SHORT;
    for (uint16_t k = 0; k < width; k++) {
        float scaled = x[k] * per_unit;
        to[k] = (ct_number)(scaled < 0.0f ? scaled - 0.5f : scaled + 0.5f);
    }
#else
    memcpy(to, x, width * sizeof(float));
#endif
}

/* Adds `share` times the numbers of a node to `out`. */
static inline void ct_mix(const ct_rows *rows, uint16_t node, float share, float *out,
                          uint16_t width)
{
    const ct_number *of = rows->numbers + (uint32_t)node * rows->width;
#if CT_SHORT_ROWS
    share *= rows->units[node];
#endif
    for (uint16_t k = 0; k < width; k++) {
        out[k] += share * (float)of[k];
    }
}

/* The nodes from `node` on, as many as a block has; behind the last one that one again. */
static void ct_take_block(const ct_rows *rows, uint16_t node, uint16_t nodes, ct_block out,
                          uint16_t width)
{
    for (uint16_t row = 0; row < CT_BLOCK; row++) {
        memset(out[row], 0, width * sizeof(float));
        uint16_t of = (uint16_t)(node + row < nodes ? node + row : nodes - 1);
        ct_mix(rows, of, 1.0f, out[row], width);
    }
}
