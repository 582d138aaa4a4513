/* ---- Products --------------------------------------------------------------------------------
 *
 * Matrices have the inputs in their rows. Products are made four rows of the input at a time, so
 * that each weight is read once for four nodes.
 */

#ifndef CT_LANE
#define CT_LANE 4 /* columns at a time: as many as registers hold, times CT_BLOCK */
#endif

typedef float ct_block[CT_BLOCK][CT_MOST_ROW];

/* `columns` columns of CT_BLOCK rows of x * matrix; `columns` is a constant where it is called. */
static inline void ct_columns(ct_block x, const ct_matrix *matrix, uint16_t at,
                              uint16_t columns, ct_block out)
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

/* Adds the columns from `at` to `end` of CT_BLOCK rows of x * matrix to `out`. */
static void ct_add_product(ct_block x, const ct_matrix *matrix, uint16_t at, uint16_t end,
                           ct_block out)
{
    for (; at + CT_LANE <= end; at = (uint16_t)(at + CT_LANE)) {
        ct_columns(x, matrix, at, CT_LANE, out);
    }
#if CT_LANE > 8
    for (; at + 8 <= end; at = (uint16_t)(at + 8)) {
        ct_columns(x, matrix, at, 8, out);
    }
#endif
    for (; at + 4 <= end; at = (uint16_t)(at + 4)) {
        ct_columns(x, matrix, at, 4, out);
    }
    for (; at < end; at++) {
        ct_columns(x, matrix, at, 1, out);
    }
}

/* Writes one row into CT_BLOCK rows. */
static void ct_fill_rows(ct_block out, const float *row, uint16_t width)
{
    for (uint16_t number = 0; number < CT_BLOCK; number++) {
        for (uint16_t j = 0; j < width; j++) {
            out[number][j] = row ? row[j] : 0.0f;
        }
    }
}

#if CT_HAS_VGAE
/* One fully connected layer of CT_BLOCK rows: from x to `out`. */
static void ct_dense(const ct_dense_layer *layer, ct_block x, ct_block out)
{
    ct_fill_rows(out, layer->bias, layer->matrix.outputs);
    ct_add_product(x, &layer->matrix, 0, layer->matrix.outputs, out);
}
#endif

#if CT_HAS_GAT
/* One fully connected layer of a single row of any width. */
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
#endif

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
