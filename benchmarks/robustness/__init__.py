# SPDX-License-Identifier: Apache-2.0
"""Whether anything that a machine or a user does brings the package down."""
