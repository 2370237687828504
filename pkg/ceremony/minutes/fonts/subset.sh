#!/bin/sh
# Makes han.ttf.gz and latin.ttf.gz. Usage: subset.sh DroidSansFallbackFull.ttf DejaVuSans.ttf
# Needs python3 and pyftsubset of fonttools (made with 4.38.0).
# Of the first font every character of GBK is taken over that it has: GB 2312, the traditional characters of Big5, and the
# characters of names that neither has. Of the second what Helvetica and Courier of a reader of PDF do not have.
set -eu
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -c '
import sys
for a in range(0x81, 0xFF):
    for b in range(0x40, 0xFF):
        try:
            sys.stdout.buffer.write(bytes([a, b]).decode("gbk").encode("utf-8"))
        except UnicodeDecodeError:
            pass
' >"$work/characters"

cut() { # NAME.ttf.gz FONT CHARACTERS
	pyftsubset "$2" "$3" --no-hinting --layout-features= --name-IDs=0,1,2,13,14 --notdef-outline --no-recalc-timestamp \
		--drop-tables+=GSUB,GPOS,GDEF,FFTM,vhea,vmtx,gasp --output-file="$work/cut.ttf"
	gzip -9 -n -c "$work/cut.ttf" >"$here/$1"
}

cut han.ttf.gz "$1" --text-file="$work/characters"
cut latin.ttf.gz "$2" "--unicodes=U+A0-24F,U+300-3FF,U+400-52F,U+1E00-1EFF,U+2010-2027,U+2030-205E,U+20A0-20BF,\
U+2100-214F,U+2150-218F,U+2190-22FF,U+2460-2473,U+25A0-25CF,U+2605-2606,U+2610-2612,U+2713,U+2717"
