/* SM2 signatures over a given e, with the curve arithmetic of libcrypto. For the software device of the tests only. */
#include "sm2.h"

/* GB/T 32918.2 section 6.1, from step A3 on: e is given. */
int sm2_sign(const EC_GROUP *curve, const BIGNUM *d, const BIGNUM *e, BIGNUM *r, BIGNUM *s,
             BN_CTX *ctx) {
    const BIGNUM *n = EC_GROUP_get0_order(curve);
    BIGNUM *k = BN_CTX_get(ctx), *x = BN_CTX_get(ctx), *t = BN_CTX_get(ctx);
    EC_POINT *point = EC_POINT_new(curve);
    int good = t != NULL && point != NULL, again = 1;
    while (good && again) {
        good = BN_priv_rand_range(k, n) && EC_POINT_mul(curve, point, k, NULL, NULL, ctx) &&
               EC_POINT_get_affine_coordinates(curve, point, x, NULL, ctx) && BN_mod_add(r, e, x, n, ctx) &&
               BN_add(t, r, k);
        if (!good || BN_is_zero(k) || BN_is_zero(r) || BN_cmp(t, n) == 0) continue;
        good = BN_mod_mul(x, r, d, n, ctx) && BN_mod_sub(x, k, x, n, ctx) && BN_copy(t, d) && BN_add_word(t, 1) &&
               BN_mod_inverse(t, t, n, ctx) && BN_mod_mul(s, t, x, n, ctx);
        again = BN_is_zero(s);
    }
    if (t != NULL) BN_clear(k), BN_clear(x), BN_clear(t);
    EC_POINT_clear_free(point);
    return good;
}

/* GB/T 32918.2 section 7.1, from step B1 on: e is given. */
int sm2_verify(const EC_GROUP *curve, const EC_POINT *key, const BIGNUM *e, const BIGNUM *r, const BIGNUM *s,
               BN_CTX *ctx) {
    const BIGNUM *n = EC_GROUP_get0_order(curve);
    BIGNUM *t = BN_CTX_get(ctx), *x = BN_CTX_get(ctx);
    EC_POINT *point = EC_POINT_new(curve);
    int good = x != NULL && point != NULL && !BN_is_zero(r) && !BN_is_zero(s) && BN_cmp(r, n) < 0 && BN_cmp(s, n) < 0;
    good = good && BN_mod_add(t, r, s, n, ctx) && !BN_is_zero(t) && EC_POINT_mul(curve, point, s, key, t, ctx) &&
           EC_POINT_get_affine_coordinates(curve, point, x, NULL, ctx) && BN_mod_add(t, e, x, n, ctx) &&
           BN_cmp(t, r) == 0;
    EC_POINT_free(point);
    return good;
}
