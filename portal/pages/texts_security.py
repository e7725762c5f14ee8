# ruff: noqa: S106  words shown to people, no secrets
"""Security settings: every sentence in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from verifier.report import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityTexts:
    """The sentences of one language."""

    notes: Mapping[str, str]
    title: str
    lead: str
    level: str
    levels: tuple[str, str, str, str]
    strength: str
    strengths: tuple[str, str, str]
    password: str
    password_set: str
    password_none: str
    change_password: str
    choose_password: str
    change_title: str
    change_submit: str
    old_password: str
    codes: str
    codes_text: str
    codes_on: str
    codes_off: str
    codes_set_up: str
    codes_remove: str
    codes_title: str
    codes_lead: str
    codes_begin: str
    codes_scan: str
    codes_secret: str
    codes_open: str
    codes_confirm: str
    codes_confirm_hint: str
    codes_submit: str
    qr_alt: str
    passkeys: str
    passkeys_text: str
    passkeys_none: str
    passkey_added: str
    passkey_used: str
    passkey_never: str
    passkey_add: str
    passkey_add_title: str
    passkey_add_lead: str
    passkey_label: str
    passkey_label_hint: str
    passkey_start: str
    passkey_failed: str
    passkey_script: str
    passkey_remove: str
    recovery: str
    recovery_text: str
    recovery_left: str
    recovery_none: str
    recovery_make: str
    recovery_title: str
    recovery_lead: str
    recovery_replaces: str
    recovery_kept: str
    weaker: str
    missing: str


_ZH: Final = SecurityTexts(
    notes=MappingProxyType(
        {
            "password-changed": "密码已更改。",
            "codes-on": "动态验证码已启用。下次登录时需要输入。",
            "codes-off": "动态验证码已移除。",
            "passkey-added": "通行密钥已添加。",
            "passkey-removed": "通行密钥已移除。",
        }
    ),
    title="安全设置",
    lead="登录方式越可靠，可办理的事项越多。",
    level="身份核验",
    levels=("本人填报，尚未核验", "姓名与号码经登记机关比对", "证件已核验", "窗口当面核验"),
    strength="本次登录",
    strengths=("密码", "密码和动态验证码", "通行密钥"),
    password="密码",
    password_set="已设置",
    password_none="未设置",
    change_password="更改密码",
    choose_password="设置密码",
    change_title="更改密码",
    change_submit="保存新密码",
    old_password="当前密码",
    codes="动态验证码",
    codes_text="手机验证器应用每 30 秒生成一个新的 6 位数字，密码泄露也无法登录。",
    codes_on="已启用",
    codes_off="未启用",
    codes_set_up="启用动态验证码",
    codes_remove="移除",
    codes_title="启用动态验证码",
    codes_lead="需要一部装有验证器应用的手机，任何支持 TOTP 的应用都可以。",
    codes_begin="显示二维码",
    codes_scan="第一步：用验证器应用扫描二维码。",
    codes_secret="无法扫描？在应用中手动输入密钥：",
    codes_open="在本机的验证器应用中打开",
    codes_confirm="第二步：输入应用显示的 6 位数字",
    codes_confirm_hint="确认应用已正确添加。",
    codes_submit="启用",
    qr_alt="供验证器应用扫描的二维码",
    passkeys="通行密钥",
    passkeys_text="用指纹、面容或锁屏密码登录，无法被钓鱼网站骗取，是最可靠的方式。",
    passkeys_none="尚未添加通行密钥。",
    passkey_added="添加于",
    passkey_used="最近使用",
    passkey_never="尚未使用",
    passkey_add="添加通行密钥",
    passkey_add_title="添加通行密钥",
    passkey_add_lead="在本机或安全密钥上创建。浏览器会请您确认指纹、面容或锁屏密码。",
    passkey_label="名称",
    passkey_label_hint="便于日后辨认，例如“我的手机”。",
    passkey_start="创建通行密钥",
    passkey_failed="未能创建通行密钥。如果这台设备已经添加过，无需重复添加；否则请重试。",
    passkey_script="添加通行密钥需要浏览器启用 JavaScript。其他登录方式不受影响。",
    passkey_remove="移除",
    recovery="恢复码",
    recovery_text="手机丢失或忘记密码时使用，每个只能用一次。请打印后与证件放在一起。",
    recovery_left="剩余 {count}",
    recovery_none="您还没有恢复码。一旦手机丢失，只能持证件到窗口办理。",
    recovery_make="生成新的恢复码",
    recovery_title="您的恢复码",
    recovery_lead="请立即打印或抄写。离开本页后无法再次查看。",
    recovery_replaces="以前的恢复码已全部失效。",
    recovery_kept="我已妥善保存",
    weaker="移除后登录将变得不那么可靠。",
    missing="请填写此项。",
)

_EN: Final = SecurityTexts(
    notes=MappingProxyType(
        {
            "password-changed": "The password was changed.",
            "codes-on": "One-time codes are on. You will be asked for one at the next sign-in.",
            "codes-off": "One-time codes were removed.",
            "passkey-added": "The passkey was added.",
            "passkey-removed": "The passkey was removed.",
        }
    ),
    title="Security",
    lead="The surer your sign-in, the more you can do online.",
    level="How you were identified",
    levels=(
        "By your own word, not yet checked",
        "Name and number matched with the register",
        "Document checked",
        "In person at a counter",
    ),
    strength="This sign-in",
    strengths=("Password", "Password and one-time code", "Passkey"),
    password="Password",
    password_set="Set",
    password_none="Not set",
    change_password="Change the password",
    choose_password="Choose a password",
    change_title="Change the password",
    change_submit="Save the new password",
    old_password="Present password",
    codes="One-time codes",
    codes_text="An app on your phone shows 6 new digits every 30 seconds; a stolen password alone then opens nothing.",
    codes_on="On",
    codes_off="Off",
    codes_set_up="Set up one-time codes",
    codes_remove="Remove",
    codes_title="Set up one-time codes",
    codes_lead="You need a phone with an authenticator app; any that knows TOTP will do.",
    codes_begin="Show the QR code",
    codes_scan="First: scan the code with the app.",
    codes_secret="You cannot scan? Type this key into the app:",
    codes_open="Open in the app on this device",
    codes_confirm="Second: enter the 6 digits that the app shows",
    codes_confirm_hint="So we know that the app was set up right.",
    codes_submit="Turn on",
    qr_alt="QR code for the authenticator app",
    passkeys="Passkeys",
    passkeys_text="Sign in with fingerprint, face or screen lock. No false website can get it from you.",
    passkeys_none="No passkey yet.",
    passkey_added="Added",
    passkey_used="Last used",
    passkey_never="Never used",
    passkey_add="Add a passkey",
    passkey_add_title="Add a passkey",
    passkey_add_lead="It is made on this device or on a security key. The browser asks for your fingerprint, face or "
    "screen lock.",
    passkey_label="Name",
    passkey_label_hint="So that you know it again, for example “my phone”.",
    passkey_start="Make the passkey",
    passkey_failed="The passkey could not be made. If this device has one already, you need no other; else try again.",
    passkey_script="Adding a passkey needs JavaScript. All other ways to sign in work without.",
    passkey_remove="Remove",
    recovery="Recovery codes",
    recovery_text="For a lost phone or a forgotten password, each good for one time. Print them and keep them with "
    "your document.",
    recovery_left="{count} left",
    recovery_none="You have no recovery codes. If the phone is lost, only a counter can help you.",
    recovery_make="Make new recovery codes",
    recovery_title="Your recovery codes",
    recovery_lead="Print or copy them now. They cannot be shown again.",
    recovery_replaces="All earlier recovery codes are void.",
    recovery_kept="I have kept them safe",
    weaker="Signing in becomes less sure without it.",
    missing="Please fill this in.",
)

SECURITY_TEXTS: Final[Mapping[Language, SecurityTexts]] = MappingProxyType({"zh": _ZH, "en": _EN})
