/* ---- Numbers ---------------------------------------------------------------------------------
 *
 * Exponential and logarithm: polynomials of the Cephes library (S. L. Moshier, 1992), the same as
 * those of can_train, so that results don't depend on a C library.
 */

static float ct_clip(float value, float low, float high)
{
    return value < low ? low : value > high ? high : value;
}

static double ct_clip_double(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

static float ct_larger(float one, float other)
{
    return one > other ? one : other;
}

static double ct_larger_double(double one, double other)
{
    return one > other ? one : other;
}

static double ct_smaller_double(double one, double other)
{
    return one < other ? one : other;
}

static inline float ct_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t ct_to_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* exp(x) of x <= 0, to 2 units in the last place. */
static inline float ct_exp(float x)
{
    float lowest = x < -87.0f ? -87.0f : x;
    int32_t whole = (int32_t)(lowest * 1.44269504f - 0.5f);
    float power = (float)whole;
    float r = lowest - power * 0.693359375f - power * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    return (p * r * r + r + 1.0f) * ct_from_bits((uint32_t)((whole + 127) * 8388608));
}

/* ln(1 + f) of -0.3 < f < 0.42. */
static inline float ct_log_near_1(float f)
{
    float p = 7.0376836292e-2f;
    p = p * f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    return f - 0.5f * f * f + f * f * f * p;
}

/* ln(x) of a positive normal x. */
static float ct_log(float x)
{
    uint32_t bits = ct_to_bits(x);
    int32_t exponent = (int32_t)(bits >> 23) - 127;
    float mantissa = ct_from_bits((bits & 0x007fffffu) | 0x3f800000u);
    if (mantissa > 1.41421356f) {
        mantissa *= 0.5f;
        exponent += 1;
    }
    float power = (float)exponent;
    return ct_log_near_1(mantissa - 1.0f) + power * -2.12194440e-4f + power * 0.693359375f;
}

/* Square root of x >= 0. */
static double ct_sqrt(double x)
{
#ifdef CT_NO_LIBM
    /* Newton's method from half the exponent: quadratic, so five steps reach the last place. */
    union {
        uint64_t bits;
        double value;
    } both;
    if (x < 1e-300) {
        return 0.0;
    }
    both.value = x;
    both.bits = (both.bits >> 1) + (UINT64_C(511) << 52) + (UINT64_C(1) << 51);
    for (int step = 0; step < 6; step++) {
        both.value = 0.5 * (both.value + x / both.value);
    }
    return both.value;
#else
    return sqrt(x);
#endif
}

/* Number of 1 bits (Warren, Hacker's Delight, section 5-1). */
static uint32_t ct_ones(uint64_t word)
{
    word = word - ((word >> 1) & UINT64_C(0x5555555555555555));
    word = (word & UINT64_C(0x3333333333333333)) + ((word >> 2) & UINT64_C(0x3333333333333333));
    word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (uint32_t)((word * UINT64_C(0x0101010101010101)) >> 56);
}
