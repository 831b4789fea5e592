# SPDX-License-Identifier: Apache-2.0
"""Where images come from without a camera driver: files, folders, streams, the built-in sample."""
