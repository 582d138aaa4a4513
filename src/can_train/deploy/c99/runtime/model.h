
/* A weight as it is stored; of int8 the unit of each output channel stands beside the matrix. */
#if CT_INT8
typedef int8_t ct_weight;
typedef int16_t ct_end;
#define CT_UNIT(matrix, output) ((matrix)->units[output])
#else
typedef float ct_weight;
typedef float ct_end;
#define CT_UNIT(matrix, output) 1.0f
#endif

/* A number of a node between two layers: as it is, or in units of the largest of its node. */
#if CT_SHORT_ROWS
typedef int16_t ct_number;
#else
typedef float ct_number;
#endif

/* Policies of a fusion. */
#define CT_POLICY_DQN 0
#define CT_POLICY_LOGISTIC 1
#define CT_POLICY_MAXIMUM 2
#define CT_POLICY_MEAN 3

/* A matrix [inputs][outputs]. */
typedef struct {
    const ct_weight *weights;
    const float *units; /* of each output; NULL for float32 weights */
    uint16_t inputs;
    uint16_t outputs;
} ct_matrix;

/* What attention scores come from [inputs][2 * heads]. */
typedef struct {
    const ct_end *weights;
    const float *units; /* of each end; NULL for float32 weights */
} ct_ends;

/* What an attention layer adds to its output. */
typedef enum { CT_NOTHING, CT_LEARNED, CT_INPUT } ct_residual;

/* An attention layer of `heads` heads with `channels` outputs each. */
typedef struct {
    ct_matrix projection;
    ct_matrix own;          /* learned residual, if it has one */
    const float *bias;      /* [heads * channels] */
    ct_ends of_ends;        /* attention of inputs: as sources, then as targets */
    const float *of_edge;   /* attention of edge features [heads][features] */
    const float *of_loop;   /* attention of loops [heads], if nodes have them */
    ct_residual residual;
    uint16_t heads;
    uint16_t channels;
    uint16_t edge_at; /* place of its first head among the scores of an edge */
    bool loops;       /* every node gets an edge to itself */
} ct_attention;

/* A fully connected layer. */
typedef struct {
    ct_matrix matrix;
    const float *bias;
} ct_dense_layer;

/* How features are scaled, and which IDs are known. */
typedef struct {
    const float *node_mean; /* [CT_NODE_FEATURES] */
    const float *node_unit;
    const float *edge_mean; /* [CT_EDGE_FEATURES] */
    const float *edge_unit;
#if CT_KNOWS_IDS
    const uint32_t *ids; /* ascending */
    uint16_t known_ids;
#endif
} ct_inputs;

/* Margins of benign windows. */
typedef struct {
    const float *known;    /* distinct margins, ascending */
    const ct_rank *smaller; /* how many windows have a smaller one */
    uint32_t windows;
    float tail; /* unit beyond the largest margin */
    uint16_t count;
} ct_margins;

#if CT_HAS_FUSION
/* What excesses are measured with: a threshold, and the way to it from a usual benign window. */
typedef struct {
    float threshold;     /* on cars that were trained on */
    float unit;          /* the way there */
    float far_threshold; /* on other cars */
    float far_unit;
} ct_yardstick;
#endif

/* Benign margins that a detector's margin is compared with. */
typedef struct {
    ct_margins known_car; /* on cars that were trained on */
#if CT_SHOWS_STATE
    ct_margins other_cars; /* on other cars */
#endif
#if CT_HAS_FUSION
    ct_yardstick yardstick;
#endif
    float relief; /* added to the margins of familiar cars */
} ct_experience;

#if CT_HAS_VGAE
typedef struct {
    ct_inputs inputs;
    const ct_attention *encoder;
    const ct_dense_layer *decoder;
    ct_dense_layer latent;
    float error_unit[2];         /* of mean and largest node error */
    ct_experience experience;
    uint16_t encoder_layers;
    uint16_t decoder_layers;
} ct_vgae_model;
extern const ct_vgae_model ct_vgae;
#endif

#if CT_HAS_GAT
typedef struct {
    ct_inputs inputs;
    const ct_attention *layers;
    const ct_dense_layer *classifier;
    ct_experience experience;
    uint16_t layer_count;
    uint16_t classifier_layers;
} ct_gat_model;
extern const ct_gat_model ct_gat;
#endif

#if CT_HAS_FUSION
typedef struct {
#if CT_SHOWS_STATE
    const float *state_mean; /* [CT_STATE] */
    const float *state_unit;
#endif
    const float *weight;         /* of a linear policy */
    const ct_dense_layer *agent; /* of the policy `dqn` */
    ct_margins known_car;
    float bias;
    float relief;
    uint16_t agent_layers;
} ct_fusion_model;
extern const ct_fusion_model ct_fusion;
#endif

#if CT_VEHICLES > 0
/* One ID of a vehicle's profile. */
typedef struct {
    double period_s;   /* usual interval */
    float low[2];      /* smallest usual ln(mean interval / period) and jitter */
    float high[2];     /* largest usual ones */
    float unit[2];     /* distance outside of them that counts as 1 */
    uint64_t constant; /* payload bits that never change */
    uint64_t value;    /* those bits */
    uint64_t lengths;  /* bit d: sent with DLC d */
    uint16_t modulus;  /* of its counter; 0: it has none */
    uint16_t step;     /* of its counter, from frame to frame */
    uint8_t byte;      /* of the payload that holds the counter */
    uint8_t shift;     /* of the counter in it */
    bool fixed;        /* constant bits stay so on further drives */
    bool punctual;     /* hardly ever breaks its rhythm */
    bool core;         /* the vehicle is recognised by it */
} ct_profile_row;

/* A vehicle's profile. */
typedef struct {
    const uint32_t *ids;           /* of its rows, ascending */
    const ct_profile_row *profile; /* [rows] */
    const uint32_t *familiar;      /* all IDs that it sends, ascending */
    uint16_t rows;
    uint16_t familiar_ids;
    uint16_t first_row; /* among the rows of all vehicles */
} ct_vehicle;
extern const ct_vehicle ct_vehicles[CT_VEHICLES];
extern const ct_margins ct_vehicle_margins;
#endif

/* Thresholds of the scorers: a window is above if its margin is greater. */
extern const double ct_thresholds[CT_SCORERS];

/* Up to which median a recording is calm. */
typedef struct {
    double level;
    double step; /* how exactly the median is known; 0: nothing is added to margins */
} ct_level_of_scorer;
extern const ct_level_of_scorer ct_levels[CT_SCORERS];
