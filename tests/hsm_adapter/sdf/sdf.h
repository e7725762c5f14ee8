/* The part of GM/T 0018 that the software device of the tests exports, written from the public facts on it. */
#ifndef YINXIN_TEST_SDF_H
#define YINXIN_TEST_SDF_H

#define SDR_OK 0x0
#define SDR_COMMFAIL 0x01000003
#define SDR_OPENDEVICE 0x01000005
#define SDR_OPENSESSION 0x01000006
#define SDR_KEYNOTEXIST 0x01000008
#define SDR_ALGNOTSUPPORT 0x01000009
#define SDR_PKOPERR 0x0100000B
#define SDR_SIGNERR 0x0100000D
#define SDR_VERIFYERR 0x0100000E
#define SDR_STEPERR 0x01000010
#define SDR_KEYERR 0x01000015
#define SDR_RANDERR 0x01000017
#define SDR_PRKRERR 0x01000018
#define SDR_INARGERR 0x0100001D
#define SDR_OUTARGERR 0x0100001E

#define SGD_SM2_1 0x00020200
#define ECCref_MAX_LEN 64

#pragma pack(push, 1)
typedef struct {
    unsigned char IssuerName[40], DeviceName[16], DeviceSerial[16];
    unsigned int DeviceVersion, StandardVersion, AsymAlgAbility[2], SymAlgAbility, HashAlgAbility, BufferSize;
} DEVICEINFO;
typedef struct {
    unsigned int bits;
    unsigned char x[ECCref_MAX_LEN], y[ECCref_MAX_LEN];
} ECCrefPublicKey;
typedef struct {
    unsigned char r[ECCref_MAX_LEN], s[ECCref_MAX_LEN];
} ECCSignature;
#pragma pack(pop)

int SDF_OpenDevice(void **device);
int SDF_CloseDevice(void *device);
int SDF_OpenSession(void *device, void **session);
int SDF_CloseSession(void *session);
int SDF_GetDeviceInfo(void *session, DEVICEINFO *info);
int SDF_GenerateRandom(void *session, unsigned int length, unsigned char *random);
int SDF_GetPrivateKeyAccessRight(void *session, unsigned int index, unsigned char *password, unsigned int length);
int SDF_ReleasePrivateKeyAccessRight(void *session, unsigned int index);
int SDF_ExportSignPublicKey_ECC(void *session, unsigned int index, ECCrefPublicKey *key);
int SDF_InternalSign_ECC(void *session, unsigned int index, unsigned char *data, unsigned int length,
                         ECCSignature *signature);
int SDF_InternalVerify_ECC(void *session, unsigned int index, unsigned char *data, unsigned int length,
                           ECCSignature *signature);
int SDF_ExternalVerify_ECC(void *session, unsigned int algorithm, ECCrefPublicKey *key, unsigned char *data,
                           unsigned int length, ECCSignature *signature);
#endif
