#!/usr/bin/env bash
# Writes lib/plot/fonts/*.otf from the Inter 4 font files in the folder given as first argument (Debian package fonts-inter); needs fonttools.
# Run only to change the set of letters: the two files are committed.
set -euo pipefail
cd "$(dirname "$0")/.."
letters="U+0020-007E,U+00A0-00FF,U+0152-0153,U+0160-0161,U+017D-017E,U+0394,U+03A3,U+03B1-03C9,U+2010-2026,U+20AC,U+2190-2193,U+2212,U+2248,U+2264-2265"
for weight in Regular SemiBold; do
  pyftsubset "$1/Inter-$weight.otf" --unicodes="$letters" --layout-features=kern --no-hinting --name-IDs=0,1,2,3,4,6,13,14,16,17 \
    --output-file="lib/plot/fonts/inter-$weight.otf"
done
