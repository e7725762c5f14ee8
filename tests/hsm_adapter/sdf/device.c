/* A software SDF device over libcrypto, for tests only: keys lie in files, in the clear.
 *
 * The folder that holds this shared object is the device: each copy of the file in a folder of its own is another
 * device, and every process that loads it sees the same keys. Files in the folder:
 *   key-<index>        private key, 64 hex digits          password        of all keys, at least 8 bytes
 *   max-sessions       number, 64 if absent                attempts        wrong passwords so far; 5 lock for good
 * and what makes it misbehave:
 *   unplugged          no call is answered                 unplug-after    number of signatures until it is unplugged
 *   boot               number; handles of another boot are dead
 *   hang               name of the function that does not return while the file is there
 *   wrong-signature    s is wrong by a bit                 malformed       r is longer than 256 bits
 *   stuck-random       random bytes are zeros              vendor-code     number answered for a wrong password
 *   left-aligned, little-endian   numbers are laid out so  trace           each call is appended to it
 */
#define _GNU_SOURCE
#include "sdf.h"
#include "sm2.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { KEYS = 32, SESSIONS = 64, NUMBER = 32, WRONG_PASSWORDS = 5, SHORTEST_PASSWORD = 8, LONGEST_PASSWORD = 256 };

struct session {
    int open, busy, right[KEYS];
    long boot;
};

static char folder[PATH_MAX];
static EC_GROUP *curve;
static struct session sessions[SESSIONS];
static int devices; /* handles of SDF_OpenDevice carry the boot in which they were made, plus one */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void find_folder(void) {
    Dl_info info;
    if (dladdr((void *)find_folder, &info) == 0 || realpath(info.dli_fname, folder) == NULL) abort();
    *strrchr(folder, '/') = '\0';
    curve = EC_GROUP_new_by_curve_name(NID_sm2);
}

/* ---- files ---- */

static const char *path(const char *name, char *room) {
    if (snprintf(room, PATH_MAX + 64, "%s/%s", folder, name) < 0) abort();
    return room;
}

static int present(const char *name) {
    char room[PATH_MAX + 64];
    return access(path(name, room), F_OK) == 0;
}

static size_t content(const char *name, char *text, size_t size) {
    char room[PATH_MAX + 64];
    FILE *file = fopen(path(name, room), "r");
    size_t length = file == NULL ? 0 : fread(text, 1, size - 1, file);
    if (file != NULL) fclose(file);
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r')) length--;
    text[length] = '\0';
    return length;
}

static long number(const char *name, long otherwise) {
    char text[32];
    return content(name, text, sizeof text) > 0 ? strtol(text, NULL, 0) : otherwise;
}

static void write_number(const char *name, long value) {
    char room[PATH_MAX + 64];
    FILE *file = fopen(path(name, room), "w");
    if (file == NULL) return;
    fprintf(file, "%ld\n", value);
    fclose(file);
}

/* ---- every call begins here ---- */

static int reach(const char *function) {
    char room[PATH_MAX + 64], named[64];
    if (present("trace")) {
        int file = open(path("trace", room), O_WRONLY | O_APPEND);
        if (file >= 0) dprintf(file, "%s\n", function), close(file);
    }
    while (content("hang", named, sizeof named) > 0 && strcmp(named, function) == 0) usleep(2000);
    return present("unplugged") ? SDR_COMMFAIL : SDR_OK;
}

static int enter(struct session *session, const char *function) {
    int code = reach(function);
    if (session < sessions || session >= sessions + SESSIONS) return SDR_INARGERR;
    pthread_mutex_lock(&gate);
    if (code == SDR_OK && !session->open) code = SDR_INARGERR;
    if (code == SDR_OK && session->boot != number("boot", 0)) code = SDR_COMMFAIL;
    if (code == SDR_OK && session->busy) code = SDR_STEPERR; /* a session is for one thread at a time */
    if (code == SDR_OK) session->busy = 1;
    pthread_mutex_unlock(&gate);
    return code;
}

static int leave(struct session *session, int code) {
    pthread_mutex_lock(&gate);
    session->busy = 0;
    pthread_mutex_unlock(&gate);
    return code;
}

/* ---- device and sessions ---- */

int SDF_OpenDevice(void **device) {
    int code = reach("SDF_OpenDevice");
    if (code != SDR_OK) return SDR_OPENDEVICE;
    if (device == NULL) return SDR_OUTARGERR;
    pthread_mutex_lock(&gate);
    devices++;
    *device = (void *)(number("boot", 0) + 1);
    pthread_mutex_unlock(&gate);
    return SDR_OK;
}

int SDF_CloseDevice(void *device) {
    int code = reach("SDF_CloseDevice");
    pthread_mutex_lock(&gate);
    if (devices == 0 || device == NULL) code = SDR_INARGERR;
    else devices--;
    pthread_mutex_unlock(&gate);
    return code;
}

