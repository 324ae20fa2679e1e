# SPDX-License-Identifier: Apache-2.0
"""The recorded runs of nvidia-smi 470; see scenarios.py."""
import scenarios
import tap

scenarios.register(470)
tap.main()
