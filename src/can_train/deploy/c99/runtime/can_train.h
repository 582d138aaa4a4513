/* Intrusion detection on one classic CAN bus: frames in, events out.
 *
 * No heap, no recursion, every loop bounded; all memory is one `ct_state`, which the caller owns.
 * The numbers are those of `can_train.stream_of` on the same frames (docs/guides/control-unit.md).
 */
#ifndef CAN_TRAIN_H
#define CAN_TRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "can_train_tables.h"

/* Flags of a frame. */
#define CT_EXTENDED 0x01u /* 29-bit identifier */
#define CT_FD 0x02u       /* CAN FD: refused and counted */
#define CT_REMOTE 0x04u   /* remote frame: carries no data, whatever its DLC */
#define CT_ERROR 0x08u    /* error frame of a controller: refused and counted */

/* Bit of an arbitration ID as it is reported: set for extended ones. */
#define CT_EXTENDED_ID 0x80000000u

/* Arbitration IDs that are followed at a time. Frames of further ones count as one unknown ID. */
#ifndef CT_MOST_IDS
#define CT_MOST_IDS CT_USUAL_IDS
#endif

/* Nodes of a window's graph; frames of further IDs count for the last node. */
#ifndef CT_MOST_NODES
#if CT_USUAL_NODES > 0
#define CT_MOST_NODES CT_USUAL_NODES
#else
#define CT_MOST_NODES (CT_MOST_IDS + 1 < CT_WINDOW ? CT_MOST_IDS + 1 : CT_WINDOW)
#endif
#endif

#define CT_BLOCK 4 /* nodes at a time in layers */

/* Transitions between consecutive frames: a window can't hold more edges. */
#define CT_MOST_EDGES (CT_WINDOW - 1)

/* Places of the hash table of IDs: a power of two, at least twice as many as IDs. */
#ifndef CT_ID_PLACES
#define CT_ID_PLACES                                                                               \
    (CT_MOST_IDS <= 64 ? 128 : CT_MOST_IDS <= 256 ? 512 : CT_MOST_IDS <= 2048 ? 4096 : 65536)
#endif

/* How serious a window is. */
typedef enum { CT_QUIET, CT_NOTICE, CT_ALARM } ct_severity;

/* What one scorer says of a window. */
typedef struct {
    float margin;   /* unbounded, with level and doubt; higher is more suspicious */
    float p_value;  /* how rare it is without them among benign windows, in (0, 1] */
    ct_severity severity; /* by the alarm rule: CT_RULE_K of the last CT_RULE_N windows */
    bool above;     /* above the scorer's threshold */
} ct_verdict;

/* The latest window. */
typedef struct {
    ct_verdict verdicts[CT_SCORERS]; /* by scorer, in the order of `ct_scorer_names` */
    uint64_t start_us;               /* timestamp of its first frame */
    uint64_t end_us;                 /* timestamp of its last frame */
    uint32_t number;                 /* of the window, from 0 */
    uint32_t top_id;                 /* arbitration ID that the model expected least */
    float top_share;                 /* its share of what was unexpected, in [0, 1] */
} ct_decision;

/* The severity of the detector (its last scorer) has changed. */
typedef struct {
    ct_severity severity; /* from now on */
    ct_severity before;   /* until now */
    ct_decision decision; /* the window that changed it */
} ct_event;

/* What was counted since `ct_init`. */
typedef struct {
    uint64_t frames;       /* taken */
    uint64_t refused;      /* CAN FD, error frames, more than 8 bytes, impossible IDs */
    uint64_t ids_beyond;   /* frames of IDs that the table had no room for */
    uint64_t ids_replaced; /* IDs that gave way to newer ones */
    uint64_t nodes_beyond; /* frames that were counted for the last node of a full graph */
    uint32_t windows;      /* decided */
} ct_counts;

/* One frame of the current window, compared with its ID's past. */
typedef struct {
#if CT_VEHICLES > 0
    double deviation;    /* from the vehicle's profile, in units; CT_SILENT: nothing is said */
#endif
    uint64_t time_us;    /* as stamped */
    uint32_t id;         /* arbitration ID */
    uint16_t slot;       /* of its ID */
    uint8_t changed;     /* payload bits that changed */
    bool dlc_changed;
    float log_ratio;     /* ln(interval / mean interval) */
    float z_score;       /* (interval - mean) / deviation */
    float variation;     /* ln(1 + deviation / mean) */
    float bits_surprise; /* changed bits less their mean, in bytes */
    float new_bits;      /* ln(1 + bits that never changed before) */
    float novelty;       /* 1 for an ID that was never heard, falling to 0 */
    float density;       /* share of payload bits that are 1 */
    float earliness;     /* by which two intervals are too short, as a share of two periods */
} ct_seen;

