# SPDX-License-Identifier: Apache-2.0
"""What the web view is made of: who may look, which result belongs to which image, the server."""
