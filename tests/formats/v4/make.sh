#!/bin/sh
# Makes the store in this folder anew from `inputs`: `sh make.sh PATH_OF_LOGGUARD` in an empty folder with a copy of `inputs`.
# It was run once, when version 4 was settled, and what it made is kept: a store that is made anew proves nothing about old ones.
set -eu
PATH="$(dirname "$1"):$PATH"
export USER=examiner
cd inputs
store="--data ../data --index ../index"
# Two commits, the first sealed fast and the second small, then joined into one segment; the old files are named as replaced.
logguard process $store --seal fast --tz UTC --year 2024 gate.log access.log
logguard process $store --seal small shop.json
logguard compact $store
# Two more segments, which stay as they are; the last is not scored.
logguard process $store --seal balanced --year 2024 clocks.log
logguard process $store --seal fast --no-detect odd.bin.log
# Records of many kinds: templates that follow from records, text with what the stripe shares, places of fields.
logguard process $store --seal small --year 2024 kinds.log
logguard verify $store --inputs