#if CT_MOST_IDS < 255
typedef uint8_t ct_place_of_slot; /* a slot's number, or CT_MOST_IDS */
#else
typedef uint16_t ct_place_of_slot;
#endif

/* What is remembered of one arbitration ID. */
typedef struct {
    double last_s;           /* steady time of its last frame */
    double first_s;          /* of its first one */
    double mean_s;           /* running mean of its intervals */
    uint64_t payload;        /* last one */
    uint64_t changed;        /* payload bits that ever changed */
    float variance_s2;       /* and their variance */
    float period_s;          /* mean before its last frame; 0 while it isn't known */
    float bits_mean;         /* mean number of changed payload bits */
    float before_s;          /* from the frame before its last one to that */
    float on_time;           /* share of late that two intervals took as long as two periods */
    float lateness;          /* periods that frames were late and later ones haven't made good */
    float lateness_before;   /* the same an interval ago */
    uint32_t frame;          /* number of its last frame in the stream, from 1; it may wrap */
    uint32_t id;             /* arbitration ID */
    uint32_t shown_in;       /* latest window that showed it, from 1 */
    uint16_t intervals;      /* counted up to the memory of means */
    uint8_t seen;            /* frames, counted up to the end of novelty */
    uint8_t dlc;             /* of its last frame */
    uint16_t node;           /* in the window `shown_in` */
    bool late;               /* first heard after the recording's warm-up */
#if CT_VEHICLES > 0
    uint32_t stretches;           /* quarters of a second in which it was there */
    uint32_t latest_stretch;      /* the last of them */
    int16_t row[CT_VEHICLES];     /* in each vehicle's profile; -1: none */
    bool familiar[CT_VEHICLES];   /* whether the vehicle sends it */
#endif
} ct_slot;

/* A clock that goes on steadily when the recorder's is set. */
typedef struct {
    double offset_s;        /* added to stamps */
    double last_s;          /* steady time of the last frame */
    double usual_gap_s;     /* between frames */
    double before_offset_s; /* offset before the last jump */
    double before_s;        /* steady time before it */
    bool jumped;            /* whether there is such a time */
    uint16_t frames;        /* counted up to its memory */
} ct_clock;

/* What is remembered of the bus. */
typedef struct {
    double start_s; /* steady time of the first frame */
    double last_s;  /* of the last one */
    double gap_s;   /* running mean gap between frames */
    float together; /* share of frames with the stamp of the frame before */
    uint32_t gaps;  /* counted up to its memory */
} ct_bus;

#if CT_VEHICLES > 0
/* What is remembered of one ID of a vehicle's profile; intervals in periods of the ID. */
typedef struct {
    double last_s;       /* steady time of its last frame */
    double mean;         /* running mean interval */
    double jitter;       /* running mean deviation from it */
    double deviation;    /* from what is usual, in units */
    double breaks;       /* recent frames out of its rhythm */
    double blame;        /* recent frames that broke a rule of its payload */
    uint32_t seen;       /* frames */
    uint32_t intervals;  /* intervals */
    uint32_t offbeat;    /* of those, unlike its period */
    uint32_t strange;    /* payloads of another vehicle */
    int32_t undisturbed; /* intervals since its rhythm was last broken */
    int32_t kept;        /* payloads in a row that kept the rules, until those are believed */
    int32_t counter;     /* last value of its counter */
    int32_t reference;   /* last value that went on from the one before */
} ct_watched;

/* A vehicle's profile on this stream. */
typedef struct {
    double bus_wide; /* deviation that most of its IDs share */
    bool open;       /* the stream has shown itself to be of this vehicle */
} ct_gate;
#endif

/* Margins of a scorer so far, counted by their depth below the level of usual recordings. */
typedef struct {
    uint32_t total;                  /* sum of the counts */
    uint16_t windows;                /* counted up to the end of the warm-up */
    uint16_t counts[CT_LEVEL_STEPS];
} ct_calm;

