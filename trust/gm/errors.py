"""What can go wrong in SM2, SM3 and SM4, and whose fault it is."""

from trust.kernel.errors import InternalFault, InvalidInput, NotReady


class SignatureInvalid(InvalidInput):
    """The signature value is not one that this key made over this message."""

    code = "signature-invalid"
    title = "The signature does not match the data."
    title_zh = "签名与数据不符。"
    remedy = "Obtain the original file or request from its author; a changed byte breaks the signature."
    remedy_zh = "请向出具方索取原始文件或请求；任何改动都会使签名失效。"


class SignatureMalformed(SignatureInvalid):
    """The signature value cannot be one: not DER SEQ{r, s}, or r or s out of range. Refused before any arithmetic."""

    code = "signature-malformed"
    title = "The signature value is not well-formed."
    title_zh = "签名值格式不正确。"


class KeyUnusable(InvalidInput):
    """The bytes are not a key that this service uses: another curve, explicit parameters, a point off the curve."""

    code = "key-unusable"
    title = "The key cannot be used."
    title_zh = "密钥不可用。"
    remedy = "Use a key on the named curve (SM2: OID 1.2.156.10197.1.301), DER-encoded, with an uncompressed point."
    remedy_zh = "请使用命名曲线上的密钥（SM2 的 OID 为 1.2.156.10197.1.301），DER 编码，公钥点不压缩。"


class DigestUnusable(InvalidInput):
    """A ready digest does not have the length of the algorithm's hash function."""

    code = "digest-unusable"
    title = "The digest has the wrong length."
    title_zh = "摘要长度不正确。"
    remedy = "Give the 32 bytes e = SM3(ZA || M) of GB/T 32918.2, or the message itself."
    remedy_zh = "请提供 GB/T 32918.2 规定的 32 字节 e = SM3(ZA || M)，或直接提供消息。"


class SignerIdUnusable(InvalidInput):
    """The distinguishing identifier of the signer is longer than GB/T 32918.2 can express."""

    code = "signer-id-unusable"
    title = "The signer's distinguishing identifier is too long."
    title_zh = "签名者可辨别标识过长。"
    remedy = "Use the default identifier 1234567812345678 unless the other side prescribes one."
    remedy_zh = "除对方另有规定外，请使用默认标识 1234567812345678。"


class CiphertextInvalid(InvalidInput):
    """The ciphertext was not made for this key, or was altered. Deliberately silent about which check failed."""

    code = "ciphertext-invalid"
    title = "The encrypted data does not decrypt."
    title_zh = "密文无法解密。"
    remedy = "Obtain the encrypted data again; it was altered or was made for another key."
    remedy_zh = "请重新获取密文；密文被改动，或并非为此密钥加密。"


class PlaintextUnusable(InvalidInput):
    """The plaintext is empty or above the limit for public-key encryption."""

    code = "plaintext-unusable"
    title = "The data cannot be encrypted with a public key."
    title_zh = "数据不能用公钥加密。"
    remedy = "Encrypt a symmetric key with SM2, and the data with that key."
    remedy_zh = "请用 SM2 加密对称密钥，再用该密钥加密数据。"


class CipherParameterUnusable(InvalidInput):
    """A key, initialisation vector or nonce for SM4 has the wrong length."""

    code = "cipher-parameter-unusable"
    title = "A parameter of the cipher has the wrong length."
    title_zh = "密码算法参数长度不正确。"
    remedy = "Use a key of 16 bytes, an initialisation vector of 16 bytes (CBC) or a nonce of 12 bytes (GCM)."
    remedy_zh = "密钥应为 16 字节；CBC 初始向量应为 16 字节；GCM 随机数应为 12 字节。"


class EngineVerifyOnly(NotReady):
    """No library that may hold an SM2 private key is present: only verifying works."""

    code = "sm2-engine-verify-only"
    title = "SM2 keys cannot be used: only verification is available."
    title_zh = "SM2 密钥不可用：当前仅支持验签。"
    remedy = "Install OpenSSL 3.0 or later with SM2 (Debian: apt install libssl3) and start again."
    remedy_zh = "请安装支持 SM2 的 OpenSSL 3.0 或更高版本（Debian：apt install libssl3）后重新启动。"


class SelfTestFailed(NotReady):
    """A published vector came out wrong: nothing this process computes may be trusted."""

    code = "self-test-failed"
    title = "The cryptographic self-test failed."
    title_zh = "密码算法自检未通过。"
    remedy = "Do not use this machine; compare the library named in the log with the distribution's package."
    remedy_zh = "请勿继续使用本机；请将日志中所列密码库与发行版软件包核对。"
    retryable = False


class EngineFailed(InternalFault):
    """The library could not do what it must be able to do: no memory, no entropy, an inner error."""

    code = "crypto-engine-failed"
    title = "The cryptographic library reported an inner error."
    title_zh = "密码库报告内部错误。"