int SDF_OpenSession(void *device, void **session) {
    int code = reach("SDF_OpenSession"), open = 0;
    if (code != SDR_OK) return code;
    if (session == NULL) return SDR_OUTARGERR;
    if ((long)device != number("boot", 0) + 1) return SDR_COMMFAIL;
    pthread_mutex_lock(&gate);
    struct session *room = NULL;
    for (int i = 0; i < SESSIONS; i++) {
        if (sessions[i].open) open++;
        else if (room == NULL) room = &sessions[i];
    }
    if (room == NULL || open >= number("max-sessions", SESSIONS)) {
        code = SDR_OPENSESSION;
    } else {
        memset(room, 0, sizeof *room);
        room->open = 1;
        room->boot = (long)device - 1;
        *session = room;
    }
    pthread_mutex_unlock(&gate);
    return code;
}

int SDF_CloseSession(void *handle) {
    struct session *session = handle;
    int code = reach("SDF_CloseSession");
    if (session < sessions || session >= sessions + SESSIONS) return SDR_INARGERR;
    pthread_mutex_lock(&gate);
    if (!session->open || session->busy) code = SDR_INARGERR;
    else session->open = 0;
    pthread_mutex_unlock(&gate);
    return code;
}

int SDF_GetDeviceInfo(void *session, DEVICEINFO *info) {
    int code = enter(session, "SDF_GetDeviceInfo");
    if (code != SDR_OK) return code;
    memset(info, 0, sizeof *info);
    memcpy(info->IssuerName, "yinxin tests", 12);
    memcpy(info->DeviceName, "software SDF", 12);
    memcpy(info->DeviceSerial, "2026112200000001", 16);
    info->DeviceVersion = 1;
    info->StandardVersion = 2;
    info->AsymAlgAbility[0] = SGD_SM2_1;
    info->AsymAlgAbility[1] = 256;
    return leave(session, SDR_OK);
}

int SDF_GenerateRandom(void *session, unsigned int length, unsigned char *random) {
    int code = enter(session, "SDF_GenerateRandom");
    if (code != SDR_OK) return code;
    memset(random, 0, length);
    if (!present("stuck-random") && RAND_bytes(random, (int)length) != 1) code = SDR_RANDERR;
    return leave(session, code);
}

/* ---- access rights ---- */

static int private_key(unsigned int index, BIGNUM **d) {
    char name[32], text[80];
    snprintf(name, sizeof name, "key-%u", index);
    if (index == 0 || index >= KEYS || content(name, text, sizeof text) != 2 * NUMBER) return SDR_KEYNOTEXIST;
    int read = BN_hex2bn(d, text);
    OPENSSL_cleanse(text, sizeof text);
    return read == 2 * NUMBER ? SDR_OK : SDR_KEYERR;
}

static int password_is_right(const unsigned char *password, unsigned int length) {
    char expected[LONGEST_PASSWORD + 1], room[PATH_MAX + 64];
    int guard = open(path("attempts.lock", room), O_CREAT | O_RDWR, 0600);
    flock(guard, LOCK_EX);
    long wrong = number("attempts", 0);
    size_t size = content("password", expected, sizeof expected);
    int right = wrong < WRONG_PASSWORDS && length == size && CRYPTO_memcmp(password, expected, size) == 0;
    if (wrong < WRONG_PASSWORDS) write_number("attempts", right ? 0 : wrong + 1);
    close(guard);
    OPENSSL_cleanse(expected, sizeof expected);
    return right;
}

int SDF_GetPrivateKeyAccessRight(void *handle, unsigned int index, unsigned char *password, unsigned int length) {
    struct session *session = handle;
    BIGNUM *d = NULL;
    int code = enter(session, "SDF_GetPrivateKeyAccessRight");
    if (code != SDR_OK) return code;
    code = private_key(index, &d);
    BN_clear_free(d);
    if (code == SDR_OK && (length < SHORTEST_PASSWORD || length > LONGEST_PASSWORD)) code = SDR_INARGERR;
    if (code == SDR_OK && !password_is_right(password, length)) code = (int)number("vendor-code", SDR_PRKRERR);
    if (code == SDR_OK) session->right[index] = 1;
    return leave(session, code);
}

int SDF_ReleasePrivateKeyAccessRight(void *handle, unsigned int index) {
    struct session *session = handle;
    int code = enter(session, "SDF_ReleasePrivateKeyAccessRight");
    if (code != SDR_OK) return code;
    if (index >= KEYS || !session->right[index]) return leave(session, SDR_PRKRERR);
    session->right[index] = 0;
    return leave(session, SDR_OK);
}

/* ---- numbers ---- */

static void put(unsigned char field[ECCref_MAX_LEN], const BIGNUM *value) {
    unsigned char *place = field + (present("left-aligned") ? 0 : ECCref_MAX_LEN - NUMBER);
    memset(field, 0, ECCref_MAX_LEN);
    if (present("little-endian")) BN_bn2lebinpad(value, place, NUMBER);
    else BN_bn2binpad(value, place, NUMBER);
}

static void get(const unsigned char field[ECCref_MAX_LEN], BIGNUM *value) {
    const unsigned char *place = field + (present("left-aligned") ? 0 : ECCref_MAX_LEN - NUMBER);
    if (present("little-endian")) BN_lebin2bn(place, NUMBER, value);
    else BN_bin2bn(place, NUMBER, value);
}

