# SPDX-License-Identifier: Apache-2.0
"""Whether quality, flags and events tell when to trust a reading."""
