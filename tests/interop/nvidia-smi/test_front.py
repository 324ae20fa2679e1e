# SPDX-License-Identifier: Apache-2.0
"""Our front prints what nvidia-smi 550 was recorded to print; see scenarios.py."""
import scenarios
import tap

scenarios.register_front()
tap.main()
