# SPDX-License-Identifier: Apache-2.0
"""How often faces are found and their expressions read right."""
