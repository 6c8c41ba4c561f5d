#!/usr/bin/env bash
# Release rehearsal: 500 Workers terminated and 250 processes left in the middle of training and sampling jobs; 0 aborts, 0 hangs.
set -euo pipefail
cd "$(dirname "$0")/../.."
FLOWMATCH_CYCLES=${CYCLES:-500} npx --no-install vitest run test/native-binding/teardown.test.ts --reporter=verbose --disable-console-intercept
