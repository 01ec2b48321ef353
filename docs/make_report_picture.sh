#!/bin/sh
# The README's picture of a report: the upper part of the page, 1200 pixels wide, in 128 colours.
# usage: docs/make_report_picture.sh RUN_FOLDER [HEIGHT]      (needs chromium and Pillow)
set -eu
page=$(realpath "$1/report.html")
height=${2:-1400}
picture=$(dirname "$(realpath "$0")")/images/report.png
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
chromium --headless --no-sandbox --disable-gpu --disable-background-networking --hide-scrollbars \
  --user-data-dir="$profile" --window-size="1200,$height" --screenshot="$profile/page.png" "file://$page" 2>/dev/null
"${PYTHON:-python3}" - "$profile/page.png" "$picture" <<'PYTHON'
import sys
from PIL import Image
Image.open(sys.argv[1]).convert("RGB").quantize(128).save(sys.argv[2], optimize=True)
PYTHON
ls -l "$picture"
