/* SM2 over a given e (GB/T 32918.2): 1 when done or right, 0 otherwise. */
#ifndef YINXIN_TEST_SM2_H
#define YINXIN_TEST_SM2_H

#include <openssl/bn.h>
#include <openssl/ec.h>

int sm2_sign(const EC_GROUP *curve, const BIGNUM *d, const BIGNUM *e, BIGNUM *r, BIGNUM *s, BN_CTX *ctx);
int sm2_verify(const EC_GROUP *curve, const EC_POINT *key, const BIGNUM *e, const BIGNUM *r, const BIGNUM *s,
               BN_CTX *ctx);
#endif
