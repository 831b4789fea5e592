# SPDX-License-Identifier: Apache-2.0
"""What hostile input does: nothing but one line and the next one."""
