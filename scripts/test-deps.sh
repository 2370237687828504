#!/bin/sh
# Installs what the tests need beside Go from Debian's packages, when it is missing and this user may install. Says plainly
# what it could not install; the tests that need it then fail and name it.
set -u
missing=""
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need openssl openssl # the independent judge of check values
need python3 python3 # and of transcripts: the verifier of docs/formats in another language
need gcc gcc         # the race detector needs cgo
# Debian keeps the server's programs out of the search path.
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need initdb postgresql
need softhsm2-util softhsm2 # a PKCS#11 token, with its module
need zsh zsh         # the shells whose completion is tried; bash is everywhere
need fish fish
need groff groff-base # the readers of manual pages
need mandoc mandoc
[ -e /usr/share/bash-completion/bash_completion ] || missing="$missing bash-completion"
have() { for f; do [ -e "$f" ] && return 0; done; return 1; }
have /usr/lib/*/libsoftokn3.so /usr/lib/*/nss/libsoftokn3.so /usr/lib*/libsoftokn3.so || missing="$missing libnss3" # another token
command -v chromium-browser >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || need chromium chromium # pages are looked at
have /usr/share/fonts/*/*/*[Cc][Jj][Kk]* /usr/share/fonts/*/*/DroidSansFallback* /usr/share/fonts/*/*/wqy* || missing="$missing fonts-droid-fallback"
[ -e /usr/include/stdlib.h ] || [ "$(uname)" != Linux ] || missing="$missing libc6-dev"
[ -z "$missing" ] && exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
	if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
		as_root="sudo -n"
	else
		echo "make test: cannot install as this user; install by hand:$missing" >&2
		exit 0
	fi
fi
if ! command -v apt-get >/dev/null 2>&1; then
	echo "make test: this is no Debian; install by hand:$missing" >&2
	exit 0
fi
echo "make test: installing$missing" >&2
# shellcheck disable=SC2086 # words are wanted
if ! { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq $missing >/dev/null; }; then
	echo "make test: could not install:$missing" >&2
fi
exit 0