/* The graph of a window and the layers' memory; nothing in it outlives a window. */
typedef struct {
    uint32_t node_id[CT_MOST_NODES];                    /* arbitration ID */
    uint16_t source[CT_MOST_EDGES];                     /* node that an edge begins at */
    uint16_t target[CT_MOST_EDGES];                     /* node that it leads to */
    uint16_t next_of_source[CT_MOST_EDGES];             /* next edge from the same node */
    uint16_t first_of_source[CT_MOST_NODES];            /* first edge from a node */
    uint16_t order[CT_MOST_EDGES];                      /* edges by their targets */
    uint16_t first[CT_MOST_NODES + 1];                  /* first edge of each target in `order` */
    uint16_t nodes;
    uint16_t edges;
#if CT_HAS_VGAE
    float node_x[CT_MOST_NODES][CT_NODE_FEATURES];      /* features, unscaled */
#endif
    union {
        struct { /* until the first layer */
#if !CT_HAS_VGAE
            float node_x[CT_MOST_NODES][CT_NODE_FEATURES];
#endif
            float edge_x[CT_MOST_EDGES][CT_EDGE_FEATURES]; /* features, unscaled */
        } features;
        ct_number odd[CT_MOST_NODES][CT_ODD_WIDTH];     /* nodes, input of the odd layers */
    } shared;
    ct_number even[CT_MOST_NODES][CT_EVEN_WIDTH];       /* nodes, input of the even layers */
#if CT_SHORT_ROWS
    float units[2][CT_MOST_NODES];                      /* of the numbers in `even` and `odd` */
#endif
    float edge_score[CT_MOST_EDGES][CT_EDGE_SCORES];    /* what edges add to attention */
    float ends[CT_MOST_NODES][2 * CT_MOST_HEADS];       /* what nodes add: as source, as target */
    float score[CT_MOST_NODES + 1];                     /* attention of one node and head */
    float blocks[2][CT_BLOCK][CT_MOST_ROW];             /* rows of some nodes on their way */
    float pooled[CT_MOST_POOLED];                       /* what is known of all nodes together */
#if CT_HAS_VGAE
    float unexpected[CT_MOST_NODES];                    /* error of each node */
#endif
} ct_graph;

/* All memory of a detector; its fields are nobody's business but the detector's. */
typedef struct {
    ct_counts counts;
    ct_decision decision;
    ct_event event;
    ct_clock clock;
    ct_bus bus;
    uint64_t next_end;                     /* number of the frame that fills the next window */
    ct_slot slots[CT_MOST_IDS + 1];        /* the last one stands for all IDs beyond */
    ct_place_of_slot places[CT_ID_PLACES]; /* slots by hash of the ID; CT_MOST_IDS: free */
    uint16_t slot_count;
    uint32_t early[64];                    /* set of the IDs of the warm-up, 2048 bits */
    ct_seen seen[CT_WINDOW];               /* latest frames, a ring */
    uint16_t lanes[CT_SCORERS][CT_LANES];  /* bits: which of a lane's last windows were above */
    uint16_t lane;                         /* of the next window */
    ct_calm calm[CT_SCORERS];              /* how calm the stream is */
    uint16_t cursor;                       /* place of the next frame in `seen` */
#if CT_VEHICLES > 0
    ct_watched watched[CT_PROFILE_ROWS];   /* IDs of all profiles */
    ct_gate gates[CT_VEHICLES];
#endif
    ct_graph graph;
} ct_state;

/* Names of the scorers, in the order of their verdicts; the last one is the detector. */
extern const char *const ct_scorer_names[CT_SCORERS];

/* Forgets everything: to be called once, and before another recording. */
void ct_init(ct_state *state);

/* Takes one frame; gives the event that it makes, or NULL.
 *
 * time_us: microseconds, from any origin.
 * id: 11 bits, or 29 with CT_EXTENDED.
 * flags: CT_EXTENDED, CT_FD, CT_REMOTE, CT_ERROR.
 * dlc: number of payload bytes, 0 to 8.
 * payload: as many bytes; may be NULL if there are none.
 *
 * The event lies in `state`, until the next call.
 */
const ct_event *ct_frame(ct_state *state, uint64_t time_us, uint32_t id, uint8_t flags,
                         uint8_t dlc, const uint8_t *payload);

/* The latest decision; NULL before the first full window. */
const ct_decision *ct_latest(const ct_state *state);

/* What was counted so far. */
const ct_counts *ct_counted(const ct_state *state);

#endif