/* ---- keys and signatures ---- */

int SDF_ExportSignPublicKey_ECC(void *session, unsigned int index, ECCrefPublicKey *key) {
    BIGNUM *d = NULL, *x = BN_new(), *y = BN_new();
    EC_POINT *point = EC_POINT_new(curve);
    int code = enter(session, "SDF_ExportSignPublicKey_ECC"), entered = code == SDR_OK;
    if (code == SDR_OK) code = private_key(index, &d);
    if (code == SDR_OK && (!EC_POINT_mul(curve, point, d, NULL, NULL, NULL) ||
                           !EC_POINT_get_affine_coordinates(curve, point, x, y, NULL)))
        code = SDR_PKOPERR;
    if (code == SDR_OK) {
        key->bits = 256;
        put(key->x, x);
        put(key->y, y);
    }
    EC_POINT_free(point);
    BN_clear_free(d), BN_free(x), BN_free(y);
    return entered ? leave(session, code) : code;
}

static int unplugged_now(void) {
    char room[PATH_MAX + 64];
    pthread_mutex_lock(&gate);
    long left = number("unplug-after", -1);
    if (left > 0) write_number("unplug-after", left - 1);
    if (left == 0) {
        write_number("unplugged", 1);
        unlink(path("unplug-after", room));
    }
    pthread_mutex_unlock(&gate);
    return left == 0;
}

int SDF_InternalSign_ECC(void *handle, unsigned int index, unsigned char *data, unsigned int length,
                         ECCSignature *signature) {
    struct session *session = handle;
    BIGNUM *d = NULL, *e = BN_new(), *r = BN_new(), *s = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    int code = enter(session, "SDF_InternalSign_ECC"), entered = code == SDR_OK;
    BN_CTX_start(ctx);
    if (code == SDR_OK) code = length == NUMBER ? private_key(index, &d) : SDR_INARGERR;
    if (code == SDR_OK && !session->right[index]) code = SDR_PRKRERR;
    if (code == SDR_OK && unplugged_now()) code = SDR_COMMFAIL;
    if (code == SDR_OK && BN_bin2bn(data, NUMBER, e) == NULL) code = SDR_SIGNERR;
    if (code == SDR_OK) code = sm2_sign(curve, d, e, r, s, ctx) ? SDR_OK : SDR_SIGNERR;
    if (code == SDR_OK) {
        put(signature->r, r);
        put(signature->s, s);
        if (present("wrong-signature")) signature->s[ECCref_MAX_LEN - 1] ^= 1;
        if (present("malformed")) signature->r[0] = 1;
    }
    BN_CTX_end(ctx);
    BN_CTX_free(ctx);
    BN_clear_free(d);
    BN_free(e), BN_free(r), BN_free(s);
    return entered ? leave(session, code) : code;
}

static int check(const ECCrefPublicKey *key, const unsigned char *data, unsigned int length, const ECCSignature *given) {
    BIGNUM *x = BN_new(), *y = BN_new(), *e = BN_new(), *r = BN_new(), *s = BN_new();
    BN_CTX *ctx = BN_CTX_new();
    EC_POINT *point = EC_POINT_new(curve);
    BN_CTX_start(ctx);
    get(key->x, x), get(key->y, y), get(given->r, r), get(given->s, s);
    int code = length == NUMBER && key->bits == 256 ? SDR_OK : SDR_INARGERR;
    if (code == SDR_OK && !EC_POINT_set_affine_coordinates(curve, point, x, y, ctx)) code = SDR_PKOPERR;
    if (code == SDR_OK && BN_bin2bn(data, NUMBER, e) == NULL) code = SDR_VERIFYERR;
    if (code == SDR_OK) code = sm2_verify(curve, point, e, r, s, ctx) ? SDR_OK : SDR_VERIFYERR;
    BN_CTX_end(ctx);
    BN_CTX_free(ctx);
    EC_POINT_free(point);
    BN_free(x), BN_free(y), BN_free(e), BN_free(r), BN_free(s);
    return code;
}

int SDF_InternalVerify_ECC(void *session, unsigned int index, unsigned char *data, unsigned int length,
                           ECCSignature *signature) {
    ECCrefPublicKey key;
    int code = SDF_ExportSignPublicKey_ECC(session, index, &key);
    if (code == SDR_OK) code = enter(session, "SDF_InternalVerify_ECC");
    return code == SDR_OK ? leave(session, check(&key, data, length, signature)) : code;
}

int SDF_ExternalVerify_ECC(void *session, unsigned int algorithm, ECCrefPublicKey *key, unsigned char *data,
                           unsigned int length, ECCSignature *signature) {
    int code = enter(session, "SDF_ExternalVerify_ECC");
    if (code != SDR_OK) return code;
    if (algorithm != SGD_SM2_1) return leave(session, SDR_ALGNOTSUPPORT);
    return leave(session, check(key, data, length, signature));
}
