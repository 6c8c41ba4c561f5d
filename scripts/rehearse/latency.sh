#!/usr/bin/env bash
# Release rehearsal: the absolute latencies. Event-loop delay over 20 s a load (p99 within 2 ms of the control), 500 random stops at the largest shape
# (p99 <= 50 ms). Run it on a machine that does nothing else.
set -euo pipefail
cd "$(dirname "$0")/../.."
FLOWMATCH_STOPS=${STOPS:-500} FLOWMATCH_PING_MS=${PING_MS:-20000} npx --no-install vitest run test/native-binding/service.timing.test.ts -t 'answers as fast|is obeyed' --reporter=verbose --disable-console-intercept
