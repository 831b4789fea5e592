# SPDX-License-Identifier: Apache-2.0
"""The commands: demo, record, evaluate_bag, evaluate_bags."""
