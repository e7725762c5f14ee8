"""Devices with the Chinese interface SDF (GM/T 0018-2023): any vendor's `libsdf.so`, described by a profile."""
