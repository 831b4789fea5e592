# SPDX-License-Identifier: Apache-2.0
"""How long it takes, and what it takes of the machine."""
