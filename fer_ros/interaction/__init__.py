# SPDX-License-Identifier: Apache-2.0
"""What lasts: changes of expression that held, and which one dominated."""
