/* Prints how the C compiler lays out the structures of GM/T 0018. */
#include "sdf.h"

#include <stddef.h>
#include <stdio.h>

#define SIZE(type) printf(#type " %zu\n", sizeof(type))
#define PLACE(type, member) printf(#type "." #member " %zu\n", offsetof(type, member))

int main(void) {
    SIZE(DEVICEINFO);
    PLACE(DEVICEINFO, IssuerName);
    PLACE(DEVICEINFO, DeviceName);
    PLACE(DEVICEINFO, DeviceSerial);
    PLACE(DEVICEINFO, DeviceVersion);
    PLACE(DEVICEINFO, StandardVersion);
    PLACE(DEVICEINFO, AsymAlgAbility);
    PLACE(DEVICEINFO, SymAlgAbility);
    PLACE(DEVICEINFO, HashAlgAbility);
    PLACE(DEVICEINFO, BufferSize);
    SIZE(ECCrefPublicKey);
    PLACE(ECCrefPublicKey, bits);
    PLACE(ECCrefPublicKey, x);
    PLACE(ECCrefPublicKey, y);
    SIZE(ECCSignature);
    PLACE(ECCSignature, r);
    PLACE(ECCSignature, s);
    return 0;
}
