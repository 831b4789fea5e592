# SPDX-License-Identifier: Apache-2.0
"""What the launch files have in common; imports launch, which does not come as a wheel."""
